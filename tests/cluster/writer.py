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


"""A guest that writes to its disk without end, and what it has written.

It has no operating system: its boot sector numbers its starts in sector 1,
and writes one sector after the other, as the last start has left them. If two
VMs wrote to one disk, sectors of an earlier start would follow those of a
later one.
"""

import pathlib
import struct
import subprocess

# From the sources in the docstring of boot_sector.
_CODE = bytes.fromhex(
    '31c08ed88ec08ed0bc007cfb8816000666c70610061000010066c7061406'
    '0080000066c7061c060000000066bb01000000b442e8310066ff06008066'
    '8b1e04806683c340b80043e81d0066ff06048066bb01000000b80043e80c'
    '00b8008631c9ba50c3cd15ebd466891e18068a160006be1006cd13c3')
_SECTOR = 512
_FIRST = 64
_NUMBERS = struct.Struct('<II')


def boot_sector() -> bytes:
    """Return the first sector of the disk, which is this program::

        .code16
            xorw %ax, %ax
            movw %ax, %ds
            movw %ax, %es
            movw %ax, %ss
            movw $0x7c00, %sp
            sti
            movb %dl, 0x600             # the disk
            movl $0x00010010, 0x610     # a request for one sector...
            movl $0x00008000, 0x614     # to or from 0x8000
            movl $0, 0x61c
            movl $1, %ebx
            movb $0x42, %ah             # read sector 1
            call disk
            incl 0x8000                 # one start more
        again:
            movl 0x8004, %ebx           # write both numbers to the next sector
            addl $64, %ebx
            movw $0x4300, %ax
            call disk
            incl 0x8004
            movl $1, %ebx               # and to sector 1
            movw $0x4300, %ax
            call disk
            movw $0x8600, %ax           # wait 50 ms
            xorw %cx, %cx
            movw $50000, %dx
            int $0x15
            jmp again
        disk:
            movl %ebx, 0x618
            movb 0x600, %dl
            movw $0x610, %si
            int $0x13
            ret
    """
    return _CODE.ljust(_SECTOR - 2, b'\0') + b'\x55\xaa'


def starts(disk: pathlib.Path, copy: pathlib.Path) -> list[int]:
    """Return which start has written each sector, in their order.

    :param disk: which a VM may be using
    :param copy: a file to make
    :raises AssertionError: a sector is not what the guest writes
    """
    subprocess.run(['qemu-img', 'convert', '-U', '-f', 'vmdk', '-O', 'raw',
                    disk, copy], check=True)
    with open(copy, 'rb') as file:
        content = file.read()
    found = []
    for number, place in enumerate(range(_FIRST * _SECTOR, len(content),
                                         _SECTOR)):
        start, position = _NUMBERS.unpack_from(content, place)
        if not start:
            # What is behind it was written while this was being copied.
            break
        assert position == number, 'Sector %d has number %d.' % (
            number, position)
        found.append(start)
    return found
