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

"""What the headers of disks say of other disks and of encryption.

oslo.utils does not look at this: for it every VHDX, VDI and VHD is safe. Each
of them can be the child of another disk, and a qcow2 can be encrypted.
"""

import struct

from nova_vmrun.inspection import vhdx

_CHILD = 'The %s is the child of another disk.'

# VDI: type of the image, 1 grows and 2 does not; ids of link and parent.
_VDI_KIND = 0x4c
_VDI_WHOLE = (1, 2)
_VDI_LINKS = (0x1a8, 32)

_QCOW2_ENCRYPTION = 32


def trouble(found, file):
    """Tells why a disk does not stand alone.

    :param found: its format, as oslo.utils names it
    :param file: open for reading
    :returns: a sentence, or None
    """
    check = {'qcow2': _qcow2, 'vdi': _vdi, 'vhdx': _vhdx}.get(found)
    try:
        return check(file) if check else None
    except struct.error:
        return 'The %s is cut off.' % found.upper()


def _at(file, offset, size):
    file.seek(offset)
    return file.read(size)


def _qcow2(file):
    (method,) = struct.unpack('>I', _at(file, _QCOW2_ENCRYPTION, 4))
    return 'The qcow2 is encrypted.' if method else None


def _vdi(file):
    (kind,) = struct.unpack('<I', _at(file, _VDI_KIND, 4))
    if kind not in _VDI_WHOLE or any(_at(file, *_VDI_LINKS)):
        return _CHILD % 'VDI'
    return None


def _vhdx(file):
    try:
        return _CHILD % 'VHDX' if vhdx.read(file).has_parent else None
    except vhdx.Invalid as error:
        return str(error)
