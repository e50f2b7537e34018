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

"""Find the disk in an OVA.

An OVA is a tar file with an OVF descriptor, which is XML, and the disks that
it names. Names in the archive never become paths on the host: the disk is a
range of bytes and is read in place. Only a disk that is compressed or split
into pieces is unpacked to a file first.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import contextlib
import dataclasses
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
# VMDKs in OVAs are usually compressed already, and a sparse one contains no
# zeros. So no honest disk grows by more than this when it is unpacked.
_MAX_RATIO, _ALWAYS_ALLOWED = 100, 64 * units.Mi
_GZIP_WBITS = 16 + zlib.MAX_WBITS

_ADVICE = 'Export it again as an OVA with one disk.'
_OVF_FIRST = ('Recreate it with the descriptor first: "tar -cf vm.ova vm.ovf '
              'vm.mf disk.vmdk".')
_DAMAGED = ('It is damaged, or was changed without its manifest (.mf). '
            'Download or export it again.')


@dataclasses.dataclass(frozen=True)
class Package:
    """The content of an OVA.

    :ivar members: where each member is, by name
    :ivar descriptor: name of the OVF descriptor
    :ivar envelope: the parsed OVF descriptor
    """

    members: Mapping[str, file_slice.Span]
    descriptor: str
    envelope: ovf.Envelope


@dataclasses.dataclass(frozen=True)
class Disk:
    """The disk of an OVA that a server boots from.

    :ivar id: its ovf:diskId
    :ivar names: of the members that contain it, in order
    :ivar spans: where each of these members is
    :ivar is_compressed: whether it is compressed with gzip
    """

    id: str
    names: tuple[str, ...]
    spans: tuple[file_slice.Span, ...]
    is_compressed: bool = False

    @property
    def span_in_place(self) -> file_slice.Span | None:
        """Where it can be read without unpacking; None: nowhere."""
        return (self.spans[0] if len(self.spans) == 1 and
                not self.is_compressed else None)

    @property
    def size(self) -> int:
        """Bytes that it takes in the OVA."""
        return sum(span.length for span in self.spans)


class _Invalid(tar_members.Invalid):
    """The contents of an OVA cannot be used."""

    def __init__(self, reason: str, advice: str = _ADVICE) -> None:
        super().__init__(reason, advice)


@contextlib.contextmanager
def _image_refused(image_id: str) -> Iterator[None]:
    """Turn errors about an OVA into ImageRefused."""
    try:
        yield
    except tar_members.Invalid as error:
        raise exception.ImageRefused(image_id, str(error), error.advice)
    except ovf.Invalid as error:
        raise exception.ImageRefused(image_id, error.brief, _ADVICE)


def read(path: str, image_id: str) -> Package:
    """Read the descriptor of an OVA and find its members.

    :param path: the file
    :param image_id: its id in Glance, for the error
    :raises ImageRefused: it is not an OVA
    """
    with _image_refused(image_id), file_slice.open_slice(path) as file:
        members = tar_members.find_members(file)
        # The standard requires the descriptor to be the first member.
        name = next(iter(members), '')
        if not name.lower().endswith(_OVF):
            raise _Invalid(
                'The first member of the OVA is not an OVF descriptor.',
                _OVF_FIRST if any(each.lower().endswith(_OVF)
                                  for each in members) else
                'A tar archive without one is not an OVA: unpack it ("tar '
                '-xf") and use the disk in it.')
        text = _read_text(file, members[name], 'OVF descriptor')
        return Package(members, name, ovf.parse(text))


def _read_text(file: file_slice.Reader, span: file_slice.Span,
               what: str) -> bytes:
    if span.length > _LARGEST_TEXT:
        raise _Invalid('The %s is larger than 1 MiB.' % what)
    file.seek(span.offset)
    return file.read(span.length)


def find_disk(package: Package, image_id: str,
              wanted: str | None = None) -> Disk:
    """Find the disk that a server boots from.

    :param package: as returned by read()
    :param image_id: its id in Glance, for the error
    :param wanted: the property vmrun_ova_disk: the id or file name of the
        disk; None: the only disk with content
    :raises ImageRefused: there is no such disk, or it is incomplete
    """
    with _image_refused(image_id):
        disk = _choose(package.envelope.disks, wanted)
        if disk.is_child:
            raise _Invalid('The disk in the OVA is the child of another '
                           'disk.', 'Delete the snapshots of the VM before '
                           'you export it.')
        return _locate(package, disk)


def _choose(disks: Collection[ovf.Disk], wanted: str | None) -> ovf.Disk:
    if wanted is not None:
        chosen = [disk for disk in disks if wanted in _names_of(disk)]
        if len(chosen) != 1:
            raise _Invalid('The OVA has no disk %s.'
                           % report.printable(wanted[:80]),
                           'Set vmrun_ova_disk to one of: %s.' % _list(disks))
        return chosen[0]
    filled = [disk for disk in disks if not disk.is_blank]
    # An only disk may be blank: the server starts with an empty disk.
    candidates = filled if len(filled) == 1 else disks
    if len(candidates) == 1:
        return next(iter(candidates))
    raise _Invalid(
        'The OVA has %d disks%s; a server boots from an image with one.' % (
            len(disks), ' (%s)' % _list(disks) if disks else ''),
        'Set the property vmrun_ova_disk of the image to the disk that it '
        'boots from, or export the VM with one disk.' if disks else _ADVICE)


def _names_of(disk: ovf.Disk) -> list[str]:
    names = [disk.id]
    if disk.file:
        names += [disk.file.href, *_hrefs(disk.file.href)]
    return names


def _list(disks: Iterable[ovf.Disk]) -> str:
    return report.printable(', '.join('%s: %s' % (
        disk.id, disk.file.href if disk.file and not disk.is_blank
        else 'blank') for disk in disks))[:1000]


def _hrefs(href: str) -> list[str]:
    """Return the member names that an href may refer to."""
    return [tar_members.normalize_name(name) for name in (
        href, urllib.parse.unquote(href, errors='surrogateescape'))]


def _locate(package: Package, disk: ovf.Disk) -> Disk:
    file = disk.file
    if file is None or not file.href:
        raise _Invalid('The disk of the OVA has no file: it is blank.')
    if file.compression not in ('', _GZIP):
        raise _Invalid('The disk in the OVA is compressed with %s.'
                       % report.printable(file.compression[:20]),
                       'Export it again without compression, or with gzip.')
    names = _members_of(package.members, file)
    spans = tuple(package.members[name] for name in names)
    found = Disk(disk.id, names, spans, bool(file.compression))
    if file.size is not None and file.size != found.size:
        raise _Invalid('The disk in the OVA has %d bytes, and the OVF says '
                       '%d.' % (found.size, file.size), _DAMAGED)
    return found


def _members_of(members: Mapping[str, file_slice.Span],
                file: ovf.File) -> tuple[str, ...]:
    for name in _hrefs(file.href):
        if file.chunk_size is None:
            if name in members:
                return (name,)
            continue
        pieces: list[str] = []
        while _PIECE % (name, len(pieces)) in members:
            pieces.append(_PIECE % (name, len(pieces)))
        if pieces:
            if any(members[piece].length != file.chunk_size
                   for piece in pieces[:-1]):
                raise _Invalid('A piece of the disk in the OVA does not have '
                               'the size that the OVF states.', _DAMAGED)
            return tuple(pieces)
    raise _Invalid('The OVA does not contain the disk that its OVF names.')


def verify(path: str, package: Package, disk: Disk, image_id: str) -> None:
    """Compare the descriptor and the disk with the manifest, if there is one.

    :raises ImageRefused: a digest is wrong
    """
    names = [name for name in package.members
             if name.lower().endswith(_MANIFEST)]
    own = package.descriptor[:-len(_OVF)] + _MANIFEST
    name = own if own in names else names[0] if len(names) == 1 else None
    if name is None:
        return
    with _image_refused(image_id), file_slice.open_slice(path) as file:
        digests = manifest.parse(
            _read_text(file, package.members[name], 'manifest'))
        mismatch = manifest.find_mismatch(path, digests, package.members,
                                          [package.descriptor, *disk.names])
        if mismatch is not None:
            raise _Invalid('The member %s of the OVA does not match the '
                           'digest in the manifest.'
                           % report.printable(mismatch[:80]), _DAMAGED)


def unpack(path: str, disk: Disk, target: str, image_id: str) -> None:
    """Write a disk that cannot be read in place to a file of its own.

    :param path: the OVA
    :param target: the file to write; the caller removes it, complete or not
    :param image_id: its id in Glance, for the error
    :raises ImageRefused: its compression is damaged, or it grows more than
        any honest disk
    :raises DiskFull: there is not enough space
    """
    limit = (disk.size * (_MAX_RATIO if disk.is_compressed else 1) +
             _ALWAYS_ALLOWED)
    file_system = space.of_instances(os.path.dirname(target))
    written = 0
    with _image_refused(image_id), open(target, 'wb') as file:
        for data in _read_disk(path, disk):
            written += len(data)
            if written > limit:
                raise _Invalid('The disk in the OVA grows to more than %d '
                               'times its size when it is unpacked.'
                               % _MAX_RATIO)
            if written > file_system.available:
                raise file_system.disk_full(
                    'Cannot unpack the disk of image %s.' % image_id,
                    'It takes more than %d MiB.'
                    % (file_system.available // units.Mi))
            file.write(data)


def _read_disk(path: str, disk: Disk) -> Iterator[bytes]:
    """Yield the content of a disk, at most _CHUNK bytes at a time."""
    chunks = _read_spans(path, disk)
    return _gunzip(chunks) if disk.is_compressed else chunks


def _read_spans(path: str, disk: Disk) -> Iterator[bytes]:
    for span in disk.spans:
        with file_slice.open_slice(path, span) as file:
            while data := file.read(_CHUNK):
                yield data


def _gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack gzip data that, as gzip allows, may have several members."""
    unpacker = zlib.decompressobj(_GZIP_WBITS)
    has_begun = False
    try:
        for data in chunks:
            while data:
                if unpacker.eof:
                    if not data.strip(b'\0'):
                        break
                    unpacker = zlib.decompressobj(_GZIP_WBITS)
                yield unpacker.decompress(data, _CHUNK)
                has_begun = True
                data = unpacker.unconsumed_tail or unpacker.unused_data
    except zlib.error:
        raise _Invalid('The disk in the OVA is declared as gzip, but is '
                       'something else or damaged.', _DAMAGED)
    if has_begun and not unpacker.eof:
        # The small rest that did not fit into the last chunk.
        yield unpacker.flush()
    if not (has_begun and unpacker.eof):
        raise _Invalid('The compressed disk in the OVA is truncated.',
                       _DAMAGED)
