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

"""VMware's spelling of UUIDs, and the MAC addresses it keeps for itself.

A UUID looks like ``56 4d 13 59 01 1a d1 1a-57 5b 0a d7 …``.
"""

import re
import uuid as uuidlib

from nova_vmrun import exception

# From this hardware version on, VMware's SMBIOS has a version whose readers
# interpret the first three fields of a UUID as little-endian.
_LITTLE_ENDIAN_SINCE = 13
# Prefixes of MAC addresses that VMware generates itself. It refuses to start a
# VM with a static address of these.
RESERVED_MACS = ('00:0c:29', '00:05:69')


def to_vmware(uuid: str, hw_version: int) -> str:
    """Return the uuid.bios with which the guest sees a UUID.

    VMware copies the bytes of uuid.bios into the SMBIOS unchanged, and the
    guest swaps the bytes of the first three fields when it reads them.

    :param uuid: text in the usual form
    :param hw_version: virtualHW.version
    """
    value = uuidlib.UUID(uuid)
    data = value.bytes
    if hw_version >= _LITTLE_ENDIAN_SINCE:
        data = value.bytes_le
    return '%s-%s' % (data[:8].hex(' '), data[8:].hex(' '))


def from_vmware(text: str, hw_version: int) -> str:
    """Return the UUID that the guest sees with a uuid.bios.

    :returns: text in the usual form
    :raises InvalidVmx: the text is not a uuid.bios
    """
    digits = re.sub('[ -]', '', text)
    if not re.fullmatch('[0-9A-Fa-f]{32}', digits):
        raise exception.InvalidVmx('%r is not a UUID as VMware writes it.'
                                   % text)
    data = bytes.fromhex(digits)
    if hw_version >= _LITTLE_ENDIAN_SINCE:
        return str(uuidlib.UUID(bytes_le=data))
    return str(uuidlib.UUID(bytes=data))
