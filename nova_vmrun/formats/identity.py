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

"""UUIDs in VMware's spelling: ``56 4d 13 59 01 1a d1 1a-57 5b 0a d7 …``."""

import re
import uuid as uuidlib

from nova_vmrun import exception

# From this generation on, the SMBIOS that VMware shows is of a version whose
# readers take the first three fields of a UUID for little-endian.
_LITTLE_ENDIAN_SINCE = 13


def to_vmware(uuid: str, hw_version: int) -> str:
    """Makes the uuid.bios with which the guest reads a given UUID.

    VMware copies the bytes of uuid.bios into the SMBIOS as they are, and the
    guest swaps those of the first three fields when it reads them.

    :param uuid: text in the usual form
    :param hw_version: virtualHW.version
    """
    value = uuidlib.UUID(uuid)
    data = value.bytes
    if hw_version >= _LITTLE_ENDIAN_SINCE:
        data = value.bytes_le
    return '%s-%s' % (data[:8].hex(' '), data[8:].hex(' '))


def from_vmware(text: str, hw_version: int) -> str:
    """Tells which UUID the guest reads for a given uuid.bios.

    :returns: text in the usual form
    :raises InvalidVmx: the text is not of that form
    """
    digits = re.sub('[ -]', '', text)
    if not re.fullmatch('[0-9A-Fa-f]{32}', digits):
        raise exception.InvalidVmx('%r is not a UUID as VMware writes it.'
                                   % text)
    data = bytes.fromhex(digits)
    if hw_version >= _LITTLE_ENDIAN_SINCE:
        return str(uuidlib.UUID(bytes_le=data))
    return str(uuidlib.UUID(bytes=data))
