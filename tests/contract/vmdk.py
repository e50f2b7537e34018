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

"""VMDKs, read with qemu-img and by their descriptors."""

import json
import re
import subprocess

_HEADER_UNCLEAN = 72
_MAX = 12000


def _qemu_io(path, *commands, check=True):
    words = ['qemu-io', '-f', 'vmdk']
    for command in commands:
        words += ['-c', command]
    return subprocess.run(words + [path], check=check, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def descriptor(path):
    """Return the settings of a descriptor as a dict."""
    with open(path, 'rb') as f:
        text = f.read(_MAX).decode('latin-1').replace('\0', '')
    return dict(re.findall(r'^([\w.]+) ?= ?"?([^"\n]*)"?$', text, re.M))


def extents(path):
    """Return the (sectors, kind, file name) of each extent."""
    with open(path, 'rb') as f:
        text = f.read(_MAX).decode('latin-1').replace('\0', '')
    return [(int(size), kind, name) for size, kind, name in re.findall(
        r'^RW (\d+) (\w+) "([^"]*)"', text, re.M)]


def capacity(path):
    """Return the capacity in sectors, the sum of the extents."""
    return sum(size for size, _, _ in extents(path))


def info(path):
    """Return the output of qemu-img info."""
    return json.loads(subprocess.run(
        ['qemu-img', 'info', '--output=json', path], check=True,
        stdout=subprocess.PIPE).stdout)


def check(path):
    """Return whether qemu-img finds no error."""
    return subprocess.run(
        ['qemu-img', 'check', '-q', path], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL).returncode == 0


def same(one, two):
    """Return whether a guest would read the same from both."""
    return subprocess.run(
        ['qemu-img', 'compare', '-q', '-f', 'vmdk', '-F', 'vmdk', one, two],
        stdout=subprocess.DEVNULL).returncode == 0


def write(path, offset, data):
    """Write bytes as a guest would, keeping the disk's content id."""
    before = descriptor(path)['CID']
    source = path + '.pattern'
    with open(source, 'wb') as f:
        f.write(data.ljust(-(-len(data) // 512) * 512, b'\0'))
    size = -(-len(data) // 512) * 512
    _qemu_io(path, 'write -s %s %d %d' % (source, offset, size))
    _replace(path, 'CID=' + descriptor(path)['CID'], 'CID=' + before)


def read(path, offset, size):
    """Read bytes as a guest would."""
    whole = -(-size // 512) * 512
    dump = _qemu_io(path, 'read -v %d %d' % (offset, whole)).stdout
    words = re.findall(r'^[0-9a-f]+:  ((?:[0-9a-f]{2} ?)+)', dump, re.M)
    return bytes.fromhex(''.join(words).replace(' ', ''))[:size]


def _replace(path, old, new):
    """Replace a line of the descriptor.

    Zeros behind an embedded one give or take what it changes in length.
    """
    with open(path, 'r+b') as f:
        data = f.read(_MAX)
        head, line, rest = data.partition(b'\n%s\n' % old.encode())
        assert line, old
        text, zero, tail = rest.partition(b'\0')
        longer = len(new) - len(old)
        if zero:
            tail = tail[longer:] if longer > 0 else bytes(-longer) + tail
        f.seek(0)
        f.write(head + b'\n%s\n' % new.encode() + text + zero + tail)


def change_cid(path):
    """Do what any write to a disk does to its content id."""
    old = descriptor(path)['CID']
    _replace(path, 'CID=' + old, 'CID=' + ('0' * 7 + '1'
                                           if old != '00000001'
                                           else '00000002'))


def set_unclean(path):
    """Mark a sparse disk as one that was not closed."""
    with open(path, 'r+b') as f:
        f.seek(_HEADER_UNCLEAN)
        f.write(b'\1')
