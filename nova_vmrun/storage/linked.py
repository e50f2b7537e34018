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

"""Disks made by copying a file and rewriting its descriptor.

A linked clone is a copy of an empty delta disk that names the base in its
descriptor: a few megabytes, and no program runs. This is how linked clones
were made on VMware Player, which has no clone verb.
"""

import os
import secrets

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.host import files
from nova_vmrun.host import space


def read_header(path):
    """Returns the vmdk.Header of a sparse VMDK.

    :raises InvalidVmdk: it is none
    """
    with open(path, 'rb') as file:
        return vmdk.parse_header(file.read(vmdk.HEADER_SIZE))


def read_descriptor(path):
    """Returns the vmdk.Descriptor that a sparse VMDK holds.

    :raises InvalidVmdk: it holds none
    """
    return vmdk.parse_descriptor(_descriptor_text(path))


def make_child(delta, base, child, bus):
    """Makes a linked disk: reads fall through to the base.

    :param delta: an empty VMDK whose parent is the base
    :param base: the base's absolute path
    :param child: the .vmdk to make
    :param bus: the controller that it will be on, as in formats.machine
    :raises InvalidVmdk: the delta does not fit the base
    """
    base_cid = read_descriptor(base).cid
    if read_descriptor(delta).parent_cid != base_cid:
        raise exception.InvalidVmdk(
            'The disk %s was written to after a delta of it was made.' % base,
            resolution='Remove its folder; the image is then fetched again.')
    _copy(delta, child, bus, parent_cid=base_cid, parent_hint=base)


def make_copy(base, copy, bus):
    """Makes a disk of its own with the content of a base.

    :param base: a VMDK without parent
    :param copy: the .vmdk to make
    :param bus: the controller that it will be on
    :raises DiskFull: there is no room for it
    """
    space.of_instances(os.path.dirname(copy)).require(
        space.allocated(base), 'Cannot copy a base disk.')
    _copy(base, copy, bus)


def move(disk, target, bus):
    """Makes a disk that nobody else has a server's own; nothing is copied.

    :param disk: a VMDK without parent
    :param target: its path from now on
    :param bus: the controller that it will be on
    """
    with files.replacing(target) as part:
        files.move(disk, part)
        _rewrite(part, target, bus)


def _copy(source, target, bus, **parent):
    with files.replacing(target) as part:
        files.copy(source, part)
        _rewrite(part, target, bus, **parent)


def _rewrite(part, target, bus, **parent):
    os.chmod(part, 0o600)
    text = vmdk.rewrite_descriptor(
        _descriptor_text(part), name=os.path.basename(target),
        cid=secrets.token_hex(4), adapter=vmdk.adapter_type(bus), **parent)
    _write_descriptor(part, text)


def _descriptor_text(path):
    header = read_header(path)
    with open(path, 'rb') as file:
        file.seek(header.descriptor_offset)
        return vmdk.decode_descriptor(file.read(header.descriptor_size))


def _write_descriptor(path, text):
    header = read_header(path)
    data = text.encode('utf-8')
    if len(data) > header.descriptor_size:
        raise exception.InvalidVmdk(
            'The path of a base disk is too long for a VMDK descriptor.',
            'It needs %d bytes, %d are there.'
            % (len(data), header.descriptor_size),
            'Choose a shorter [DEFAULT] instances_path.')
    with open(path, 'r+b') as file:
        file.seek(header.descriptor_offset)
        file.write(data.ljust(header.descriptor_size, b'\0'))
