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


"""Where the members of a tar file lie, without unpacking anything.

Known are the plain members of USTAR, GNU and pax archives, with long names
and large sizes. A header says how much a reader shall allocate, and names can
be paths, so everything is bounded, and links, devices, folders and sparse
files are refused.
"""

import dataclasses
import io
import re
import tarfile
import unicodedata

from oslo_utils import units

from nova_vmrun.inspection import file_slice

BLOCK = tarfile.BLOCKSIZE
_MOST_MEMBERS = 100
# Between the members of an OVA there is one such header for each at most.
_MOST_HEADERS = 4 * _MOST_MEMBERS
_LARGEST_HEADER = 64 * units.Ki
_LONGEST_NAME = 255
_SIZE = re.compile('[0-9]{1,19}')
_RECORD = re.compile(rb'([1-9][0-9]{0,5}) ([^=\n\0]{1,200})=')
_PAX, _PAX_FOR_ALL = tarfile.XHDTYPE, tarfile.XGLTYPE
_LONG_NAME = tarfile.GNUTYPE_LONGNAME
# What changes a member; an archive with one of these for all is not made.
_OF_ONE = ('path', 'size', 'linkpath', 'hdrcharset')
_AS_TAR = ('Make it anew with plain files: "tar --format=ustar -cf vm.ova '
           'vm.ovf vm.mf disk.vmdk".')


class Invalid(Exception):
    """What is wrong with an archive; the second argument is what to do."""

    def __init__(self, reason: str, advice: str = _AS_TAR) -> None:
        super().__init__(reason)
        self.advice = advice


@dataclasses.dataclass
class _Pending:
    """What headers have told of the member that follows."""

    name: str | None = None
    size: int | None = None


def is_tar(head: bytes) -> bool:
    """Tells whether a file may be a tar file, of any kind.

    :param head: its first block
    """
    try:
        return bool(tarfile.TarInfo.frombuf(head[:BLOCK], 'utf-8',
                                            'surrogateescape').name)
    except tarfile.HeaderError:
        return False


def find(file: io.RawIOBase) -> dict[str, tuple[int, int]]:
    """Finds all members.

    :param file: open for reading
    :returns: dict of names, without a "./" before them, to (offset, length)
        in bytes
    :raises Invalid: it is no tar file, cut off, or has other members
    """
    found, pending, headers = {}, _Pending(), 0
    position, end = 0, file_slice.size(file)
    while position + BLOCK <= end:
        file.seek(position)
        header = file.read(BLOCK)
        if not header.strip(b'\0'):
            break
        try:
            member = tarfile.TarInfo.frombuf(header, 'utf-8',
                                             'surrogateescape')
        except tarfile.HeaderError:
            raise Invalid('It is no tar file, as an OVA is.',
                          'Upload the right file, or all of it.')
        start, size = position + BLOCK, member.size
        headers += 1
        if headers > _MOST_HEADERS:
            raise Invalid('The OVA has too many headers.')
        if member.type in (_PAX, _PAX_FOR_ALL, _LONG_NAME):
            _read_header(file, member, pending, end - start)
        else:
            size = member.size if pending.size is None else pending.size
            name = _name(member, pending)
            _check(member, name, size, found, end - start)
            if name:
                found[name] = (start, size)
            pending = _Pending()
        position = start + -(-size // BLOCK) * BLOCK
    return found


def _check(member: tarfile.TarInfo, name: str, size: int, found: dict,
           space: int) -> None:
    is_here = not name and member.type == tarfile.DIRTYPE
    if not is_here and member.type not in (tarfile.REGTYPE,
                                           tarfile.AREGTYPE):
        raise Invalid('The OVA has a member that is no plain file: %s.'
                      % _kind(member))
    if '/' in name or '\\' in name or not (name or is_here):
        raise Invalid('The OVA has a member whose name is a path.',
                      'Make it anew in the folder of the files: "tar -cf '
                      'vm.ova vm.ovf vm.mf disk.vmdk".')
    if len(name) > _LONGEST_NAME:
        raise Invalid('The OVA has a member with a name that is too long.')
    if name in found or len(found) == _MOST_MEMBERS:
        raise Invalid('The OVA has a member twice, or too many of them.')
    if not 0 <= size <= space:
        raise Invalid('The OVA is cut off.', 'Upload it again.')


def _kind(member: tarfile.TarInfo) -> str:
    return {
        tarfile.SYMTYPE: 'a link', tarfile.LNKTYPE: 'a hard link',
        tarfile.CHRTYPE: 'a device', tarfile.BLKTYPE: 'a device',
        tarfile.DIRTYPE: 'a folder', tarfile.FIFOTYPE: 'a pipe',
        tarfile.GNUTYPE_SPARSE: 'a sparse file'}.get(
            member.type, 'of type %r' % member.type)


def _name(member: tarfile.TarInfo, pending: _Pending) -> str:
    name = member.name if pending.name is None else pending.name
    return plain_name(name)


def plain_name(name: str) -> str:
    """Returns a name without "./" before it, composed as Unicode wants it."""
    while name.startswith('./'):
        name = name[2:].lstrip('/')
    return unicodedata.normalize('NFC', '' if name == '.' else name)


def _read_header(file: io.RawIOBase, member: tarfile.TarInfo,
                 pending: _Pending, space: int) -> None:
    """Reads a header that is of the member behind it."""
    if not 0 <= member.size <= min(space, _LARGEST_HEADER):
        raise Invalid('The OVA is cut off, or has a header that is too '
                      'large.')
    data = file.read(member.size)
    if member.type == _LONG_NAME:
        name = data.partition(b'\0')[0]
        if not name:
            raise Invalid('The OVA has a header without the name that it is '
                          'for; it is no plain file.')
        pending.name = name.decode('utf-8', 'surrogateescape')
        return
    records = _records(data)
    sparse = any(key.startswith('GNU.sparse') for key in records)
    if sparse or member.type == _PAX_FOR_ALL and any(
            key in records for key in _OF_ONE):
        raise Invalid('The OVA has a member that is no plain file: %s.' % (
            'a sparse file' if sparse else 'a pax header for all'))
    if 'path' in records:
        pending.name = records['path']
    if 'size' in records:
        if not _SIZE.fullmatch(records['size']):
            raise Invalid('The OVA has a size that is no number.')
        pending.size = int(records['size'])


def _records(data: bytes) -> dict[str, str]:
    """Reads the records of a pax header: "length key=value", and a line end.

    :raises Invalid: there is none, or one that is not as long as it says
    """
    found, position = {}, 0
    while position < len(data.rstrip(b'\0')):
        match = _RECORD.match(data, position)
        end = position + int(match.group(1)) if match else 0
        if not match or end <= match.end() or data[end - 1:end] != b'\n':
            raise Invalid('The OVA has a pax header that is no plain file '
                          'and cannot be read.')
        found[match.group(2).decode('utf-8', 'surrogateescape')] = data[
            match.end():end - 1].decode('utf-8', 'surrogateescape')
        position = end
    if not found:
        raise Invalid('The OVA has an empty pax header; it is no plain '
                      'file.')
    return found
