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

"""What a guest writes to its disk, and what it reads there."""

import os
import subprocess
import tempfile

from nova_vmrun.host import files

WRITTEN = b'what the guest wrote'
# Where the guest writes: behind the content of the image.
_OFFSET = 1 << 20
# No guest uses more of its disk.
_BYTES = 4 << 20
BLANK = b'\0' * _BYTES


def write(disk: str, content: bytes = WRITTEN) -> None:
    """Write to a disk as its guest would."""
    with tempfile.NamedTemporaryFile() as source:
        source.write(content.ljust(512, b'\0'))
        source.flush()
        subprocess.run(
            ['qemu-io', '-f', 'vmdk', '-c',
             'write -s %s %d 512' % (source.name, _OFFSET), disk],
            check=True, stdout=subprocess.DEVNULL)


def read(disk: str, image_format: str = 'vmdk') -> bytes:
    """Return the part of a disk that guests use."""
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, 'content')
        subprocess.run(
            ['qemu-img', 'dd', '-f', image_format, '-O', 'raw', '-U',
             'bs=1M', 'count=%d' % (_BYTES >> 20), 'if=' + disk,
             'of=' + target], check=True, stdout=subprocess.DEVNULL)
        return files.read(target)
