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

"""What Cinder says about a volume that is attached to a server.

A connection_info comes from Cinder through Nova's database. Its data names
files, hosts and passwords, so nothing in it is trusted: it is checked here and
by the connector that uses it, and it is not logged.
"""

from collections import abc
import dataclasses
import re
import uuid as uuidlib

from oslo_utils import uuidutils

from nova_vmrun import exception

_TYPE = re.compile('[A-Za-z0-9_-]{1,40}')
_NOT_TRUE = ('', 'false', 'none', '0', 'no', 'off')
_RESOLUTION = 'Ask the operator to check the back end of the volume in Cinder.'


@dataclasses.dataclass(frozen=True)
class Volume:
    """A volume, and how its content can be reached.

    :ivar id: the id in Cinder
    :ivar type: the driver_volume_type of its back end: local, nfs, iscsi...
    :ivar data: what its connector needs; may contain a CHAP password
    :ivar is_boot: whether the server boots from it
    """

    id: str
    type: str
    data: abc.Mapping[str, object] = dataclasses.field(repr=False)
    is_boot: bool = False

    @property
    def size_gb(self) -> int | None:
        """The size in GiB, or None if the back end does not send it.

        :raises InvalidInput: it is not a positive number
        """
        size = self.data.get('size')
        if size is None:
            return None
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise exception.InvalidInput(
                'Volume %s cannot be attached.' % self.id,
                'Its size is %.40r.' % (size,), _RESOLUTION)
        return size


def parse(connection_info: object, is_boot: bool = False) -> Volume:
    """Return the volume that a connection_info describes.

    :raises InvalidInput: it is malformed, encrypted or read-only
    """
    if not isinstance(connection_info, abc.Mapping):
        raise _malformed('It is not a mapping.')
    data = connection_info.get('data')
    if not isinstance(data, abc.Mapping) or not all(
            isinstance(key, str) for key in data):
        raise _malformed('Its data is not a mapping.')
    volume_id = _volume_id(connection_info, data)
    kind = connection_info.get('driver_volume_type')
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        raise _malformed('Its driver_volume_type is %.40r.' % (kind,))
    if _is_true(data.get('encrypted')):
        raise exception.InvalidInput(
            'Volume %s cannot be attached.' % volume_id,
            'It is encrypted, and VMware cannot decrypt it.',
            'Use a volume type without encryption.')
    # VMware would keep the guest's writes elsewhere and lose them.
    mode = data.get('access_mode')
    if mode not in (None, 'rw'):
        raise exception.InvalidInput(
            'Volume %s cannot be attached.' % volume_id,
            'Its access mode is %.40r, and VMware only offers rw.' % (mode,),
            'Make the volume writable in Cinder, or attach a copy of it.')
    return Volume(volume_id, kind, data, is_boot)


def volume_id(connection_info: object) -> str | None:
    """Return the volume id in a connection_info that may be malformed."""
    if not isinstance(connection_info, abc.Mapping):
        return None
    data = connection_info.get('data')
    try:
        return _volume_id(connection_info,
                          data if isinstance(data, abc.Mapping) else {})
    except exception.InvalidInput:
        return None


def _volume_id(connection_info: abc.Mapping[object, object],
               data: abc.Mapping[str, object]) -> str:
    # Nova adds the serial; Cinder's own data comes next.
    for found in (connection_info.get('serial'),
                  connection_info.get('volume_id'), data.get('volume_id')):
        if found:
            break
    if not isinstance(found, str) or not uuidutils.is_uuid_like(found):
        raise _malformed('Its serial is %.40r.' % (found,))
    # A uuid can be written in several ways, and becomes part of a path.
    return str(uuidlib.UUID(found))


def _is_true(value: object) -> bool:
    return str(value).strip().lower() not in _NOT_TRUE


def _malformed(details: str) -> exception.InvalidInput:
    return exception.InvalidInput(
        'The connection_info of a volume is malformed.', details, _RESOLUTION)
