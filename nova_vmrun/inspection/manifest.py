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


"""The manifest of an OVA: the digests of its members.

What Glance knows is the digest of the whole OVA, so the manifest tells what
Glance cannot: that the OVA was broken when it was made. To compare reads the
disk once more, in order.
"""

import hashlib
import re

from nova_vmrun.inspection import file_slice
from nova_vmrun.inspection import tar_members

_ALGORITHMS = {'sha1': 'sha1', 'sha224': 'sha224', 'sha256': 'sha256',
               'sha384': 'sha384', 'sha512': 'sha512',
               'sha3256': 'sha3_256', 'sha3512': 'sha3_512', 'md5': 'md5'}
_BY_LENGTH = {32: 'md5', 40: 'sha1', 56: 'sha224', 64: 'sha256',
              96: 'sha384', 128: 'sha512'}
# As ovftool, VirtualBox and openssl write it; and as sha256sum does.
_LINE = re.compile(
    r'(?P<algorithm>[A-Za-z0-9-]{3,9})[ \t]*\((?P<name>[^\r\n]{1,300})\)'
    r'[ \t]*=[ \t]*(?P<digest>[0-9A-Fa-f]{1,128})')
_OTHER_LINE = re.compile(r'(?P<digest>[0-9A-Fa-f]{32,128})[ \t]+\*?'
                         r'(?P<name>[^\r\n]{1,300})')


def parse(data: bytes) -> dict[str, tuple[str, str]]:
    """Reads a manifest.

    :param data: of the file; lines of other kinds are passed over
    :returns: dict of names to (algorithm of hashlib, digest in hexadecimal)
    """
    found = {}
    text = data.decode('utf-8-sig', 'surrogateescape')
    for line in map(str.strip, text.splitlines()):
        match = _LINE.fullmatch(line)
        if match:
            word = match.group('algorithm').lower().replace('-', '')
            algorithm = _ALGORITHMS.get(word)
        else:
            match = _OTHER_LINE.fullmatch(line)
            algorithm = match and _BY_LENGTH.get(len(match.group('digest')))
        if algorithm:
            found[tar_members.plain_name(match.group('name').strip())] = (
                algorithm, match.group('digest').lower())
    return found


def wrong(path: str, told: dict[str, tuple[str, str]],
          members: dict[str, tuple[int, int]], names: list[str]
          ) -> str | None:
    """Finds a member that has not the digest of the manifest.

    Each is read once; a name that the manifest does not have is not read.

    :param path: the OVA
    :param told: what parse returned
    :param members: names to (offset, length) in bytes
    :param names: of the members to compare
    :returns: its name, or None
    """
    for name in names:
        if name not in told:
            continue
        algorithm, expected = told[name]
        with file_slice.opened(path, members[name]) as file:
            found = hashlib.file_digest(file, lambda: hashlib.new(
                algorithm, usedforsecurity=False)).hexdigest()
        if found != expected:
            return name
    return None
