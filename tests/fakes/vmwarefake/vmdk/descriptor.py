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

"""The descriptor of a VMDK: the type, the extents and the parent."""

from __future__ import annotations

import os
import re

from vmwarefake import vmdk

NO_PARENT = 'ffffffff'
MARK = '# Disk DescriptorFile'

_EXTENT = re.compile(
    r'(RW|RDONLY|NOACCESS)\s+(\d+)\s+(\w+)(?:\s+"([^"]*)"(?:\s+(\d+))?)?')
_SETTING = re.compile(r'([\w.]+)\s*=\s*(?:"([^"]*)"|(\S+))\s*\Z')


class Extent:
    """A line of the extent description; sizes are in 512-byte sectors."""

    def __init__(self, access: str, sectors: int, kind: str,
                 filename: str | None = None,
                 offset: int | None = None) -> None:
        self.access = access
        self.sectors = sectors
        self.kind = kind
        self.filename = filename
        self.offset = offset

    def line(self) -> str:
        text = '%s %d %s' % (self.access, self.sectors, self.kind)
        if self.filename is not None:
            text += ' "%s"' % self.filename
        if self.offset is not None:
            text += ' %d' % self.offset
        return text


class Descriptor:
    """The content of a descriptor.

    :ivar header: version, CID, parentCID, createType, ...
    :ivar ddb: the ``ddb.`` settings.
    """

    def __init__(self, header: dict[str, str] | None = None,
                 extents: list[Extent] | None = None,
                 ddb: dict[str, str] | None = None) -> None:
        self.header = header or {}
        self.extents = extents or []
        self.ddb = ddb or {}

    @property
    def create_type(self) -> str:
        return self.header.get('createType', '')

    @property
    def cid(self) -> str:
        return _eight_digits(self.header.get('CID', ''))

    @property
    def parent_cid(self) -> str:
        return _eight_digits(self.header.get('parentCID', NO_PARENT))

    @property
    def parent_hint(self) -> str | None:
        """The parent's path as written, None without a parent."""
        if self.parent_cid == NO_PARENT:
            return None
        return self.header.get('parentFileNameHint')

    @property
    def sectors(self) -> int:
        return sum(extent.sectors for extent in self.extents)

    def set_cid(self, cid: str) -> None:
        """Set the content id in both places."""
        self.header['CID'] = cid
        if 'ddb.longContentID' in self.ddb:
            self.ddb['ddb.longContentID'] = (
                self.ddb['ddb.longContentID'][:24] + cid)

    def text(self) -> str:
        quoted = ('createType', 'encoding', 'parentFileNameHint')
        lines = [MARK]
        for key, value in self.header.items():
            lines.append('%s="%s"' % (key, value) if key in quoted
                         else '%s=%s' % (key, value))
        lines += ['', '# Extent description']
        lines += [extent.line() for extent in self.extents]
        lines += ['', '# The Disk Data Base', '#DDB', '']
        lines += ['%s = "%s"' % pair for pair in self.ddb.items()]
        return '\n'.join(lines) + '\n'


def _eight_digits(cid: str) -> str:
    """Format a content id as VMware does; QEMU omits leading zeros."""
    try:
        return '%08x' % int(cid, 16)
    except ValueError:
        return cid


def new_cid() -> str:
    """Return a new content id: 8 hex digits, not one of the special ids."""
    cid = os.urandom(4).hex()
    return new_cid() if cid in (NO_PARENT, 'fffffffe') else cid


def parse(text: str, path: str) -> Descriptor:
    """Parse a descriptor.

    :raises vmdk.DiskError: NOT_A_DISK if it is not a descriptor.
    """
    if not text.lstrip().startswith(MARK):
        raise vmdk.DiskError(vmdk.NOT_A_DISK, path, 'no descriptor')
    result = Descriptor()
    for line in text.splitlines():
        line = line.strip().rstrip('\0')
        if not line or line.startswith('#'):
            continue
        extent = _EXTENT.match(line)
        if extent:
            access, sectors, kind, name, offset = extent.groups()
            result.extents.append(Extent(
                access, int(sectors), kind, name,
                None if offset is None else int(offset)))
            continue
        setting = _SETTING.match(line)
        if not setting:
            raise vmdk.DiskError(vmdk.NOT_A_DISK, path, line)
        key, in_quotes, bare = setting.groups()
        where = result.ddb if key.startswith('ddb.') else result.header
        where[key] = bare if in_quotes is None else in_quotes
    if not result.create_type or not result.extents:
        raise vmdk.DiskError(vmdk.NOT_A_DISK, path, 'nothing described')
    return result
