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


"""Check for qemu-img, without which no server can be built."""

import shutil

from nova_vmrun.aio import errors
from nova_vmrun import system


def require(platform: str | None = None) -> None:
    """Raise AioError now, not at the first image, if qemu-img is missing.

    :raises AioError: qemu-img is missing; says which command installs it
    """
    if shutil.which('qemu-img'):
        return
    if (platform or system.here().name) == system.MACOS:
        install = 'brew install qemu'
    else:
        install = 'sudo apt-get install qemu-utils'
    raise errors.AioError(
        'qemu-img is missing.', 'The driver converts images with it.',
        "Install it with: %s (or your system's package manager)." % install)
