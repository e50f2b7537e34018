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

"""What the connection_info of an iSCSI volume says, checked.

QEMU gets these values as JSON, so that commas and quotes do no harm. But iSCSI
itself sends them as lines "key=value" that end with a zero, and they appear in
error messages; that is why control characters are refused.
"""

from collections import abc
import dataclasses
import re
import typing

from nova_vmrun import exception
from nova_vmrun.volumes import connection

# A name or an IPv4 address, or an IPv6 address in brackets; and a port.
_PORTAL = re.compile(
    r'(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])'
    r':([0-9]{1,5})')
_CONTROL = re.compile('[\x00-\x1f\x7f-\x9f\ud800-\udfff]')
# Bytes, by RFC 7143.
_LONGEST_NAME = 223
# Bytes; what libiscsi keeps of each.
_LONGEST_CREDENTIAL = 255
# What SCSI's flat addressing can express.
_LAST_LUN = 16383


@dataclasses.dataclass(frozen=True)
class Target:
    """Where a LUN is, and how to log in.

    :ivar portal: address and port
    :ivar iqn: name of the target
    :ivar lun: its number
    :ivar user: for CHAP; None: no authentication
    :ivar password: None without a user
    """

    portal: str
    iqn: str
    lun: int
    user: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)


def parse(volume: connection.Volume) -> Target:
    """Return the target of an iSCSI volume.

    :raises InvalidInput: the data lacks something, or cannot be used
    """
    data = volume.data
    portal = data.get('target_portal')
    match = isinstance(portal, str) and _PORTAL.fullmatch(portal)
    if not match or not 0 < int(match.group(1)) < 65536:
        raise _unusable(volume, 'target_portal', portal)
    iqn = data.get('target_iqn')
    if not _is_text(iqn, _LONGEST_NAME) or ' ' in iqn:
        raise _unusable(volume, 'target_iqn', iqn)
    lun = data.get('target_lun')
    if isinstance(lun, bool) or not isinstance(lun, int) or not (
            0 <= lun <= _LAST_LUN):
        raise _unusable(volume, 'target_lun', lun)
    return Target(str(portal), iqn, lun, *_credentials(volume, data))


def _credentials(volume: connection.Volume, data: abc.Mapping[str, object]
                 ) -> tuple[str | None, str | None]:
    method = data.get('auth_method')
    if method not in (None, '', 'CHAP', 'None'):
        raise _unusable(volume, 'auth_method', method)
    if method != 'CHAP' and data.get('auth_username') is None:
        return None, None
    user = data.get('auth_username')
    if not _is_text(user, _LONGEST_CREDENTIAL):
        raise _unusable(volume, 'auth_username', user)
    password = data.get('auth_password')
    if not _is_text(password, _LONGEST_CREDENTIAL):
        raise _unusable(volume, 'auth_password', '(not shown)')
    return user, password


def _is_text(value: object, longest: int) -> typing.TypeGuard[str]:
    """Return whether a value is a text that iSCSI can send.

    :param longest: bytes
    """
    return (isinstance(value, str) and bool(value) and
            not _CONTROL.search(value) and
            len(value.encode('utf-8')) <= longest)


def _unusable(volume: connection.Volume, name: str,
              value: object) -> exception.InvalidInput:
    return exception.InvalidInput(
        'Volume %s cannot be attached.' % volume.id,
        'Its %s is %.100r, which an iSCSI volume cannot have.'
        % (name, value),
        'Ask the operator to check the back end of the volume in Cinder.')
