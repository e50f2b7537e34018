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

"""Everything that differs between Linux and macOS.

here() returns the implementation for this host; nothing else reads
sys.platform. Tests use pretend() to run the code for the other system.
"""

from collections.abc import Iterator
import contextlib
import sys

from nova_vmrun.system import interface
from nova_vmrun.system import linux
from nova_vmrun.system import macos

MACOS = macos.MacOS.name


def of(platform: str) -> interface.System:
    """Return the implementation for a value of sys.platform.

    If it is not macOS, assume Linux.
    """
    return macos.MacOS() if platform == MACOS else linux.Linux()


_here = of(sys.platform)


def here() -> interface.System:
    """Return the implementation for the system of this process."""
    return _here


@contextlib.contextmanager
def pretend(implementation: interface.System
            ) -> Iterator[interface.System]:
    """Use another implementation within a block, in tests.

    System calls still go to the real system.
    """
    global _here
    before, _here = _here, implementation
    try:
        yield implementation
    finally:
        _here = before
