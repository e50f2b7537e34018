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

Glance has only a digest of the whole OVA. The manifest can show something that
Glance cannot: that the OVA was already damaged when it was created. Comparing
the digests reads the disk again, from beginning to end.
"""

from collections.abc import Iterable
from collections.abc import Mapping
import hashlib
import re
from typing import NamedTuple

from nova_vmrun.inspection import file_slice
from nova_vmrun.inspection import tar_members

# hashlib's names of the algorithms that manifests name.
_ALGORITHMS = {'sha1': 'sha1', 'sha224': 'sha224', 'sha256': 'sha256',
               'sha384': 'sha384', 'sha512': 'sha512',
               'sha3256': 'sha3_256', 'sha3512': 'sha3_512', 'md5': 'md5'}
_ALGORITHM_BY_LENGTH = {32: 'md5', 40: 'sha1', 56: 'sha224', 64: 'sha256',
                        96: 'sha384', 128: 'sha512'}
# As written by ovftool, VirtualBox and openssl.
_LINE = re.compile(
    r'(?P<algorithm>[A-Za-z0-9-]{3,9})[ \t]*\((?P<name>[^\r\n]{1,300})\)'
    r'[ \t]*=[ \t]*(?P<digest>[0-9A-Fa-f]{1,128})')
# As written by sha256sum.
_SUM_LINE = re.compile(r'(?P<digest>[0-9A-Fa-f]{32,128})[ \t]+\*?'
                       r'(?P<name>[^\r\n]{1,300})')


class Digest(NamedTuple):
    """A digest as the manifest states it.

    :ivar algorithm: of hashlib
    :ivar value: in lower-case hexadecimal
    """

    algorithm: str
    value: str


def parse(data: bytes) -> dict[str, Digest]:
    """Return the digests in a manifest, by member name.

    :param data: content of the file; lines of other kinds are ignored
    """
    digests = {}
    text = data.decode('utf-8-sig', 'surrogateescape')
    for line in map(str.strip, text.splitlines()):
        match = _LINE.fullmatch(line)
        if match:
            word = match.group('algorithm').lower().replace('-', '')
            algorithm = _ALGORITHMS.get(word)
        else:
            match = _SUM_LINE.fullmatch(line)
            if not match:
                continue
            algorithm = _ALGORITHM_BY_LENGTH.get(len(match.group('digest')))
        if algorithm:
            name = tar_members.normalize_name(match.group('name').strip())
            digests[name] = Digest(algorithm, match.group('digest').lower())
    return digests


def find_mismatch(path: str, digests: Mapping[str, Digest],
                  members: Mapping[str, file_slice.Span],
                  names: Iterable[str]) -> str | None:
    """Return the name of a member whose digest is wrong, or None.

    Each member is read once; those without a digest are not read.

    :param path: the OVA
    :param digests: as returned by parse()
    :param members: where each member is, by name
    :param names: of the members to compare
    """
    for name in names:
        if name not in digests:
            continue
        algorithm, expected = digests[name]
        with file_slice.open_slice(path, members[name]) as file:
            actual = hashlib.file_digest(file, lambda: hashlib.new(
                algorithm, usedforsecurity=False)).hexdigest()
        if actual != expected:
            return name
    return None
