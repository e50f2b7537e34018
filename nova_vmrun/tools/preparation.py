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

"""Set up a child process between fork and exec.

Check everything that can be checked before the fork: the parent only learns
that something failed here, not what.
"""

from collections.abc import Mapping
import os
import resource

from nova_vmrun import system


class Preparation:
    """What a child process has to do before it executes a program.

    :param out: descriptor of the file for standard output
    :param err: descriptor of the file for standard error
    :param limits: resource limits, by resource.RLIMIT_*
    :ivar memory_to_watch: memory limit in bytes that the parent has to
        enforce because this kernel cannot; None if there is nothing to do
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

    def apply(self) -> None:
        """Set up the session, output, umask and limits, in the child."""
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
        """Return, in the parent, why apply() failed in the child."""
        size = os.fstat(self._err).st_size
        return os.fsdecode(os.pread(self._err, size, 0)) or 'unknown'
