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

"""The parts of one compute node, put together once.

Each operation is an attribute of Hypervisor; driver.py calls them. Operations
get what they share as groups: see nova_vmrun/ops/parts.py and access.py.
"""

from collections import abc
import os

from nova.objects import instance
from nova.virt import event as virtevent
from oslo_config import cfg
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import host_networks
from nova_vmrun.host import kernel_modules
from nova_vmrun.host import resources
from nova_vmrun.host import vlans
from nova_vmrun.host import x_libraries
from nova_vmrun.machine.choices import firmware
from nova_vmrun.machine import model
from nova_vmrun.ops import access as server_access
from nova_vmrun.ops import assembly
from nova_vmrun.ops import cables
from nova_vmrun.ops import cache_ageing
from nova_vmrun.ops import consoles
from nova_vmrun.ops import definition
from nova_vmrun.ops import destroy
from nova_vmrun.ops import diagnostics
from nova_vmrun.ops import disk_places
from nova_vmrun.ops import disks
from nova_vmrun.ops import drives
from nova_vmrun.ops.evacuation import evacuation
from nova_vmrun.ops.evacuation import examination
from nova_vmrun.ops import evict
from nova_vmrun.ops import guest_info
from nova_vmrun.ops import guest_passwords
from nova_vmrun.ops import interfaces
from nova_vmrun.ops import left_behind
from nova_vmrun.ops import lifecycle_events
from nova_vmrun.ops import metrics
from nova_vmrun.ops import networks
from nova_vmrun.ops.nova import allocations
from nova_vmrun.ops.nova import ports
from nova_vmrun.ops.nova import source_images
from nova_vmrun.ops import orphans
from nova_vmrun.ops import parts
from nova_vmrun.ops.power import power
from nova_vmrun.ops.power import time_limits
from nova_vmrun.ops import precache
from nova_vmrun.ops import quiesce
from nova_vmrun.ops import rebuild
from nova_vmrun.ops import reconcile
from nova_vmrun.ops import rescue
from nova_vmrun.ops.resize import migration_files
from nova_vmrun.ops.resize import other_host
from nova_vmrun.ops.resize import resize
from nova_vmrun.ops import serial_consoles
from nova_vmrun.ops import snapshot
from nova_vmrun.ops import spawn
from nova_vmrun.ops import tagged_devices
from nova_vmrun.ops import volume_disks
from nova_vmrun.ops import volume_updates
from nova_vmrun.ops import volumes
from nova_vmrun.server import freeze_marks
from nova_vmrun.server import guest_agents
from nova_vmrun.server import orphans as orphan_finder
from nova_vmrun.server import records
from nova_vmrun.server import stale_vmrun
from nova_vmrun.server import states
from nova_vmrun.storage import folders
from nova_vmrun.storage import node_images
from nova_vmrun.storage import stale_locks
from nova_vmrun import system
from nova_vmrun.tools import process
from nova_vmrun.tools import ssh

LOG = logging.getLogger(__name__)


class Hypervisor:
    """The VMware product on this host, and the operations on its servers.

    :param conf: nova.conf.CONF
    :param compute_id: this compute node's id in Nova
    :param name: this host's name in Nova
    :raises InvalidConfiguration: the options do not fit the host

    :ivar address: by which other hosts reach this one
    :ivar runner: runs all programs
    """

    def __init__(self, conf: cfg.ConfigOpts, compute_id: str,
                 name: str) -> None:
        self._compute_id = compute_id
        self._ports = ports.Ports(name)
        # What is in the file that names this compute node.
        self._told = ''
        self.address: str = conf.vmrun.migration_address or conf.my_ip
        self.runner = process.Runner()
        self.layout = assembly.make_layout(conf)
        _refuse_vfat(conf)
        self.resources = resources.Host(self.layout)
        self._host = assembly.detect_host(
            conf, self.runner, self.resources.architecture)
        self.product = self._host.product
        self._folders = assembly.make_folders(self._host, self.layout)
        self.resources.use_folders(self._folders.file_systems)
        self._servers = assembly.make_servers(
            self._host, self.layout, self._folders, compute_id)
        self.records = self._servers.records
        self.states = self._servers.states
        self.storage = self._servers.storage
        self._images = parts.Images(self._folders.default.cache,
                                    self._folders.default.users,
                                    self._folders.default.builds)
        self._add_power()
        self._add_definitions()
        self._add_builds()
        self._add_moves()
        self._add_images()

    def _add_power(self) -> None:
        host, servers = self._host, self._servers
        self._limits = time_limits.TimeLimits(host.conf.vmrun,
                                              servers.vmx_files)
        self.consoles = consoles.Consoles(host, servers)
        self.serial_consoles = serial_consoles.SerialConsoles(host, servers)
        self._access = server_access.Access(
            self.consoles, self.serial_consoles,
            guest_info.GuestInfo(host.conf.vmrun, servers.layout),
            guest_agents.GuestAgents(servers.layout))
        self.events = lifecycle_events.LifecycleEvents(servers.states,
                                                       servers.layout)
        self.power = power.Power(host, servers, self._access, self.events)
        self.quiesce = quiesce.Quiescer(
            host.product, servers.states, servers.records, self.power,
            self._access.guest_agents,
            freeze_marks.FreezeMarks(servers.layout))
        self.guest_passwords = guest_passwords.GuestPasswords(
            self._access.guest_agents, servers.vmx_files)
        self._connectors = assembly.make_connectors(
            host.conf, self.runner, servers.layout)
        self.destroy = destroy.Destroyer(servers, self.power,
                                         self._connectors)

    def _add_definitions(self) -> None:
        host, servers = self._host, self._servers
        vmnets = host_networks.HostNetworks(host.vmrun)
        self.networks = networks.Networks(
            host.conf.vmrun, vmnets, vlans.Vlans(
                host.conf.vmrun.vlan_interface, vmnets, self.runner),
            host.product)
        self._disks = disks.Disks(host, servers, self._images)
        self._drives = drives.Drives(host, servers, self._images)
        self.definitions = definition.Definitions(
            host, servers, self._access, self._drives, self.networks)
        self._tagged = tagged_devices.TaggedDevices(servers.disk_lists,
                                                    self._access.guest_info)
        self.volume_updates = volume_updates.VolumeUpdates(
            servers, self.definitions, self._connectors)
        self.reconciler = reconcile.Reconciler(
            servers, self.definitions, self.networks, self._ports,
            self._tagged, self.volume_updates)
        self.cables = cables.Cables(host, servers, self._ports)
        self.interfaces = interfaces.Interfaces(
            servers, self.definitions, self.networks, self._ports,
            self._tagged, self.cables)
        self.volumes = volumes.Volumes(
            host, servers, self.definitions, self._connectors,
            self._tagged)

    def _add_builds(self) -> None:
        host, servers = self._host, self._servers
        self.spawner = spawn.Spawner(
            servers.layout, servers.records, self.definitions, self._disks,
            self._drives, self.consoles, self._access.guest_info, self.power,
            self.destroy, disk_places.DiskPlaces(host, servers),
            volume_disks.VolumeDisks(servers.layout, self._connectors),
            self._ports)
        self.source_images = source_images.SourceImages(servers.records)
        self.allocations = allocations.Allocations(servers.layout,
                                                   servers.records)
        self.rebuild = rebuild.Rebuild(self.spawner, self.source_images,
                                       self.allocations)
        self.rescue = rescue.Rescue(
            servers.layout, servers.disk_lists, self.definitions,
            self.reconciler, self._disks, self._drives, self.power,
            self._images.builds)
        self.diagnostics = diagnostics.Diagnostics(
            host, servers, self._access.guest_agents)
        self.metrics = metrics.Metrics(host.conf.vmrun, servers,
                                       self._folders, self.runner,
                                       host.product)

    def _add_moves(self) -> None:
        host, servers = self._host, self._servers
        self.resize = resize.Resize(
            servers.layout, servers.records, servers.disk_lists,
            servers.storage, self.definitions, self.reconciler,
            migration_files.MigrationFiles(
                servers.layout, servers.disk_lists, servers.storage,
                host.qemu_img, host.vdiskmanager),
            other_host.OtherHost(ssh.Ssh(self.runner, host.conf.vmrun),
                                 servers.layout, self.address),
            self.consoles, self.power, self.destroy, self.volume_updates,
            self._ports, can_make_disks=host.vdiskmanager is not None)
        self.evictor = evict.Evictor(host, servers)
        self.evacuation = evacuation.Evacuation(
            servers, examination.Examination(servers, self._connectors,
                                             self.networks),
            self.reconciler, self.consoles, self.power, self.rescue,
            self.destroy)
        self.left_behind = left_behind.LeftBehind(servers, self.power)

    def _add_images(self) -> None:
        host, servers, images = self._host, self._servers, self._images
        self.precache = precache.Precache(images.cache)
        self._ageing = {folder.name: self._make_ageing(folder)
                        for folder in self._folders.all}
        self.snapshots = snapshot.Snapshots(host, servers, self._limits,
                                            self.quiesce)
        finder = orphan_finder.Finder(
            servers.layout, servers.records, servers.states, images.cache,
            images.users, images.builds, servers.storage)
        self.orphans = orphans.Orphans(finder, images, self.destroy,
                                       self.snapshots)

    def _make_ageing(self, folder: folders.StorageFolder
                     ) -> cache_ageing.CacheAgeing:
        return cache_ageing.CacheAgeing(
            self._host.conf.image_cache,
            parts.Images(folder.cache, folder.users, folder.builds),
            stale_locks.StaleLocks(folder.layout, self.layout),
            nodes=None if folder.is_default else node_images.NodeImages(
                folder.layout, self._compute_id))

    def age_caches(self,
                   instances: abc.Collection[instance.Instance]) -> None:
        """Remove images that are no longer used from all caches.

        :param instances: all servers of this compute service
        """
        for folder in self._folders.there():
            self._ageing[folder.name].remove_unused(instances)

    def begin(self, send_event: abc.Callable[[virtevent.LifecycleEvent], None]
              ) -> None:
        """Start what only nova-compute does: listening, showing windows.

        :raises InvalidConfiguration: the options do not fit the host
        """
        _refuse_gui_without_display(self._host.conf.vmrun, os.environ,
                                    system.here().name)
        self._folders.check()
        self.metrics.check()
        self._complain_of_host()
        # Another host looks for this file before it sends a server. It is
        # empty until VMware has been asked for its networks.
        open(self.layout.node(self._compute_id), 'w').close()
        self._told = ''
        self.consoles.begin()
        self.serial_consoles.begin()
        self.events.begin(send_event,
                          [record.uuid for record in self.records.all()])

    def tell_of_networks(self) -> None:
        """Write down which networks other hosts may know of."""
        told = self.networks.card().dump()
        if told == self._told:
            return
        try:
            files.write_atomically(self.layout.node(self._compute_id), told)
            self._told = told
        except OSError as error:
            LOG.warning('Other hosts cannot learn which networks this host '
                        'has: %s', error)

    def _complain_of_host(self) -> None:
        """Log what prevents all servers from starting."""
        if not kernel_modules.is_installed():
            return
        lost = kernel_modules.missing_devices()
        if lost:
            LOG.error('No server can be started: %s. %s',
                      kernel_modules.describe(lost), kernel_modules.REMEDY)
        lost = x_libraries.missing_libraries()
        if lost:
            LOG.error('No server can be started: %s',
                      x_libraries.describe(lost))

    def finish_interrupted(self) -> None:
        """Clean up after an interrupted nova-compute.

        :raises VmrunError: something cannot be deleted
        """
        stale_vmrun.wait_for(
            {self.layout.vmx(record.uuid): self._limits.longest(record.uuid)
             for record in self.records.all()}, self.product.kind)
        self.records.finish_interrupted()
        self.quiesce.finish_interrupted()
        self.snapshots.finish_interrupted()
        self.destroy.finish_interrupted()
        for folder in self._folders.there():
            try:
                folder.cache.finish_interrupted()
                folder.builds.oldest_start()
            except OSError as error:
                if folder.is_default:
                    raise
                LOG.error('Files that crashes have left in the storage folder '
                          '%s stay: %s', folder.name, error)
        self.storage.finish_interrupted()

    def close(self) -> None:
        """Stop all threads; the servers keep running."""
        self.events.end()
        self.serial_consoles.end()

    def exists(self, uuid: str) -> bool:
        """Return whether a server of this compute node has a VM."""
        return self.record(uuid) is not None

    def record(self, uuid: str) -> records.Record | None:
        """Return the record of a server of this compute node that has a VM."""
        record: records.Record | None = self.records.get(uuid)
        if record is None or not os.path.exists(self.layout.vmx(uuid)):
            return None
        return record

    def state(self, record: records.Record, use_cache: bool) -> states.State:
        """Return a server's state.

        It is unknown while one of its disks is not there. If the server is
        running, Nova will get an event when it stops, even if it was started
        outside of Nova.

        :param record: of the server
        :param use_cache: False to look at the VM now
        """
        if not self.storage.is_there(record):
            return states.State.UNKNOWN
        state: states.State = (
            self.states.get(record.uuid, fresh=False) if use_cache
            else self.states.confirm(record.uuid))
        if state in (states.State.RUNNING, states.State.PAUSED):
            self.events.watch(record.uuid)
        return state

    @property
    def max_vcpus(self) -> int:
        """Return how many virtual processors a server can have."""
        return model.max_vcpus(self.product.hardware_version)

    @property
    def has_secure_boot(self) -> bool:
        """Return whether servers can use UEFI secure boot."""
        return firmware.offers_secure_boot(self.product.hardware_version,
                                           self.resources.architecture)


def _refuse_gui_without_display(own: cfg.ConfigOpts,
                                environ: abc.Mapping[str, str],
                                platform: str) -> None:
    """Refuse windows without a display: vmrun start would hang."""
    if not own.show_gui or platform == system.MACOS:
        return
    if not (environ.get('DISPLAY') or environ.get('WAYLAND_DISPLAY')):
        raise exception.InvalidConfiguration(
            '[vmrun] show_gui is True, but nova-compute has no display.',
            'Neither DISPLAY nor WAYLAND_DISPLAY is set in its environment.',
            'Start nova-compute in a desktop session, or set show_gui to '
            'False and use the VNC console.')


def _refuse_vfat(conf: cfg.ConfigOpts) -> None:
    """Refuse config drives in VFAT, which only root could mount."""
    if conf.config_drive_format != 'iso9660':
        raise exception.InvalidConfiguration(
            '[DEFAULT] config_drive_format is %s.' % conf.config_drive_format,
            'A config drive has to be an ISO image in a CD drive.',
            'Set config_drive_format to iso9660, or remove the option.')
