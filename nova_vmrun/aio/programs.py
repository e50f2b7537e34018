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


"""The programs of the system without which no server can be built."""

import shutil
from typing import NamedTuple

from nova_vmrun.aio import errors
from nova_vmrun import system

# Each of them takes the options of mkisofs.
_ISO_PROGRAMS = ('genisoimage', 'mkisofs', 'xorrisofs')


class _Need(NamedTuple):
    """One of these programs is needed; the packages provide the first."""

    programs: tuple[str, ...]
    debian: str
    homebrew: str


_NEEDED = (
    _Need(('qemu-img',), 'qemu-utils', 'qemu'),
    _Need(_ISO_PROGRAMS, 'genisoimage', 'cdrtools'),
)


def iso_program() -> str:
    """Returns the program that writes config drives here."""
    return next(filter(shutil.which, _ISO_PROGRAMS), _ISO_PROGRAMS[0])


def require(platform: str | None = None) -> None:
    """Stops at once where an image could not be converted later.

    :raises AioError: with the command that installs what is missing
    """
    missing = [need for need in _NEEDED
               if not any(map(shutil.which, need.programs))]
    if not missing:
        return
    if (platform or system.here().name) == system.MACOS:
        install = 'brew install %s' % ' '.join(
            need.homebrew for need in missing)
    else:
        install = 'sudo apt-get install %s' % ' '.join(
            need.debian for need in missing)
    raise errors.AioError(
        'Programs are missing: %s.' % ', '.join(
            need.programs[0] for need in missing),
        'Nova converts images with qemu-img and writes config drives with '
        'genisoimage.',
        'Install them with: %s (or your system\'s package manager).'
        % install)
