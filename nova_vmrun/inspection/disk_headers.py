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

"""Check disk headers for parents and encryption.

oslo.utils does not check this: it considers every VHDX, VDI and VHD safe,
although each can be the child of another disk, and a qcow2 can be encrypted.
"""

from collections.abc import Callable
import struct

from nova_vmrun.inspection import file_slice
from nova_vmrun.inspection import vhdx

_CHILD = 'The %s is the child of another disk.'

# VDI: offset of the image type, of which 1 grows and 2 is preallocated.
_VDI_TYPE = 0x4c
_VDI_STANDALONE = (1, 2)
# VDI: offset and length of the UUIDs of the parent.
_VDI_PARENT = (0x1a8, 32)

_QCOW2_ENCRYPTION = 32


def find_problem(disk_format: str, file: file_slice.Reader) -> str | None:
    """Return a sentence that says why a disk is not standalone, or None.

    :param disk_format: as oslo.utils names it
    :param file: open for reading
    """
    check = _CHECKS.get(disk_format)
    try:
        return check(file) if check else None
    except struct.error:
        return 'The %s is truncated.' % disk_format.upper()


def _read_at(file: file_slice.Reader, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)


def _check_qcow2(file: file_slice.Reader) -> str | None:
    (method,) = struct.unpack('>I', _read_at(file, _QCOW2_ENCRYPTION, 4))
    return 'The qcow2 is encrypted.' if method else None


def _check_vdi(file: file_slice.Reader) -> str | None:
    (image_type,) = struct.unpack('<I', _read_at(file, _VDI_TYPE, 4))
    if image_type not in _VDI_STANDALONE or any(_read_at(file, *_VDI_PARENT)):
        return _CHILD % 'VDI'
    return None


def _check_vhdx(file: file_slice.Reader) -> str | None:
    try:
        return _CHILD % 'VHDX' if vhdx.read_header(file).has_parent else None
    except vhdx.Invalid as error:
        return str(error)


_CHECKS: dict[str, Callable[[file_slice.Reader], str | None]] = {
    'qcow2': _check_qcow2, 'vdi': _check_vdi, 'vhdx': _check_vhdx}
