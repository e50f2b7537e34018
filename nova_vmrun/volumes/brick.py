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

"""Volumes as block devices of this host, connected by os-brick with root.

os-brick logs in through the kernel, as it does for Nova's other drivers, and a
descriptor of type fullDevice shows VMware the device. The kernel may name the
device otherwise after each login, so the descriptor is written at each start.
"""

from collections import abc
import contextlib
import dataclasses
import os
import stat
from typing import Protocol

from oslo_log import log as logging
from oslo_serialization import jsonutils
from oslo_utils import strutils

from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.formats import vmdk
from nova_vmrun.formats import volume_files
from nova_vmrun.host import files
from nova_vmrun.server import layout as layouts
from nova_vmrun import system
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import connectors

LOG = logging.getLogger(__name__)

_RECORD = 'brick.json'
_BY_ID = '/dev/disk/by-id'
# Links that name the disk itself rather than what is on it, the best first.
_PREFIXES = ('wwn-', 'scsi-', 'nvme-', 'dm-uuid-mpath-', '')
_PARTITION = '-part'
_CHOWN_SECONDS = 20


class Initiator(Protocol):
    """The part of os-brick's connectors that is used here."""

    def connect_volume(self, connection_properties: dict[str, object]
                       ) -> dict[str, object] | None: ...

    def disconnect_volume(self, connection_properties: dict[str, object],
                          device_info: dict[str, object]) -> None: ...


@dataclasses.dataclass(frozen=True)
class Brick:
    """os-brick, with the program that gives it root.

    It is imported when it is used: it brings eventlet, which takes long.

    :ivar root_helper: for example: sudo nova-rootwrap /etc/nova/rootwrap.conf
    """

    root_helper: str

    def initiator(self, volume_type: str) -> Initiator:
        """Return the connector for a driver_volume_type."""
        from os_brick.initiator import connector as brick_connector
        found: Initiator = brick_connector.InitiatorConnector.factory(
            volume_type, self.root_helper)
        return found

    def host_properties(self, host: str, address: str
                        ) -> abc.Mapping[str, object]:
        """Return what back ends need to know about this host.

        :param host: its name in Nova
        :param address: by which back ends reach it
        :raises ToolRefused: os-brick does not say
        """
        from os_brick.initiator import connector as brick_connector
        with _errors('describe this host'):
            found: dict[str, object] = (
                brick_connector.get_connector_properties(
                    self.root_helper, address, multipath=False,
                    enforce_multipath=False, host=host))
        return {name: value for name, value in found.items()
                if value is not None}

    def take_over(self, device: str) -> None:
        """Give a device to this user, so that VMware may open it."""
        from os_brick.privileged import rootwrap
        rootwrap.execute(
            'chown', str(os.geteuid()), device, run_as_root=True,
            root_helper=self.root_helper, timeout=_CHOWN_SECONDS)


@dataclasses.dataclass(frozen=True)
class _Record:
    """What is needed to disconnect a volume; it may contain passwords.

    :ivar device: what os-brick returned; None until it has
    """

    type: str
    data: dict[str, object]
    device: dict[str, object] | None = None


class BrickConnector:
    """Shows volumes as devices.

    :param by_id: the folder of the links that name disks by their identity
    """

    def __init__(self, layout: layouts.Layout, brick: Brick,
                 by_id: str = _BY_ID) -> None:
        self._layout = layout
        self._brick = brick
        self._by_id = by_id

    def check(self, volume: connection.Volume) -> None:
        if system.here().name == system.MACOS:
            raise exception.NotSupported(
                'Volume %s cannot be connected on macOS.' % volume.id,
                'os-brick needs the kernel of Linux.',
                'Use volumes in files on this host, or a compute host with '
                'Linux.')

    def shared_descriptor(self, volume: connection.Volume) -> str | None:
        """See Connector: each host has a descriptor of its own."""
        return None

    def connect(self, server_uuid: str, volume: connection.Volume,
                adapter: str) -> connectors.Shown:
        """See Connector.connect.

        :raises ToolRefused: os-brick cannot connect it
        :raises VolumeDamaged: what it connected is no disk
        """
        self.check(volume)
        folder = self._layout.volume(server_uuid, volume.id)
        record = _Record(volume.type, dict(volume.data))
        with connectors.lock(volume.id):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            _write(folder, record)
            with _errors('connect volume %s' % volume.id):
                device = self._brick.initiator(volume.type).connect_volume(
                    dict(volume.data))
            if not device or not isinstance(device.get('path'), str):
                raise exception.ToolRefused(
                    'Volume %s cannot be connected.' % volume.id,
                    'os-brick returned %s instead of a device.'
                    % strutils.mask_password(str(device)),
                    'Check the log of nova-compute, and the back end.')
            _write(folder, dataclasses.replace(record, device=device))
            path = str(device['path'])
            with _errors('take over volume %s' % volume.id):
                self._brick.take_over(os.path.realpath(path))
            return self._show(folder, volume, path, adapter)

    def _show(self, folder: str, volume: connection.Volume, device: str,
              adapter: str) -> connectors.Shown:
        size = _size(volume.id, device)
        descriptor = _descriptor(folder, volume.id)
        files.write_atomically(descriptor, flat.descriptor(flat.FlatDisk(
            self._lasting_name(device), size // vmdk.SECTOR, volume.id,
            adapter, is_device=True)))
        return connectors.Shown(descriptor, size)

    def _lasting_name(self, device: str) -> str:
        """Return a path that names a disk by its identity, if there is one."""
        real = os.path.realpath(device)
        try:
            names = sorted(os.listdir(self._by_id))
        except FileNotFoundError:
            return device
        links = [name for name in names if _PARTITION not in name and
                 os.path.realpath(os.path.join(self._by_id, name)) == real]
        for prefix in _PREFIXES:
            for name in links:
                if name.startswith(prefix):
                    return os.path.join(self._by_id, name)
        return device

    def disconnect(self, server_uuid: str, volume_id: str) -> None:
        """See Connector.disconnect.

        :raises FileInUse: a VM has locked the volume
        :raises HasSnapshots: its newest data is in a snapshot
        :raises ToolRefused: os-brick cannot disconnect it
        """
        folder = self._layout.volume(server_uuid, volume_id)
        record = _read(folder)
        if record is None:
            return
        descriptor = _descriptor(folder, volume_id)
        connectors.refuse_snapshots(volume_id, descriptor)
        with connectors.lock(volume_id):
            connectors.refuse_locked(server_uuid, volume_id, descriptor)
            with _errors('disconnect volume %s' % volume_id):
                self._brick.initiator(record.type).disconnect_volume(
                    record.data, record.device or {})
            # Nothing in it is the volume's own.
            files.remove_tree(folder)
            connectors.remove_if_empty(folder)


def _size(volume_id: str, device: str) -> int:
    """Return the size of a device in bytes.

    :raises VolumeDamaged: it cannot be the disk of a VM
    """
    try:
        with open(device, 'rb') as file:
            is_device = stat.S_ISBLK(os.fstat(file.fileno()).st_mode)
            size = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise exception.VolumeDamaged(
            'The device of volume %s cannot be opened.' % volume_id,
            'The system says: %s.' % error,
            'Check the log of the system.') from error
    if not is_device or not size or size % vmdk.SECTOR:
        raise exception.VolumeDamaged(
            'Volume %s did not become a disk.' % volume_id,
            '%s is %s with %d bytes.' % (
                device, 'a block device' if is_device else 'no block device',
                size),
            'Check the back end of the volume in Cinder.')
    return size


def _descriptor(folder: str, volume_id: str) -> str:
    return os.path.join(folder,
                        volume_files.descriptor('volume-' + volume_id))


def _write(folder: str, record: _Record) -> None:
    files.write_atomically(
        os.path.join(folder, _RECORD),
        jsonutils.dumps(dataclasses.asdict(record)))


def _read(folder: str) -> _Record | None:
    """Return the record of a volume; None if os-brick has not connected it.

    :raises VolumeDamaged: it cannot be read
    """
    path = os.path.join(folder, _RECORD)
    try:
        return _Record(**jsonutils.loads(files.read(path)))
    except FileNotFoundError:
        return None
    except (TypeError, ValueError) as error:
        raise exception.VolumeDamaged(
            'A volume cannot be disconnected.',
            'The record %s cannot be read: %s.' % (path, error),
            'Disconnect the volume by hand, then remove its folder.'
        ) from error


@contextlib.contextmanager
def _errors(what: str) -> abc.Iterator[None]:
    """Turn whatever os-brick raises into an error of ours.

    :param what: os-brick is asked to do
    :raises ToolRefused: for any exception
    """
    try:
        yield
    except Exception as error:
        raise exception.ToolRefused(
            'os-brick cannot %s.' % what,
            'The error is: %s.' % strutils.mask_password(
                str(error) or type(error).__name__),
            'Check that iscsid or what the back end needs is running, that '
            'sudo lets the user who runs nova-compute become root, and the '
            'log of nova-compute.') from error
