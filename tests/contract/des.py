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

"""The response to a VNC challenge, by the library that clients use."""

from cryptography.hazmat.decrepit.ciphers import algorithms
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers import modes


def vnc_response(password, challenge):
    """Encrypt a challenge of 16 bytes with a password (bytes).

    Triple DES with three equal keys is DES; VNC reverses the bits of bytes.
    """
    mirrored = bytes(int('{:08b}'.format(byte)[::-1], 2)
                     for byte in password[:8].ljust(8, b'\0'))
    cipher = Cipher(algorithms.TripleDES(mirrored * 3), modes.ECB())
    encryptor = cipher.encryptor()
    return encryptor.update(challenge) + encryptor.finalize()
