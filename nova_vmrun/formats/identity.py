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

"""VMware's spelling of UUIDs, and the MAC addresses that it reserves.

A UUID looks like ``56 4d 13 59 01 1a d1 1a-57 5b 0a d7 …``, and so does the id
of a LAN segment.
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

_SEGMENT = re.compile('(?:[0-9a-f]{2} ){7}[0-9a-f]{2}-'
                      '(?:[0-9a-f]{2} ){7}[0-9a-f]{2}', re.IGNORECASE)


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
    return _spell(data)


def from_vmware(text: str, hw_version: int) -> str:
    """Return the UUID that the guest sees with a uuid.bios.

    :returns: text in the usual form
    :raises InvalidVmx: the text is not a uuid.bios
    """
    data = _read(text)
    if hw_version >= _LITTLE_ENDIAN_SINCE:
        return str(uuidlib.UUID(bytes_le=data))
    return str(uuidlib.UUID(bytes=data))


def to_segment(network_id: str) -> str:
    """Return the pvnID of the LAN segment that carries a network.

    VMs are on the same segment if they have the same pvnID. VMware keeps no
    list of segments: an id in a .vmx is enough.

    :param network_id: UUID of the network in Neutron
    """
    return _spell(uuidlib.UUID(network_id).bytes)


def from_segment(text: str) -> str:
    """Return the UUID of the network that a LAN segment carries.

    :param text: a pvnID
    :raises InvalidVmx: the text is not a pvnID
    """
    return str(uuidlib.UUID(bytes=_read(text)))


def is_segment(text: str) -> bool:
    """Return whether a text is a pvnID as the VMware window writes it."""
    return _SEGMENT.fullmatch(text) is not None


def _spell(data: bytes) -> str:
    return '%s-%s' % (data[:8].hex(' '), data[8:].hex(' '))


def _read(text: str) -> bytes:
    digits = re.sub('[ -]', '', text)
    if not re.fullmatch('[0-9A-Fa-f]{32}', digits):
        raise exception.InvalidVmx('%r is not a UUID as VMware writes it.'
                                   % text)
    return bytes.fromhex(digits)
