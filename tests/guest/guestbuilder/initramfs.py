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

"""The initramfs: a folder made into a compressed cpio archive."""

import gzip
import os
import stat

_HEADER = '070701' + '%08X' * 13
_EPOCH = 0


class Archive(object):
    """Writes cpio's "newc" format, which the kernel unpacks.

    Everything belongs to root and to no time, so that the same content gives
    the same bytes.
    """

    def __init__(self, file):
        self._file = file
        self._inode = 0

    def add(self, name, mode, content=b'', device=(0, 0)):
        self._inode += 1
        encoded = os.fsencode(name) + b'\0'
        header = _HEADER % (
            self._inode, mode, 0, 0, 1, _EPOCH, len(content), 0, 0,
            device[0], device[1], len(encoded), 0)
        self._write_padded(header.encode() + encoded)
        self._write_padded(content)

    def close(self):
        self.add('TRAILER!!!', 0)

    def _write_padded(self, data):
        self._file.write(data + b'\0' * (-len(data) % 4))


def _add_tree(archive, root):
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(folders + names):
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                content = os.fsencode(os.readlink(path))
            elif stat.S_ISREG(mode):
                with open(path, 'rb') as f:
                    content = f.read()
            else:
                content = b''
            # Scripts may have lost the bit on their way, in a wheel.
            executable = (mode & 0o111 or not stat.S_ISREG(mode)
                          or content.startswith(b'#!'))
            archive.add(os.path.relpath(path, root),
                        stat.S_IFMT(mode) | (0o755 if executable else 0o644),
                        content)


def write(root, path):
    """Pack the folder ``root`` into the initramfs ``path``."""
    with open(path, 'wb') as raw:
        with gzip.GzipFile('', 'wb', 9, raw, mtime=_EPOCH) as file:
            archive = Archive(file)
            _add_tree(archive, root)
            archive.add('dev/console', stat.S_IFCHR | 0o600, device=(5, 1))
            archive.close()
