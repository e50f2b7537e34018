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

"""DES (FIPS 46-3) for VNC authentication, which the standard library lacks.

It is slow, which does not matter for a challenge of 16 bytes. VNC reverses the
bits of each byte of the key.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc

_IP = [b for row in (58, 60, 62, 64, 57, 59, 61, 63)
       for b in range(row, 0, -8)]
_FP = [_IP.index(n) + 1 for n in range(1, 65)]
_E = [(4 * row + column - 1) % 32 + 1
      for row in range(8) for column in range(6)]
_P = [16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10,
      2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25]
_PC1 = ([b for row in (57, 58, 59) for b in range(row, 0, -8)]
        + [60, 52, 44, 36]
        + [b for row in (63, 62, 61) for b in range(row, 0, -8)]
        + [28, 20, 12, 4])
_PC2 = [14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4,
        26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47, 55, 30, 40,
        51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32]
_SHIFTS = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1]
_S = [
    'e4d12fb83a6c5907' '0f74e2d1a6cb9538' '41e8d62bfc973a50'
    'fc8249175b3ea06d',
    'f18e6b34972dc05a' '3d47f28ec01a69b5' '0e7ba4d158c6932f'
    'd8a13f42b67c05e9',
    'a09e63f51dc7b428' 'd709346a285ecbf1' 'd6498f30b12c5ae7'
    '1ad069874fe3b52c',
    '7de3069a1285bc4f' 'd8b56f03472c1ae9' 'a690cb7df13e5284'
    '3f06a1d8945bc72e',
    '2c417ab6853fd0e9' 'eb2c47d150fa3986' '421bad78f9c5630e'
    'b8c71e2d6f09a453',
    'c1af92680d34e75b' 'af427c9561de0b38' '9ef528c3704a1db6'
    '432c95fabe17608d',
    '4b2ef08d3c975a61' 'd0b7491ae35c2f86' '14bdc37eaf680592'
    '6bd814a7950fe23c',
    'd2846fb1a93e50c7' '1fd8a374c56b0e92' '7b419ce206adf358'
    '21e74a8dfc90356b',
]


def _permute(bits: list[int], table: list[int]) -> list[int]:
    return [bits[n - 1] for n in table]


def _bits(data: bytes) -> list[int]:
    return [byte >> shift & 1 for byte in data for shift in range(7, -1, -1)]


def _bytes(bits: list[int]) -> bytes:
    return bytes(sum(bit << (7 - n) for n, bit in enumerate(bits[i:i + 8]))
                 for i in range(0, len(bits), 8))


def _round_keys(key: bytes) -> abc.Iterator[list[int]]:
    bits = _permute(_bits(key), _PC1)
    left, right = bits[:28], bits[28:]
    for shift in _SHIFTS:
        left = left[shift:] + left[:shift]
        right = right[shift:] + right[:shift]
        yield _permute(left + right, _PC2)


def _scramble(half: list[int], key: list[int]) -> list[int]:
    mixed = [a ^ b for a, b in zip(_permute(half, _E), key)]
    out = []
    for n, box in enumerate(_S):
        six = mixed[6 * n:6 * n + 6]
        row = six[0] * 2 + six[5]
        column = six[1] * 8 + six[2] * 4 + six[3] * 2 + six[4]
        value = int(box[16 * row + column], 16)
        out += [value >> shift & 1 for shift in (3, 2, 1, 0)]
    return _permute(out, _P)


def encrypt_block(key: bytes, block: bytes) -> bytes:
    """Encrypt 8 bytes with a key of 8 bytes."""
    bits = _permute(_bits(block), _IP)
    left, right = bits[:32], bits[32:]
    for round_key in _round_keys(key):
        left, right = right, [a ^ b for a, b in
                              zip(left, _scramble(right, round_key))]
    return _bytes(_permute(right + left, _FP))


def vnc_response(password: bytes, challenge: bytes) -> bytes:
    """Return the response to a VNC challenge of 16 bytes."""
    mirrored = bytes(int('{:08b}'.format(byte)[::-1], 2)
                     for byte in password[:8].ljust(8, b'\0'))
    return (encrypt_block(mirrored, challenge[:8])
            + encrypt_block(mirrored, challenge[8:]))
