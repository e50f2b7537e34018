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

"""What guests read about their tagged devices.

Nova describes them in the metadata of a server. A guest finds that on its
config drive and, with [vmrun] use_guestinfo, in guestinfo.metadata.
"""

from collections import abc
import contextlib
import re
from typing import TypeAlias

from nova.api.metadata import base as instance_metadata
from nova.objects import instance as nova_instance
from nova.objects import virt_device_metadata
from oslo_log import log as logging
from oslo_serialization import jsonutils
from oslo_utils import excutils

from nova_vmrun import exception
from nova_vmrun.ops import config_drive
from nova_vmrun.ops import guest_info as guest_info_module
from nova_vmrun.ops.nova import device_tags
from nova_vmrun.server import disk_lists as disk_lists_module
from nova_vmrun.server import disks

LOG = logging.getLogger(__name__)

Metadata: TypeAlias = instance_metadata.InstanceMetadata

_META_DATA = re.compile('openstack/[^/]+/meta_data[.]json')
_LATEST = 'openstack/latest/meta_data.json'


class TaggedDevices:
    """Describes tagged devices to guests."""

    def __init__(self, disk_lists: disk_lists_module.DiskLists,
                 guest_info: guest_info_module.GuestInfo) -> None:
        self._disk_lists = disk_lists
        self._guest_info = guest_info

    def require_config_drive(self, instance: nova_instance.Instance) -> None:
        """Refuse a tag for a device of a server without a config drive.

        :raises InvalidInput: the guest would never read the tag
        """
        if not self._config_drive(instance.uuid):
            raise exception.InvalidInput(
                'Server %s cannot get a device with a tag.' % instance.uuid,
                'Its guest would not find the tag: it has no config drive.',
                'Attach the device without a tag, or boot a server with a '
                'config drive.')

    def describe(self, instance: nova_instance.Instance) -> Metadata:
        """Return a server's metadata, for written.

        This may wait for Neutron: hold no lock.
        """
        return config_drive.describe(instance, [], None,
                                     instance.get_network_info())

    @contextlib.contextmanager
    def written(self, uuid: str, metadata: Metadata | None,
                devices: device_tags.Devices) -> abc.Iterator[None]:
        """Describe devices to a guest, and take it back if the block fails.

        A crash leaves a description that the next change replaces. It may
        name a device that the server did not get.

        :param uuid: of a server that is off
        :param metadata: what describe has returned; None changes nothing
        :raises InvalidInput: it is too long for guestinfo.metadata
        :raises VmIncomplete: the config drive cannot be read
        :raises FileSystemFailed: the config drive cannot be written
        """
        if metadata is None:
            yield
            return
        # Nova's metadata has a copy of the instance.
        metadata.instance.device_metadata = (
            virt_device_metadata.InstanceDeviceMetadata(devices=devices))
        drive = self._config_drive(uuid)
        content = config_drive.read(drive, uuid) if drive else {}
        info = self._guest_info.load(uuid)
        new_info = self._guest_info.with_devices(
            info, jsonutils.loads(metadata.lookup(_LATEST))['devices'])
        changed = _changed(content, metadata)
        try:
            if new_info != info:
                self._guest_info.save(uuid, new_info)
            if drive and changed:
                config_drive.rewrite(drive, uuid, {**content, **changed})
            yield
        except Exception:
            with excutils.save_and_reraise_exception():
                if new_info != info:
                    self._guest_info.save(uuid, info)
                if drive and changed:
                    config_drive.rewrite(drive, uuid, content)

    def updater(self, instance: nova_instance.Instance,
                devices: device_tags.Devices) -> abc.Callable[[], None]:
        """Return a function that describes fewer devices to a guest.

        A failure is only logged: the guest would read of a device that the
        server no longer has. Call this without a lock, and the function only
        while the server is off.

        :param devices: those that the server still has
        """
        if not device_tags.differ(devices, device_tags.present(instance)):
            return lambda: None
        try:
            metadata = self.describe(instance)
        except Exception as error:
            _warn(instance, error)
            return lambda: None

        def update() -> None:
            try:
                with self.written(instance.uuid, metadata, devices):
                    pass
            except (exception.VmrunError, OSError) as error:
                _warn(instance, error)

        return update

    def _config_drive(self, uuid: str) -> str | None:
        drive = self._disk_lists.find(uuid, disks.Origin.CONFIG_DRIVE)
        return self._disk_lists.file(uuid, drive) if drive else None


def _warn(instance: nova_instance.Instance, error: Exception) -> None:
    LOG.warning('The config drive of the server keeps the tags of devices '
                'that it no longer has: %s', error, instance=instance)


def _changed(drive: abc.Mapping[str, bytes],
             metadata: Metadata) -> dict[str, bytes]:
    """Return the files on a config drive that have to be replaced."""
    found = {}
    for path, content in drive.items():
        if not _META_DATA.fullmatch(path):
            continue
        present = jsonutils.loads(content)
        # Older versions of the metadata describe no devices.
        if 'devices' not in present:
            continue
        devices = jsonutils.loads(metadata.lookup(path))['devices']
        if devices != present['devices']:
            found[path] = jsonutils.dump_as_bytes(
                dict(present, devices=devices))
    return found
