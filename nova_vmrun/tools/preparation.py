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

"""What is done in a new process before it becomes a program.

Nothing here may fail for a reason that could be known before the fork: all
that the parent hears of a failure is that there was one.
"""

from collections.abc import Mapping
import os
import resource

from nova_vmrun import system


class Preparation:
    """What a new process calls before it becomes a program.

    :param out: descriptor of the file for its output
    :param err: likewise, for its errors
    :param limits: numbers, by resource.RLIMIT_*
    :ivar memory_to_watch: bytes that the program may have and the kernel does
        not watch; None if it does, or if there is no limit
    """

    def __init__(self, out: int, err: int, limits: Mapping[int, int]) -> None:
        here = system.here()
        self._out = out
        self._err = err
        self._limits = here.allowed_limits(limits)
        self._umask = here.program_umask
        self.memory_to_watch = (
            None if resource.RLIMIT_AS in self._limits
            else limits.get(resource.RLIMIT_AS))

    def __call__(self) -> None:
        try:
            os.setsid()
            os.dup2(self._out, 1)
            os.dup2(self._err, 2)
            if self._umask is not None:
                os.umask(self._umask)
            for kind, number in self._limits.items():
                resource.setrlimit(kind, (number, number))
        except (OSError, ValueError) as error:
            os.write(self._err, os.fsencode(str(error)))
            raise

    def failure(self) -> str:
        """Returns why the call failed, in the parent."""
        size = os.fstat(self._err).st_size
        return os.fsdecode(os.pread(self._err, size, 0)) or 'unknown'
