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

"""Finds the disk in an OVA, without unpacking anything.

An OVA is a tar file (USTAR) of an OVF descriptor, which is XML, and the disks
that it names. No name in it becomes a path of the host: the disk is found as
a span of bytes. Only plain members are known; the tar extensions that no OVA
needs, some of which make readers allocate what a header says, are refused.
"""

import contextlib
import tarfile
from xml.etree import ElementTree

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.host import window

_BLOCK = tarfile.BLOCKSIZE
_MOST_MEMBERS = 100
_LARGEST_OVF = units.Mi
_OVF = '{http://schemas.dmtf.org/ovf/envelope/1}'
_ADVICE = 'Export it again as an OVA with one disk that is not compressed.'


def find_disk(path, image_id):
    """Finds the disk of an OVA.

    :param path: the file
    :param image_id: its id in Glance, for the error
    :returns: (offset, length) in bytes of the disk
    :raises ImageRefused: it is no OVA, or not one with a single disk
    """
    members, envelope = contents(path, image_id)
    with _refusing(image_id):
        name = _name_of_disk(envelope)
    if name not in members:
        raise exception.ImageRefused(
            image_id, 'The OVA does not hold the disk that it names.',
            _ADVICE)
    return members[name]


def contents(path, image_id):
    """Tells what is in an OVA.

    :param path: the file
    :param image_id: its id in Glance, for the error
    :returns: dict of members' names to (offset, length) in bytes, and the
        root of the OVF descriptor, an Element
    :raises ImageRefused: it is no OVA
    """
    with _refusing(image_id), window.opened(path) as file:
        members = _members(file)
        return members, _read_ovf(file, members)


@contextlib.contextmanager
def _refusing(image_id):
    try:
        yield
    except _Invalid as error:
        raise exception.ImageRefused(image_id, str(error), _ADVICE)


class _Invalid(Exception):
    """What is wrong with an OVA."""


def _members(file):
    """Maps the names of all members to (offset, length)."""
    found, position, end = {}, 0, window.size(file)
    while position + _BLOCK <= end:
        file.seek(position)
        header = file.read(_BLOCK)
        if not header.strip(b'\0'):
            break
        try:
            member = tarfile.TarInfo.frombuf(header, 'utf-8',
                                             'surrogateescape')
        except tarfile.HeaderError:
            raise _Invalid('It is no tar file, as an OVA is.')
        start = position + _BLOCK
        _check(member, found, end - start)
        found[member.name] = (start, member.size)
        position = start + -(-member.size // _BLOCK) * _BLOCK
    return found


def _check(member, found, space):
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        raise _Invalid('The OVA has a member that is no plain file.')
    if '/' in member.name or '\\' in member.name:
        raise _Invalid('The OVA has a member whose name is a path.')
    if member.name in found or len(found) == _MOST_MEMBERS:
        raise _Invalid('The OVA has a member twice, or too many of them.')
    if not 0 <= member.size <= space:
        raise _Invalid('The OVA is cut off.')


def _read_ovf(file, members):
    # The standard wants it to be the first member.
    name = next(iter(members), '')
    if not name.lower().endswith('.ovf'):
        raise _Invalid('The first member of the OVA is no OVF descriptor.')
    offset, length = members[name]
    if length > _LARGEST_OVF:
        raise _Invalid('The OVF descriptor is larger than 1 MiB.')
    file.seek(offset)
    text = file.read(length)
    try:
        return ElementTree.fromstring(
            text, ElementTree.XMLParser(target=_Builder()))  # nosec B314
    except (ElementTree.ParseError, ValueError, LookupError):
        raise _Invalid('The OVF descriptor is no well-formed XML.')


class _Builder(ElementTree.TreeBuilder):
    """Lets no entity be defined: they can name files, and grow without end.

    The parser calls this in every encoding, before any entity is used.
    """

    def doctype(self, name, pubid, system):
        raise _Invalid('The OVF descriptor defines entities.')


def _name_of_disk(envelope):
    disks = envelope.findall('./%sDiskSection/%sDisk' % (_OVF, _OVF))
    if len(disks) != 1:
        raise _Invalid('The OVA has %d disks; a server boots from an image '
                       'of one.' % len(disks))
    reference = disks[0].get(_OVF + 'fileRef')
    for file in envelope.findall('./%sReferences/%sFile' % (_OVF, _OVF)):
        if reference and file.get(_OVF + 'id') == reference:
            if file.get(_OVF + 'compression') or file.get(_OVF + 'chunkSize'):
                raise _Invalid('The disk in the OVA is compressed or split.')
            return file.get(_OVF + 'href')
    raise _Invalid('The disk of the OVA has no file.')
