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

"""What differs between Linux and macOS: one room with two sides.

Everybody asks :func:`here`; nobody else reads sys.platform. Tests take the
decisions of the other side with :func:`pretend`.
"""

from collections.abc import Iterator
import contextlib
import sys

from nova_vmrun.system import interface
from nova_vmrun.system import linux
from nova_vmrun.system import macos

MACOS = macos.MacOS.name


def of(platform: str) -> interface.System:
    """Returns the side for a value of sys.platform.

    If it is not macOS, assume Linux.
    """
    return macos.MacOS() if platform == MACOS else linux.Linux()


_here = of(sys.platform)


def here() -> interface.System:
    """Returns the side of the system that this process runs on."""
    return _here


@contextlib.contextmanager
def pretend(side: interface.System) -> Iterator[interface.System]:
    """Takes another side's decisions as long as the block lasts.

    For tests: the calls of the real system stay what they are.
    """
    global _here
    before, _here = _here, side
    try:
        yield side
    finally:
        _here = before
