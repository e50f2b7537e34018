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

"""A short digest that does without OpenSSL, which is slow to import."""

from __future__ import annotations

import zlib


def digest(data: bytes, size: int) -> bytes:
    """Return ``size`` bytes that depend on all of ``data``.

    It distinguishes paths and machines; it is not secure.
    """
    words = [zlib.crc32(b'%d:%s' % (n, data)).to_bytes(4, 'big')
             for n in range(-(-size // 4))]
    return b''.join(words)[:size]
