#    Licensed under the Apache License, Version 2.0 (the "License"); you may
#    not use this file except in compliance with the License. You may obtain
#    a copy of the License at
#
#         http://www.apache.org/licenses/LICENSE-2.0
#
#    Unless required by applicable law or agreed to in writing, software
#    distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
#    WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
#    License for the specific language governing permissions and limitations
#    under the License.

"""The fusermount3 program, with which ordinary users unmount FUSE mounts."""

from nova_vmrun import exception
from nova_vmrun.tools import process

NAME = 'fusermount3'

_SECONDS = 20
_BUSY = 'Device or resource busy'
_NOT_MOUNTED = ('not found in', 'not mounted')


class Fusermount:
    """The fusermount3 program."""

    def __init__(self, runner: process.Runner) -> None:
        self._runner = runner

    def unmount(self, mount_point: str, is_lazy: bool = False) -> None:
        """Unmount a file, if something is mounted on it.

        :param is_lazy: unmount even if a process has the file open; its reads
            and writes still reach the daemon, if that is alive
        :raises FileInUse: a process has the file open
        :raises ToolRefused: it failed for another reason
        """
        result = self._runner.run(
            NAME, '-u', *(['-z'] if is_lazy else []), '--', mount_point,
            timeout=_SECONDS)
        if not result.exit_code or any(
                text in result.stderr for text in _NOT_MOUNTED):
            return
        if _BUSY in result.stderr:
            raise exception.FileInUse(
                'A program has the file %s open.' % mount_point,
                result.details(), 'Stop the VM that uses it.',
                output=result.stderr, exit_code=result.exit_code)
        raise exception.ToolRefused(
            'Cannot unmount %s.' % mount_point, result.details(),
            'Unmount it by hand: sudo umount -l %s' % mount_point,
            output=result.stderr, exit_code=result.exit_code)
