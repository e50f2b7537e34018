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

"""The driver that Cinder loads."""

from collections.abc import Mapping
import os
import shutil
import socket
from typing import Any

from cinder import exception as cinder_exception
from cinder.image import image_utils
from cinder import interface
from cinder.volume import configuration
from cinder.volume import driver
from cinder.volume import volume_utils
from oslo_config import cfg
from oslo_utils import units

from nova_vmrun.cinder import disk as disks
from nova_vmrun.cinder import errors
from nova_vmrun.cinder import folder as folders
from nova_vmrun.cinder import images
from nova_vmrun.cinder import manageable
from nova_vmrun.cinder import store as stores
from nova_vmrun.conf import cinder_backend
from nova_vmrun import exception

_CONF = cfg.CONF
_CONF.register_opts(cinder_backend.OPTS,
                    group=configuration.SHARED_CONF_GROUP)

# The connector of os-brick that takes a file of this host as it is.
_CONNECTION_TYPE = 'local'
# Status of a volume that a backup is restored to.
_RESTORING = 'restoring-backup'

_Connector = Mapping[str, Any]
_Paths = dict[str, Any]


@interface.volumedriver
class FilesDriver(manageable.ManageableFiles, driver.VolumeDriver):
    """Volumes as raw files on this host, for servers of nova-vmrun."""

    VERSION = '1.0.0'

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.configuration.append_config_values(cinder_backend.OPTS)
        self._folder = folders.Folder(self.configuration.vmrun_volume_folder)
        self._store = stores.Store(self._folder)

    @staticmethod
    def get_driver_options() -> list[cfg.Opt]:
        """Return the options that this driver adds to a back end."""
        return cinder_backend.OPTS

    @errors.converted
    def do_setup(self, context: object) -> None:
        """Open the folder, and remove what crashes have left there."""
        self._folder.open()

    @errors.converted
    def check_for_setup_error(self) -> None:
        """Check what else the driver needs.

        :raises VolumeDriverException: a program is missing
        """
        if shutil.which('qemu-img') is None:
            raise exception.ToolNotFound(
                'Volumes cannot be made of images.',
                'qemu-img is not on the PATH of cinder-volume.',
                'Install it; the package is called qemu-utils or qemu-img.')

    def create_volume(self, volume: disks.CinderVolume) -> None:
        """Create an empty volume."""
        self._create(volume, None)

    def create_volume_from_snapshot(self, volume: disks.CinderVolume,
                                    snapshot: disks.CinderSnapshot) -> None:
        """Create a volume with the content of a snapshot."""
        self._create(volume, disks.of_snapshot(snapshot))

    def create_cloned_volume(self, volume: disks.CinderVolume,
                             src_vref: disks.CinderVolume) -> None:
        """Create a volume with the content of another one."""
        self._create(volume, disks.of_volume(src_vref))

    @errors.converted
    def _create(self, volume: disks.CinderVolume,
                source: disks.Disk | None) -> None:
        if volume.encryption_key_id:
            raise exception.InvalidInput(
                'Volume %s cannot be created.' % volume.id,
                'Its type is encrypted, which VMware cannot decrypt.',
                'Choose another volume type.')
        if source is None:
            self._store.create(disks.of_volume(volume))
        else:
            self._store.copy(source, disks.of_volume(volume))

    @errors.converted
    def delete_volume(self, volume: disks.CinderVolume) -> None:
        """Delete a volume that no VM uses."""
        self._store.remove(disks.of_volume(volume))

    @errors.converted
    def extend_volume(self, volume: disks.CinderVolume,
                      new_size: int) -> None:
        """Make a volume larger that no VM uses.

        :param new_size: GiB
        """
        self._store.extend(disks.of_volume(volume),
                           disks.of_volume(volume, new_size))

    @errors.converted
    def create_snapshot(self, snapshot: disks.CinderSnapshot) -> None:
        """Copy a volume that no VM writes to."""
        self._store.copy(disks.of_volume(snapshot.volume),
                         disks.of_snapshot(snapshot))

    @errors.converted
    def delete_snapshot(self, snapshot: disks.CinderSnapshot) -> None:
        """Delete a snapshot; volumes that were made of it stay."""
        self._store.remove(disks.of_snapshot(snapshot))

    @errors.converted
    def revert_to_snapshot(self, context: object, volume: disks.CinderVolume,
                           snapshot: disks.CinderSnapshot) -> None:
        """Replace the content of a volume that no VM uses."""
        self._store.revert(disks.of_volume(volume),
                           disks.of_snapshot(snapshot))

    def snapshot_revert_use_temp_snapshot(self) -> bool:
        """Return False: a revert that fails leaves the volume as it was."""
        return False

    @errors.converted
    def copy_image_to_volume(self, context: Any, volume: disks.CinderVolume,
                             image_service: Any, image_id: str,
                             disable_sparse: bool = False) -> None:
        """Replace the content of a volume with that of an image.

        :param disable_sparse: ignored: where a new file has a hole, it reads
            as zeros, whatever the volume contained
        """
        disk = disks.of_volume(volume)
        fetched = image_utils.TemporaryImages.for_image_service(
            image_service).get(context, image_id)
        if fetched is None:
            with image_utils.TemporaryImages.fetch(
                    image_service, context, image_id,
                    volume_utils.extract_host(self.host)) as fetched:
                self._write_image(context, disk, image_service, image_id,
                                  fetched)
        else:
            self._write_image(context, disk, image_service, image_id, fetched)

    def _write_image(self, context: Any, disk: disks.Disk, image_service: Any,
                     image_id: str, fetched: str) -> None:
        brief = 'Cannot write image %s to %s.' % (image_id, disk.title)
        length = images.inspect(
            fetched, image_id, image_service.show(context, image_id),
            _CONF.vmdk_allowed_types, disk.size)

        def fill(part: str) -> None:
            self._folder.file_system().require(
                os.stat(fetched).st_blocks * 512, brief)
            image_utils.fetch_to_raw(
                context, image_service, image_id, part,
                self.configuration.volume_dd_blocksize,
                size=disk.size // units.Gi, run_as_root=False)
            images.require_complete(part, image_id, length)

        self._store.replace(disk, brief, fill)

    @errors.converted
    def copy_volume_to_image(self, context: Any, volume: disks.CinderVolume,
                             image_service: Any,
                             image_meta: Mapping[str, Any]) -> None:
        """Upload the content of a volume that no VM writes to."""
        disk = disks.of_volume(volume)
        with self._store.stable(disk, bool(volume.volume_attachment)) as path:
            images.refuse_disguised(path, disk.title, image_meta)
            volume_utils.upload_volume(context, image_service, image_meta,
                                       path, volume, run_as_root=False)

    def secure_file_operations_enabled(self) -> bool:
        """Return True: backups open our files as they are, without root."""
        return True

    def local_path(self, volume: disks.CinderVolume) -> str:
        """Return the path of a volume's content."""
        return self._path(disks.of_volume(volume))

    @errors.converted
    def _path(self, disk: disks.Disk) -> str:
        return self._store.settle(disk)

    def retype(self, context: object, volume: disks.CinderVolume,
               new_type: object, diff: object,
               host: object) -> tuple[bool, None]:
        """Return True: the type of a volume changes nothing in its files.

        Cinder does not ask if encryption or the host would change.
        """
        return True, None

    @errors.converted
    def update_migrated_volume(
            self, ctxt: object, volume: disks.CinderVolume,
            new_volume: disks.CinderVolume,
            original_volume_status: str) -> dict[str, str | None]:
        """Return what Cinder has to remember of a migrated volume.

        The files keep the name of the new volume: if they were renamed, a
        crash before Cinder saves the name would make nobody's files of them.
        The guest sees a serial number of the volume's old ID.
        """
        self._store.describe(disks.Disk(
            volume.id, 'Volume %s' % volume.id, new_volume.name,
            new_volume.size * units.Gi))
        return {'_name_id': new_volume.name_id, 'provider_location': None}

    def ensure_export(self, context: object,
                      volume: disks.CinderVolume) -> None:
        """Do nothing: a file needs no export."""

    def create_export(self, context: object, volume: disks.CinderVolume,
                      connector: _Connector) -> None:
        """Do nothing: a file needs no export."""

    def remove_export(self, context: object,
                      volume: disks.CinderVolume) -> None:
        """Do nothing: a file needs no export."""

    def create_export_snapshot(self, context: object,
                               snapshot: disks.CinderSnapshot,
                               connector: _Connector) -> None:
        """Do nothing: a file needs no export."""

    def remove_export_snapshot(self, context: object,
                               snapshot: disks.CinderSnapshot) -> None:
        """Do nothing: a file needs no export."""

    def validate_connector(self, connector: _Connector) -> None:
        """Raise an error unless a connector is of the host with the files.

        :raises InvalidConnectorException: it is of another host; users get
            this as an invalid request
        """
        host = connector.get('host')
        hosts = self._hosts()
        if host not in hosts:
            raise cinder_exception.InvalidConnectorException(
                message='Volumes of %s cannot be attached on host %s. Their '
                'files are on %s. Start the server there. If these are two '
                'names of one host, add the former to vmrun_hosts in the '
                'section of the back end.' % (self.host, host, hosts[0]))

    def initialize_connection(self, volume: disks.CinderVolume,
                              connector: _Connector,
                              **kwargs: object) -> _Paths:
        """Return where the file of a volume is, for a server on this host."""
        self.validate_connector(connector)
        # An earlier attempt may have been cut short.
        self._lengthen_restored(volume)
        return self._connection(self._prepare(disks.of_volume(volume)),
                                volume.id, volume.size)

    @errors.converted
    def _lengthen_restored(self, volume: disks.CinderVolume) -> None:
        if volume.status == _RESTORING:
            self._store.lengthen(disks.of_volume(volume))

    @errors.converted
    def _prepare(self, disk: disks.Disk) -> str:
        return self._store.prepare(disk)

    def terminate_connection(self, volume: disks.CinderVolume,
                             connector: _Connector | None,
                             **kwargs: object) -> None:
        """Complete the volume if a backup was restored to it."""
        self._lengthen_restored(volume)

    def initialize_connection_snapshot(self, snapshot: disks.CinderSnapshot,
                                       connector: _Connector,
                                       **kwargs: object) -> _Paths:
        """Return where the file of a snapshot is, for a backup."""
        self.validate_connector(connector)
        return self._connection(self._path(disks.of_snapshot(snapshot)),
                                snapshot.id, snapshot.volume_size)

    def _connection(self, path: str, disk_id: str, size: int) -> _Paths:
        return {'driver_volume_type': _CONNECTION_TYPE,
                'data': {'device_path': path, 'volume_id': disk_id,
                         'host': self._hosts()[0], 'size': size}}

    def _hosts(self) -> list[str]:
        """Return the names of this host; Cinder's own one first."""
        return [volume_utils.extract_host(self.host, 'host'),
                socket.gethostname(), *self.configuration.vmrun_hosts]

    def _update_volume_stats(self) -> None:
        """Tell the scheduler what there is, and how much space is left."""
        capacity = self._folder.capacity()
        name = (self.configuration.safe_get('volume_backend_name') or
                type(self).__name__)
        pool = {
            'pool_name': name,
            'total_capacity_gb': capacity.total / units.Gi,
            'free_capacity_gb': capacity.free / units.Gi,
            'provisioned_capacity_gb': capacity.provisioned / units.Gi,
            'reserved_percentage': self.configuration.reserved_percentage,
            'max_over_subscription_ratio':
                volume_utils.get_max_over_subscription_ratio(
                    self.configuration.max_over_subscription_ratio,
                    supports_auto=True),
            'thin_provisioning_support': True,
            'thick_provisioning_support': False,
            'multiattach': False,
            # A VM would not notice, and no command tells it.
            'online_extend_support': False,
            'QoS_support': False,
            'filter_function': self.get_filter_function(),
            'goodness_function': self.get_goodness_function(),
        }
        self._stats = {
            'volume_backend_name': name,
            'vendor_name': 'nova-vmrun',
            'driver_version': self.VERSION,
            'storage_protocol': _CONNECTION_TYPE,
            'sparse_copy_volume': True,
            'online_extend_support': False,
            'pools': [pool],
        }
