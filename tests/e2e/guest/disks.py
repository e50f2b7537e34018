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

"""What is on disks, as hashes of what a guest reads."""

import hashlib
import os
import struct
import subprocess
import tempfile

_SECTOR = 512
_SECOND_PARTITION = 446 + 16


def sha256(path, length=None):
    """Return the SHA-256 of a file's first ``length`` bytes, or of all."""
    digest = hashlib.sha256()
    left = os.path.getsize(path) if length is None else length
    with open(path, 'rb') as f:
        while left:
            data = f.read(min(left, 1 << 20))
            if not data:
                raise AssertionError('%s has %d bytes less' % (path, left))
            digest.update(data)
            left -= len(data)
    return digest.hexdigest()


def content(path, length):
    """Return the SHA-256 of the first ``length`` bytes of a VMDK's disk.

    The VMDK may be in use, if nobody writes to these bytes.
    """
    with tempfile.TemporaryDirectory() as folder:
        raw = os.path.join(folder, 'raw')
        subprocess.run(['qemu-img', 'convert', '-U', '-f', 'vmdk', '-O',
                        'raw', path, raw], check=True)
        return sha256(raw, length)


def start_of_data(raw):
    """Return how many bytes of the guest's disk it never writes to.

    They are its boot loader, its kernel and all of its programs; behind them
    is the partition on which it counts its boots.
    """
    with open(raw, 'rb') as f:
        entry = f.read(_SECTOR)[_SECOND_PARTITION:]
    sector, = struct.unpack_from('<I', entry, 8)
    return sector * _SECTOR
