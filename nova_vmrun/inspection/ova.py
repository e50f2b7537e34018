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


"""Finds the disk in an OVA.

An OVA is a tar file of an OVF descriptor, which is XML, and the disks that it
names. No name in it becomes a path of the host: the disk is found as a span
of bytes, and is read where it lies. Only a disk that is compressed or in
several pieces is written to a file of its own first.
"""

import contextlib
import dataclasses
import io
import os
import urllib.parse
import zlib

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import ovf
from nova_vmrun.formats import report
from nova_vmrun.host import space
from nova_vmrun.inspection import file_slice
from nova_vmrun.inspection import manifest
from nova_vmrun.inspection import tar_members

_LARGEST_TEXT = units.Mi
_OVF, _MANIFEST = '.ovf', '.mf'
_PIECE = '%s.%09d'
_CHUNK = units.Mi
_GZIP = 'gzip'
# VMDKs in OVAs are compressed already. One that is not has no zeros in it, so
# that nothing honest becomes so much more.
_MOST_TIMES, _ALWAYS = 100, 64 * units.Mi
_AUTO_GZIP = 16 + zlib.MAX_WBITS

_ADVICE = 'Export it again as an OVA with one disk.'
_OVF_FIRST = ('Make it anew, the descriptor first: "tar -cf vm.ova vm.ovf '
              'vm.mf disk.vmdk".')
_DAMAGED = ('It is damaged, or was changed without its manifest (.mf). '
            'Download or export it again.')


@dataclasses.dataclass(frozen=True)
class Package:
    """What is in an OVA.

    :ivar members: dict of names to (offset, length) in bytes
    :ivar descriptor: name of the OVF descriptor
    :ivar envelope: what it says, an ovf.Envelope
    """

    members: dict
    descriptor: str
    envelope: ovf.Envelope


@dataclasses.dataclass(frozen=True)
class Disk:
    """The disk of an OVA that a server boots from.

    :ivar id: its ovf:diskId
    :ivar names: of the members that it is in, in order
    :ivar spans: (offset, length) in bytes of each
    :ivar is_compressed: whether it must be unpacked
    """

    id: str
    names: tuple
    spans: tuple
    is_compressed: bool = False

    @property
    def in_place(self) -> tuple[int, int] | None:
        """The span that it can be read from as it is, if there is one."""
        return (self.spans[0] if len(self.spans) == 1 and
                not self.is_compressed else None)

    @property
    def size(self) -> int:
        """Bytes that it takes in the OVA."""
        return sum(length for _, length in self.spans)


class _Invalid(Exception):
    """What is wrong with an OVA; the second argument is what to do."""

    def __init__(self, reason: str, advice: str = _ADVICE) -> None:
        super().__init__(reason)
        self.advice = advice


@contextlib.contextmanager
def _refusing(image_id: str):
    try:
        yield
    except (_Invalid, tar_members.Invalid) as error:
        raise exception.ImageRefused(image_id, str(error), error.advice)
    except ovf.Invalid as error:
        raise exception.ImageRefused(image_id, error.brief, _ADVICE)


def read(path: str, image_id: str) -> Package:
    """Tells what is in an OVA.

    :param path: the file
    :param image_id: its id in Glance, for the error
    :raises ImageRefused: it is no OVA
    """
    with _refusing(image_id), file_slice.opened(path) as file:
        members = tar_members.find(file)
        # The standard wants it to be the first member.
        name = next(iter(members), '')
        if not name.lower().endswith(_OVF):
            raise _Invalid(
                'The first member of the OVA is no OVF descriptor.',
                _OVF_FIRST if any(each.lower().endswith(_OVF)
                                  for each in members) else
                'A tar archive without one is no OVA: unpack it ("tar -xf") '
                'and use the disk in it.')
        text = _text(file, members[name], 'OVF descriptor')
        return Package(members, name, ovf.parse(text))


def _text(file: io.RawIOBase, span: tuple[int, int], what: str) -> bytes:
    offset, length = span
    if length > _LARGEST_TEXT:
        raise _Invalid('The %s is larger than 1 MiB.' % what)
    file.seek(offset)
    return file.read(length)


def find_disk(package: Package, image_id: str,
              wanted: str | None = None) -> Disk:
    """Finds the disk that a server boots from.

    :param package: what read returned
    :param image_id: its id in Glance, for the error
    :param wanted: its id or the name of its file, as vmrun_ova_disk says;
        None: the only one with content
    :raises ImageRefused: there is no such disk, or it is not whole
    """
    with _refusing(image_id):
        disk = _choose(package.envelope.disks, wanted)
        if disk.is_child:
            raise _Invalid('The disk in the OVA is the child of another '
                           'disk.', 'Delete the snapshots of the VM before '
                           'you export it.')
        return _stored(package, disk)


def _choose(disks: tuple, wanted: str | None) -> ovf.Disk:
    if wanted is not None:
        chosen = [disk for disk in disks if wanted in _names_of(disk)]
        if len(chosen) != 1:
            raise _Invalid('The OVA has no disk %s.'
                           % report.printable(wanted[:80]),
                           'Set vmrun_ova_disk to one of: %s.' % _list(disks))
        return chosen[0]
    filled = [disk for disk in disks if not disk.is_blank]
    if len(filled) == 1:
        return filled[0]
    if len(disks) == 1:
        # A blank disk with a file: the server starts with nothing on it.
        return disks[0]
    raise _Invalid(
        'The OVA has %d disks%s; a server boots from an image of one.' % (
            len(disks), ' (%s)' % _list(disks) if disks else ''),
        'Set the property vmrun_ova_disk of the image to the one that it '
        'boots from, or export the VM with one disk.' if disks else _ADVICE)


def _names_of(disk: ovf.Disk) -> list[str]:
    names = [disk.id]
    if disk.file:
        names += [disk.file.href, *_hrefs(disk.file.href)]
    return names


def _list(disks: tuple) -> str:
    return report.printable(', '.join('%s: %s' % (
        disk.id, disk.file.href if disk.file and not disk.is_blank
        else 'blank') for disk in disks))[:1000]


def _hrefs(href: str) -> list[str]:
    """Returns the names that a member may have; none of them is a path."""
    return [tar_members.plain_name(name) for name in (
        href, urllib.parse.unquote(href, errors='surrogateescape'))]


def _stored(package: Package, disk: ovf.Disk) -> Disk:
    file = disk.file
    if file is None or not file.href:
        raise _Invalid('The disk of the OVA has no file: it is blank.')
    if file.compression not in ('', _GZIP):
        raise _Invalid('The disk in the OVA is compressed with %s.'
                       % report.printable(file.compression[:20]),
                       'Export it again without '
                       'compression, or with gzip.')
    names = _members_of(package.members, file)
    spans = tuple(package.members[name] for name in names)
    found = Disk(disk.id, names, spans, bool(file.compression))
    if file.size is not None and file.size != found.size:
        raise _Invalid('The disk in the OVA has %d bytes, and the OVF says '
                       '%d.' % (found.size, file.size), _DAMAGED)
    return found


def _members_of(members: dict, file: ovf.File) -> tuple:
    for name in _hrefs(file.href):
        if file.chunk_size is None:
            if name in members:
                return (name,)
            continue
        pieces = []
        while _PIECE % (name, len(pieces)) in members:
            pieces.append(_PIECE % (name, len(pieces)))
        if pieces:
            if any(members[piece][1] != file.chunk_size
                   for piece in pieces[:-1]):
                raise _Invalid('A piece of the disk in the OVA is not as '
                               'long as the OVF says.', _DAMAGED)
            return tuple(pieces)
    raise _Invalid('The OVA does not hold the disk that it names.')


def verify(path: str, package: Package, disk: Disk, image_id: str) -> None:
    """Compares the descriptor and the disk with the manifest.

    Does nothing if the OVA has none. Reads what it compares, once.

    :raises ImageRefused: one of them has another digest
    """
    names = [name for name in package.members
             if name.lower().endswith(_MANIFEST)]
    own = package.descriptor[:-len(_OVF)] + _MANIFEST
    name = own if own in names else names[0] if len(names) == 1 else None
    if name is None:
        return
    with _refusing(image_id), file_slice.opened(path) as file:
        told = manifest.parse(_text(file, package.members[name], 'manifest'))
        wrong = manifest.wrong(path, told, package.members,
                               [package.descriptor, *disk.names])
        if wrong is not None:
            raise _Invalid('The member %s of the OVA does not have the digest '
                           'that its manifest says.'
                           % report.printable(wrong[:80]), _DAMAGED)


def unpack(path: str, disk: Disk, target: str, image_id: str) -> None:
    """Writes a disk that cannot be read in place into a file of its own.

    :param path: the OVA
    :param disk: a Disk
    :param target: the file, which the caller removes, whole or not
    :param image_id: its id in Glance, for the error
    :raises ImageRefused: it is not compressed as it says, or becomes more
        than any disk does
    :raises DiskFull: there is no room for it
    """
    most = disk.size * (_MOST_TIMES if disk.is_compressed else 1) + _ALWAYS
    room = space.room(os.path.dirname(target))
    written = 0
    with _refusing(image_id), open(target, 'wb') as file:
        for data in _content(path, disk):
            written += len(data)
            if written > most:
                raise _Invalid('The disk in the OVA becomes more than %d '
                               'times as large when it is unpacked.'
                               % _MOST_TIMES)
            if written > room:
                raise space.full(
                    os.path.dirname(target), 'There is no room for the disk '
                    'of image %s.' % image_id, 'It takes more than %d MiB.'
                    % (room // units.Mi))
            file.write(data)


def _content(path: str, disk: Disk):
    """Yields the bytes of a disk, at most _CHUNK at once."""
    pieces = _pieces(path, disk)
    return _gunzip(pieces) if disk.is_compressed else pieces


def _pieces(path: str, disk: Disk):
    for span in disk.spans:
        with file_slice.opened(path, span) as file:
            while data := file.read(_CHUNK):
                yield data


def _gunzip(pieces):
    """Unpacks gzip, which may be in several members, as gzip itself does."""
    unpacker = zlib.decompressobj(_AUTO_GZIP)
    is_begun = False
    try:
        for data in pieces:
            while data:
                if unpacker.eof:
                    if not data.strip(b'\0'):
                        break
                    unpacker = zlib.decompressobj(_AUTO_GZIP)
                yield unpacker.decompress(data, _CHUNK)
                is_begun = True
                data = unpacker.unconsumed_tail or unpacker.unused_data
    except zlib.error:
        raise _Invalid('The disk in the OVA is compressed, but it is no gzip '
                       'or is damaged.', _DAMAGED)
    if is_begun and not unpacker.eof:
        # What did not fit into the last piece; it is not much.
        yield unpacker.flush()
    if not (is_begun and unpacker.eof):
        raise _Invalid('The compressed disk in the OVA is cut off.', _DAMAGED)
