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

"""Create disks by copying a file and rewriting its descriptor.

A linked clone is a copy of an empty delta disk whose descriptor names the base
disk: it takes a few megabytes and no program. People have long done this on
VMware Player, whose vmrun has no clone verb.
"""

import os
import secrets

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.host import files
from nova_vmrun.host import space


def read_header(path: str) -> vmdk.Header:
    """Return the header of a sparse VMDK.

    :raises InvalidVmdk: it is not a sparse VMDK
    """
    with open(path, 'rb') as file:
        return vmdk.parse_header(file.read(vmdk.HEADER_SIZE))


def read_descriptor(path: str) -> vmdk.Descriptor:
    """Return the embedded descriptor of a sparse VMDK.

    :raises InvalidVmdk: it has none
    """
    return vmdk.parse_descriptor(_descriptor_text(path))


def make_child(delta: str, base: str, child: str, bus: str) -> None:
    """Create a linked disk, which reads from the base what it does not have.

    :param delta: an empty VMDK whose parent is the base
    :param base: absolute path of the base disk
    :param child: the .vmdk to create
    :param bus: the bus of its controller, as in nova_vmrun.machine.model
    :raises InvalidVmdk: the delta does not belong to the base
    """
    base_cid = read_descriptor(base).cid
    if read_descriptor(delta).parent_cid != base_cid:
        raise exception.InvalidVmdk(
            'The disk %s was written to after its delta was created.' % base,
            resolution='Remove its folder; the image is then fetched again.')
    _copy(delta, child, bus, parent_cid=base_cid, parent_hint=base)


def make_copy(base: str, copy: str, bus: str) -> None:
    """Create an independent disk with the content of a base disk.

    :param base: a VMDK without parent
    :param copy: the .vmdk to create
    :param bus: the bus of its controller
    :raises DiskFull: there is not enough space
    """
    space.of_instances(os.path.dirname(copy)).require(
        space.allocated(base), 'Cannot copy a base disk.')
    _copy(base, copy, bus)


def relink(child: str, root: str) -> None:
    """Let a linked disk name its base disk in a cache that has moved.

    The disk stays as it is if it has no parent, or one beside it.

    :param child: the .vmdk
    :param root: the folder that the cache is in now
    """
    found = read_descriptor(child)
    if found.parent_hint is None or not os.path.isabs(found.parent_hint):
        return
    moved = os.path.join(root, *found.parent_hint.split('/')[-3:])
    if moved != found.parent_hint and os.path.exists(moved):
        point(child, moved, found.parent_cid)


def make_twin(disk: str, twin: str, base: str | None,
              base_cid: str = vmdk.NO_PARENT) -> None:
    """Copy one file of a disk, and let the copy name another parent.

    It keeps its content id, so that its children can have the copy as theirs.

    :param twin: the .vmdk to create
    :param base: a file with the content of its parent, as an absolute path or
        a name in the folder of the twin; None if it has no parent
    :param base_cid: content id of that file
    :raises OSError: often with ENOSPC
    """
    found = read_descriptor(disk)
    with files.replacing(twin) as part:
        files.copy(disk, part)
        os.chmod(part, 0o600)
        _write_descriptor(part, vmdk.rewrite_descriptor(
            _descriptor_text(part), name=os.path.basename(twin),
            cid=found.cid,
            adapter=found.ddb.get('ddb.adaptertype', 'lsilogic'),
            parent_cid=base_cid, parent_hint=base))


def point(child: str, base: str, base_cid: str) -> None:
    """Let a linked disk name another file with the content of its base disk.

    :param child: the .vmdk
    :param base: absolute path of the base disk
    :param base_cid: content id of the base disk
    """
    found = read_descriptor(child)
    _write_descriptor(child, vmdk.rewrite_descriptor(
        _descriptor_text(child), name=os.path.basename(child), cid=found.cid,
        adapter=found.ddb.get('ddb.adaptertype', 'lsilogic'),
        parent_cid=base_cid, parent_hint=base))


def move(disk: str, target: str, bus: str) -> None:
    """Move a disk that nothing else uses to a server; nothing is copied.

    :param disk: a VMDK without parent
    :param target: its new path
    :param bus: the bus of its controller
    """
    with files.replacing(target) as part:
        files.move(disk, part)
        _rewrite(part, target, bus)


def _copy(source: str, target: str, bus: str, **parent: str) -> None:
    with files.replacing(target) as part:
        files.copy(source, part)
        _rewrite(part, target, bus, **parent)


def _rewrite(part: str, target: str, bus: str, **parent: str) -> None:
    os.chmod(part, 0o600)
    text = vmdk.rewrite_descriptor(
        _descriptor_text(part), name=os.path.basename(target),
        cid=secrets.token_hex(4), adapter=vmdk.adapter_type(bus), **parent)
    _write_descriptor(part, text)


def _descriptor_text(path: str) -> str:
    header = read_header(path)
    with open(path, 'rb') as file:
        file.seek(header.descriptor_offset)
        return vmdk.decode_descriptor(file.read(header.descriptor_size))


def _write_descriptor(path: str, text: str) -> None:
    header = read_header(path)
    data = text.encode('utf-8')
    if len(data) > header.descriptor_size:
        raise exception.InvalidVmdk(
            'The path of a base disk is too long for a VMDK descriptor.',
            'The descriptor needs %d bytes and has room for %d.'
            % (len(data), header.descriptor_size),
            'Choose a shorter [DEFAULT] instances_path.')
    with open(path, 'r+b') as file:
        file.seek(header.descriptor_offset)
        # At once: nothing is ever half-written when the process ends.
        file.write(data.ljust(header.descriptor_size, b'\0'))
