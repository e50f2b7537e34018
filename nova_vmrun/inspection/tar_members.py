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

"""Locate the members of a tar file without unpacking anything.

Support plain files in USTAR, GNU and pax archives, with long names and large
sizes. A hostile header can make a reader allocate memory, and names can be
paths: so limit everything, and refuse links, devices, folders and sparse
files.
"""

import dataclasses
import re
import tarfile
import unicodedata

from oslo_utils import units

from nova_vmrun.inspection import file_slice

BLOCK = tarfile.BLOCKSIZE
_MAX_MEMBERS = 100
# An OVA has at most a few extended headers per member.
_MAX_HEADERS = 4 * _MAX_MEMBERS
_LARGEST_HEADER = 64 * units.Ki
_LONGEST_NAME = 255
_SIZE = re.compile('[0-9]{1,19}')
_RECORD = re.compile(rb'([1-9][0-9]{0,5}) ([^=\n\0]{1,200})=')
_PAX, _GLOBAL_PAX = tarfile.XHDTYPE, tarfile.XGLTYPE
_LONG_NAME = tarfile.GNUTYPE_LONGNAME
# Keywords that change a member; no program puts them in a global header.
_MEMBER_KEYWORDS = ('path', 'size', 'linkpath', 'hdrcharset')
_USE_PLAIN_FILES = ('Recreate it with plain files: "tar --format=ustar -cf '
                    'vm.ova vm.ovf vm.mf disk.vmdk".')


class Invalid(Exception):
    """An archive cannot be used.

    :param reason: what is wrong with it
    :param advice: what to do
    """

    def __init__(self, reason: str, advice: str = _USE_PLAIN_FILES) -> None:
        super().__init__(reason)
        self.advice = advice


@dataclasses.dataclass
class _Extended:
    """What extended headers say about the next member."""

    name: str | None = None
    size: int | None = None


def is_tar(head: bytes) -> bool:
    """Return whether a file may be a tar file of any kind.

    :param head: its first block
    """
    try:
        return bool(tarfile.TarInfo.frombuf(head[:BLOCK], 'utf-8',
                                            'surrogateescape').name)
    except tarfile.HeaderError:
        return False


def find_members(file: file_slice.Reader) -> dict[str, file_slice.Span]:
    """Return where each member is, by name without a leading "./".

    :param file: open for reading
    :raises Invalid: it is not a tar file, is truncated, or has members that
        are not plain files
    """
    members: dict[str, file_slice.Span] = {}
    extended, headers = _Extended(), 0
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
            raise Invalid('An OVA is a tar file, and it is not.',
                          'Upload the right file, and all of it.')
        start, size = position + BLOCK, member.size
        headers += 1
        if headers > _MAX_HEADERS:
            raise Invalid('The OVA has too many headers.')
        if member.type in (_PAX, _GLOBAL_PAX, _LONG_NAME):
            _read_extended(file, member, extended, end - start)
        else:
            size = member.size if extended.size is None else extended.size
            name = normalize_name(member.name if extended.name is None
                                  else extended.name)
            _check(member, name, members)
            if not 0 <= size <= end - start:
                raise Invalid('The OVA is truncated.', 'Upload it again.')
            if name:
                members[name] = file_slice.Span(start, size)
            extended = _Extended()
        position = start + -(-size // BLOCK) * BLOCK
    return members


def _check(member: tarfile.TarInfo, name: str,
           members: dict[str, file_slice.Span]) -> None:
    is_current_folder = not name and member.type == tarfile.DIRTYPE
    if not is_current_folder and member.type not in (tarfile.REGTYPE,
                                                     tarfile.AREGTYPE):
        raise Invalid('The OVA has a member that is not a plain file: %s.'
                      % _kind(member))
    if '/' in name or '\\' in name or not (name or is_current_folder):
        raise Invalid('The OVA has a member whose name is a path.',
                      'Recreate it inside the folder of the files: "tar -cf '
                      'vm.ova vm.ovf vm.mf disk.vmdk".')
    if len(name) > _LONGEST_NAME:
        raise Invalid('The OVA has a member with a name that is too long.')
    if name in members or len(members) == _MAX_MEMBERS:
        raise Invalid('The OVA has a member twice, or too many of them.')


def _kind(member: tarfile.TarInfo) -> str:
    return {
        tarfile.SYMTYPE: 'a link', tarfile.LNKTYPE: 'a hard link',
        tarfile.CHRTYPE: 'a device', tarfile.BLKTYPE: 'a device',
        tarfile.DIRTYPE: 'a folder', tarfile.FIFOTYPE: 'a pipe',
        tarfile.GNUTYPE_SPARSE: 'a sparse file'}.get(
            member.type, 'of type %r' % member.type)


def normalize_name(name: str) -> str:
    """Return a name without a leading "./", in Unicode normal form C."""
    while name.startswith('./'):
        name = name[2:].lstrip('/')
    return unicodedata.normalize('NFC', '' if name == '.' else name)


def _read_extended(file: file_slice.Reader, member: tarfile.TarInfo,
                   extended: _Extended, available: int) -> None:
    """Read an extended header, which applies to the next member.

    :param available: bytes from its content to the end of the file
    """
    if not 0 <= member.size <= min(available, _LARGEST_HEADER):
        raise Invalid('The OVA is truncated, or has a header that is too '
                      'large.')
    data = file.read(member.size)
    if member.type == _LONG_NAME:
        name = data.partition(b'\0')[0]
        if not name:
            raise Invalid('The OVA has a long-name header without a name, '
                          'which is not a plain file.')
        extended.name = name.decode('utf-8', 'surrogateescape')
        return
    records = _read_records(data)
    is_sparse = any(key.startswith('GNU.sparse') for key in records)
    if is_sparse or member.type == _GLOBAL_PAX and any(
            key in records for key in _MEMBER_KEYWORDS):
        raise Invalid('The OVA has a member that is not a plain file: %s.' % (
            'a sparse file' if is_sparse else 'a global pax header'))
    if 'path' in records:
        extended.name = records['path']
    if 'size' in records:
        if not _SIZE.fullmatch(records['size']):
            raise Invalid('The OVA has a size that is not a number.')
        extended.size = int(records['size'])


def _read_records(data: bytes) -> dict[str, str]:
    """Return the records of a pax header, "length key=value" and a newline.

    :raises Invalid: there is none, or a length is wrong
    """
    records: dict[str, str] = {}
    position = 0
    while position < len(data.rstrip(b'\0')):
        match = _RECORD.match(data, position)
        end = position + int(match.group(1)) if match else 0
        if not match or end <= match.end() or data[end - 1:end] != b'\n':
            raise Invalid('The OVA has a damaged pax header, which is not a '
                          'plain file.')
        key = match.group(2).decode('utf-8', 'surrogateescape')
        records[key] = data[match.end():end - 1].decode(
            'utf-8', 'surrogateescape')
        position = end
    if not records:
        raise Invalid('The OVA has an empty pax header, which is not a plain '
                      'file.')
    return records
