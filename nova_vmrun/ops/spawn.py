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

"""Build of a server, from its image to a running VM."""

import dataclasses
import os

from nova.api.metadata import base as instance_metadata
from nova import context as nova_context
from nova.network import model
from nova.objects import image_meta as nova_image
from nova.objects import instance as nova_instance
from nova.virt import configdrive
from oslo_log import log as logging
from oslo_utils import excutils

from nova_vmrun.catalog import properties as props
from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.inspection import inspector
from nova_vmrun.ops import config_drive
from nova_vmrun.ops import consoles as consoles_module
from nova_vmrun.ops import definition
from nova_vmrun.ops import destroy
from nova_vmrun.ops import disk_places
from nova_vmrun.ops import disks as disks_module
from nova_vmrun.ops import drives
from nova_vmrun.ops import guest_info as guest_info_module
from nova_vmrun.ops import networks
from nova_vmrun.ops.nova import device_tags
from nova_vmrun.ops.nova import mappings
from nova_vmrun.ops.nova import ports as ports_module
from nova_vmrun.ops.nova import properties
from nova_vmrun.ops.nova import source_images
from nova_vmrun.ops.power import power as power_module
from nova_vmrun.ops import volume_disks
from nova_vmrun.server import disk_lists
from nova_vmrun.server import disks as server_disks
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import records as records_module
from nova_vmrun.storage import image_cache
from nova_vmrun.volumes import connection

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class _Request:
    """What a user asks for.

    :ivar asked: properties of the image
    :ivar chosen_now: what of it the user has just chosen
    :ivar volumes: of Cinder
    """

    asked: dict[str, str]
    chosen_now: frozenset[str]
    draft: definition.Draft
    volumes: list[connection.Volume]


@dataclasses.dataclass(frozen=True)
class _Plan:
    """The description of a server, and the images it is built from.

    :ivar base: None for an ISO image, and for a server that boots from a
        volume
    :ivar adapter: ide or buslogic if the image's disk needs it
    :ivar volumes: of Cinder
    """

    draft: definition.Draft
    drives: drives.Prepared
    base: image_cache.Base | None
    adapter: str | None
    volumes: list[connection.Volume]


class Spawner:
    """Builds servers."""

    def __init__(self, layout: layout_module.Layout,
                 records: records_module.Records,
                 definitions: definition.Definitions,
                 disks: disks_module.Disks, server_drives: drives.Drives,
                 consoles: consoles_module.Consoles,
                 guest_info: guest_info_module.GuestInfo,
                 power: power_module.Power, destroyer: destroy.Destroyer,
                 places: disk_places.DiskPlaces,
                 volumes: volume_disks.VolumeDisks,
                 ports: ports_module.Ports) -> None:
        self._layout = layout
        self._records = records
        self._definitions = definitions
        self._disks = disks
        self._drives = server_drives
        self._consoles = consoles
        self._guest_info = guest_info
        self._power = power
        self._destroyer = destroyer
        self._places = places
        self._volumes = volumes
        self._ports = ports

    def spawn(self, context: nova_context.RequestContext,
              instance: nova_instance.Instance,
              image_meta: nova_image.ImageMeta,
              injected_files: list[tuple[str, str]],
              admin_password: str | None, network_info: model.NetworkInfo,
              block_device_info: disks_module.BlockDeviceInfo,
              power_on: bool) -> None:
        """Build a server and start it; a failure leaves nothing behind.

        Errors of the user are found before anything is fetched or created.

        :raises InvalidInput: the user's properties, names or sizes
        :raises ImageRefused: the image
        :raises VmrunError: the host
        """
        request = self._request(context, instance, block_device_info)
        with self._places.reserve(instance, image_meta,
                                  request.draft.hardware,
                                  block_device_info) as places:
            self._build(context, instance, image_meta, injected_files,
                        admin_password, network_info, block_device_info,
                        power_on, request, places)

    def check(self, context: nova_context.RequestContext,
              instance: nova_instance.Instance,
              image_meta: nova_image.ImageMeta,
              injected_files: list[tuple[str, str]],
              admin_password: str | None, network_info: model.NetworkInfo,
              block_device_info: disks_module.BlockDeviceInfo) -> None:
        """Check whether a server could be built; takes the same parameters.

        Do whatever a build does without the server's folder. The image stays
        in the cache, and the rest is deleted.

        :raises VmrunError: as for a build
        """
        request = self._request(context, instance, block_device_info)
        with self._places.reserve(
                instance, image_meta, request.draft.hardware,
                block_device_info, self._disks.present(instance.uuid)
                ) as places:
            plan = self._prepare(context, instance, image_meta, request,
                                 places)
            built, others = self._plan_disks(instance, plan,
                                             block_device_info, places)
            self._disks.check(instance.uuid, plan.base, built,
                              plan.draft.hardware)
            self._definitions.check_new(plan.draft, built + others,
                                        network_info)
            metadata = self._describe(instance, injected_files,
                                      admin_password, network_info,
                                      plan.draft.installs_agent)
            if configdrive.required_by(instance):
                config_drive.make(os.path.join(places.private, 'checked'),
                                  metadata)
            self._guest_info.collect(instance, metadata, network_info)

    def _request(self, context: nova_context.RequestContext,
                 instance: nova_instance.Instance,
                 block_device_info: disks_module.BlockDeviceInfo) -> _Request:
        """Read what a user asks for, and refuse what is wrong with it."""
        self._guest_info.check(instance)
        volumes = mappings.volumes(block_device_info)
        self._volumes.check(volumes)
        asked = properties.requested(context, instance)
        chosen_now = properties.chosen_now(instance)
        draft = self._definitions.draft(instance, asked, chosen_now=chosen_now)
        return _Request(asked, chosen_now, draft, volumes)

    def _prepare(self, context: nova_context.RequestContext,
                 instance: nova_instance.Instance,
                 image_meta: nova_image.ImageMeta, request: _Request,
                 places: disk_places.Places) -> _Plan:
        """Decide what a server will be, and fetch its images.

        The draft is made twice if the disk needs another controller than
        the properties say. The first draft must come before the download,
        to refuse wrong properties early; only the downloaded disk says which
        controller its guest has drivers for.
        """
        asked, draft, volumes = request.asked, request.draft, request.volumes
        if any(volume.is_boot for volume in volumes):
            # Nova may say nothing about the image in the volume.
            prepared = self._drives.prepare(
                context, instance, None, draft.hardware,
                may_lack_some=properties.is_unshelved(instance))
            return _Plan(draft, prepared, None, None, volumes)
        of_disk = draft.hardware
        is_unshelved = properties.is_unshelved(instance)
        if is_unshelved:
            of_disk = self._definitions.draft(
                instance,
                properties.in_glance(context, image_meta.id),
                chosen_now=frozenset()).hardware
        image = inspector.Image(
            image_meta.id, image_meta.disk_format,
            image_meta.container_format, of_disk.disk_type,
            props.ova_disk(asked))
        prepared = self._drives.prepare(
            context, instance, image, draft.hardware,
            may_lack_some=is_unshelved)
        base = self._disks.prepare(context, instance, image, places)
        adapter = base.adapter if base else None
        if is_unshelved and of_disk.disk_bus in vmdk.NAMED_ADAPTERS:
            adapter = of_disk.disk_bus
        if adapter:
            draft = self._definitions.draft(instance, asked, adapter,
                                            chosen_now=request.chosen_now)
        return _Plan(draft, prepared, base, adapter, volumes)

    def _build(self, context: nova_context.RequestContext,
               instance: nova_instance.Instance,
               image_meta: nova_image.ImageMeta,
               injected_files: list[tuple[str, str]],
               admin_password: str | None, network_info: model.NetworkInfo,
               block_device_info: disks_module.BlockDeviceInfo,
               power_on: bool, request: _Request,
               places: disk_places.Places) -> None:
        uuid = instance.uuid
        plan = self._prepare(context, instance, image_meta, request, places)
        draft = plan.draft
        built, others = self._plan_disks(instance, plan, block_device_info,
                                         places)
        # The ports are known by now, and no disk has been made.
        self._definitions.check_new(draft, built + others, network_info)
        listed = self._definitions.place(draft, built + others)
        try:
            with self._consoles.port_for_new_server() as vnc_port:
                self._records.create(
                    uuid, instance.name, vnc_port,
                    show_gui=draft.hardware.show_gui is not False,
                    image_adapter=plan.adapter,
                    disks=server_disks.dump(listed),
                    **source_images.facts(instance))
            listed = self._connect_volumes(uuid, plan, listed)
            self._disks.make(uuid, plan.base, built, draft.hardware)
            self._drives.place(uuid, plan.drives)
            instance.device_metadata = device_tags.find(
                context, instance, block_device_info, listed)
            self._write_metadata(instance, listed, injected_files,
                                 admin_password, network_info,
                                 draft.installs_agent)
            self._definitions.write(draft, networks.with_states(
                network_info, self._ports.states(instance)
                if network_info else {}))
            if power_on:
                self._power.on(uuid)
        except Exception:
            with excutils.save_and_reraise_exception():
                self._remove(uuid)

    def _connect_volumes(self, uuid: str, plan: _Plan,
                         listed: disk_lists.Disks) -> disk_lists.Disks:
        """Connect the volumes of a server, and list them in its record.

        :param listed: its other disks
        :returns: all its disks
        """
        if not plan.volumes:
            return listed
        connected = self._volumes.connect_new(uuid, plan.volumes,
                                              plan.draft.hardware, listed)
        placed = self._definitions.place(plan.draft, [*listed, *connected])
        self._records.change(uuid, disks=server_disks.dump(placed))
        return placed

    def _plan_disks(
            self, instance: nova_instance.Instance, plan: _Plan,
            block_device_info: disks_module.BlockDeviceInfo,
            places: disk_places.Places
    ) -> tuple[list[server_disks.Disk], list[server_disks.Disk]]:
        """Return the disks to build, and the CDs and floppy of a server."""
        chosen = plan.draft.hardware
        others = drives.plan(plan.drives, chosen.cdrom_bus)
        if configdrive.required_by(instance):
            others.append(server_disks.config_drive(chosen.cdrom_bus))
        built = self._disks.plan(instance, plan.base, block_device_info,
                                 chosen.disk_bus)
        if any(volume.is_boot for volume in plan.volumes):
            built = [disk for disk in built
                     if disk.origin is not server_disks.Origin.ROOT]
        return list(map(places.placed, built)), others

    def _write_metadata(
            self, instance: nova_instance.Instance,
            listed: disk_lists.Disks, injected_files: list[tuple[str, str]],
            admin_password: str | None, network_info: model.NetworkInfo,
            installs_agent: bool) -> None:
        metadata = self._describe(instance, injected_files, admin_password,
                                  network_info, installs_agent)
        drive = server_disks.first(listed, server_disks.Origin.CONFIG_DRIVE)
        if drive:
            config_drive.make(
                self._layout.file(instance.uuid, drive.path), metadata)
        self._guest_info.write(instance, metadata, network_info)

    def _describe(
            self, instance: nova_instance.Instance,
            injected_files: list[tuple[str, str]],
            admin_password: str | None, network_info: model.NetworkInfo,
            installs_agent: bool
    ) -> instance_metadata.InstanceMetadata | None:
        """Return Nova's metadata of a server, or None if nothing needs it."""
        if not (configdrive.required_by(instance) or
                self._guest_info.needs_metadata):
            return None
        return config_drive.describe(instance, injected_files, admin_password,
                                     network_info, installs_agent)

    def _remove(self, uuid: str) -> None:
        try:
            self._destroyer.stop(uuid)
            self._destroyer.remove(uuid)
        except (exception.VmrunError, OSError) as error:
            LOG.error('Server %s, which could not be built, stays on this '
                      'host until it is deleted or built again: %s', uuid,
                      error)
