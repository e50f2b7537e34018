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

"""Password hashes as Linux keeps them in /etc/shadow: SHA-512 crypt.

Written from Ulrich Drepper's specification "Unix crypt using SHA-256 and
SHA-512". Python no longer has a module for it.
"""

import hashlib
import secrets

_ROUNDS = 5000
_ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
_SALT_LENGTH = 16
_SIZE = 64
# Each step of the output takes a byte of each third of the digest.
_THIRD = 21


def hashed(password: str, salt: str | None = None) -> str:
    """Return the hash of a password.

    :param salt: up to 16 characters of ./0-9A-Za-z; None: a random one
    """
    if salt is None:
        salt = ''.join(secrets.choice(_ALPHABET)
                       for _ in range(_SALT_LENGTH))
    digest = _digest(password.encode(), salt.encode())
    return '$6$%s$%s' % (salt, _encoded(digest))


def _digest(password: bytes, salt: bytes) -> bytes:
    length = len(password)
    other = hashlib.sha512(password + salt + password).digest()
    first = hashlib.sha512(password + salt + _repeated(other, length))
    bits = length
    while bits:
        first.update(other if bits & 1 else password)
        bits >>= 1
    result = first.digest()
    of_password = _repeated(hashlib.sha512(password * length).digest(),
                            length)
    of_salt = _repeated(
        hashlib.sha512(salt * (16 + result[0])).digest(), len(salt))
    for number in range(_ROUNDS):
        result = hashlib.sha512(
            (of_password if number % 2 else result) +
            (of_salt if number % 3 else b'') +
            (of_password if number % 7 else b'') +
            (result if number % 2 else of_password)).digest()
    return result


def _repeated(data: bytes, length: int) -> bytes:
    """Return so many bytes of data that is repeated without end."""
    return (data * (length // len(data) + 1))[:length]


def _encoded(digest: bytes) -> str:
    """Return a digest in the order and the alphabet of crypt."""
    text = ''
    a, b, c = 0, _THIRD, 2 * _THIRD
    for _ in range(_THIRD):
        text += _letters(digest[a] << 16 | digest[b] << 8 | digest[c], 4)
        a, b, c = b + 1, c + 1, a + 1
    return text + _letters(digest[_SIZE - 1], 2)


def _letters(number: int, count: int) -> str:
    return ''.join(_ALPHABET[number >> 6 * place & 63]
                   for place in range(count))
