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

"""A boot sector that writes to two serial ports, and then halts.

It writes 256 KiB to the first port, which is more than a socket holds, and
notes on the second one how far it got. If a port is not ready, it gives up on
the byte after 65535 looks at the port.
"""

#: What the second port gets: one byte at the start, one for each part that
#: went to the first port, and one at the end.
START, PART, END = b'\x02', b'.', b'\x03'
#: Of 4096 bytes.
PARTS = 64

_SIZE = 512
_SIGNATURE = b'\x55\xaa'
_CODE = bytes.fromhex(
    'fa fc'              # cli; cld
    'ba f8 03 e8 45 00'  # mov dx, 0x3f8; call setup
    'ba f8 02 e8 3f 00'  # mov dx, 0x2f8; call setup
    'b0 02 e8 23 00'     # mov al, START; call put
    'bb 40 00'           # mov bx, PARTS
    'b9 00 10'           # part: mov cx, 4096
    'ba f8 03'           # byte: mov dx, 0x3f8
    'b0 78 e8 15 00'     # mov al, 'x'; call put
    'e2 f6'              # loop byte
    'ba f8 02'           # mov dx, 0x2f8
    'b0 2e e8 0b 00'     # mov al, PART; call put
    '4b 75 e8'           # dec bx; jnz part
    'b0 03 e8 03 00'     # mov al, END; call put
    'f4 eb fd'           # halt: hlt; jmp halt
    '88 c4 be ff ff'     # put: mov ah, al; mov si, 65535
    '83 c2 05'           # add dx, 5, the line status
    'ec a8 20 75 03'     # poll: in al, dx; test al, 0x20; jnz ready
    '4e 75 f8'           # dec si; jnz poll
    '83 ea 05 88 e0'     # ready: sub dx, 5; mov al, ah
    'ee c3'              # out dx, al; ret
    '83 c2 03 b0 83 ee'  # setup: line control: 8 bits, set the divisor
    '83 ea 03 b0 01 ee'  # divisor: 1, for 115200 bits a second
    '42 b0 00 ee'        # its high byte
    '83 c2 02 b0 03 ee'  # line control: 8 bits
    '4a b0 01 ee'        # FIFO on
    '42 42 b0 03 ee'     # modem control: ready to send
    '83 ea 04 c3')       # sub dx, 4; ret


def build() -> bytes:
    """Return the sector."""
    return _CODE.ljust(_SIZE - len(_SIGNATURE), b'\0') + _SIGNATURE
