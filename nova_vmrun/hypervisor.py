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

"""All that one compute node works with, put together once.

driver.py asks this for an operation; nothing else knows how the parts fit.
"""

import os

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.host import host_networks
from nova_vmrun.host import kernel_modules
from nova_vmrun.host import product
from nova_vmrun.host import resources
from nova_vmrun.host import vlans
from nova_vmrun.host import x_libraries
from nova_vmrun.machine.choices import firmware
from nova_vmrun.machine import model
from nova_vmrun.ops import cache_ageing
from nova_vmrun.ops import consoles
from nova_vmrun.ops import definition
from nova_vmrun.ops import destroy
from nova_vmrun.ops import diagnostics
from nova_vmrun.ops import disks
from nova_vmrun.ops import drives
from nova_vmrun.ops import guest_info
from nova_vmrun.ops import interfaces
from nova_vmrun.ops import lifecycle_events
from nova_vmrun.ops import networks
from nova_vmrun.ops.nova import allocations
from nova_vmrun.ops.nova import ports
from nova_vmrun.ops.nova import source_images
from nova_vmrun.ops import orphans
from nova_vmrun.ops.power import power
from nova_vmrun.ops.power import time_limits
from nova_vmrun.ops import precache
from nova_vmrun.ops import rebuild
from nova_vmrun.ops import reconcile
from nova_vmrun.ops import rescue
from nova_vmrun.ops.resize import migration_files
from nova_vmrun.ops.resize import other_host
from nova_vmrun.ops.resize import resize
from nova_vmrun.ops import serial_consoles
from nova_vmrun.ops import snapshot
from nova_vmrun.ops import spawn
from nova_vmrun.server import disk_lists
from nova_vmrun.server import layout
from nova_vmrun.server import orphans as orphan_finder
from nova_vmrun.server import records
from nova_vmrun.server import stale_vmrun
from nova_vmrun.server import states
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import base_disk_usage
from nova_vmrun.storage import builds
from nova_vmrun.storage import image_cache
from nova_vmrun.storage import stale_locks
from nova_vmrun import system
from nova_vmrun.tools import process
from nova_vmrun.tools import qemu_img
from nova_vmrun.tools import ssh
from nova_vmrun.tools import vdiskmanager
from nova_vmrun.tools import vmrun

LOG = logging.getLogger(__name__)


class Hypervisor:
    """The product on this host and the operations on its servers.

    :param conf: nova.conf.CONF
    :param compute_id: this compute node's id, as Nova keeps it
    :raises InvalidConfiguration: the options and the host do not fit

    :ivar address: of this host, by which others reach it
    :ivar product: a nova_vmrun.host.product.Product
    :ivar runner: the nova_vmrun.tools.process.Runner of all its programs
    """

    def __init__(self, conf, compute_id):
        own = self._own = conf.vmrun
        self.address = conf.my_ip
        self.runner = process.Runner()
        self.layout = layout.Layout(
            conf.instances_path,
            own.cache_prefix + conf.image_cache.subdirectory_name)
        self.layout.prepare()
        _refuse_vfat(conf)
        self.product = product.detect(self.runner, own)
        LOG.info('Servers run on %s %s, by %s', self.product.name,
                 self.product.version_text, self.product.vmrun)
        tool = vmrun.Vmrun(self.runner, self.product.vmrun,
                           self.product.kind, own)
        self._compute_id = compute_id
        self.records = records.Records(self.layout, compute_id)
        lists = disk_lists.DiskLists(self.layout, self.records)
        vmx_files = vmx_file.VmxFiles(self.layout)
        self._limits = time_limits.TimeLimits(own, vmx_files)
        self.resources = resources.Host(self.layout)
        self.states = states.PowerStates(
            tool, self.layout, vmx_files.load_patiently)
        self.consoles = consoles.Consoles(conf, self.layout, self.records,
                                          self.product, self.states)
        self.serial_consoles = serial_consoles.SerialConsoles(
            conf, self.layout, self.records)
        self.events = lifecycle_events.LifecycleEvents(self.states,
                                                       self.layout)
        self.power = power.Power(tool, self.product, self.states, self.layout,
                                 self.records, self.serial_consoles,
                                 self.consoles, own, self.events)
        self.destroy = destroy.Destroy(self.power, self.states, self.layout,
                                       self.records)
        self.diagnostics = diagnostics.Diagnostics(
            tool, self.product, self.states, self.layout, lists)
        vdisk = None
        if self.product.vdiskmanager:
            vdisk = vdiskmanager.VDiskManager(
                self.runner, self.product.vdiskmanager, own.disk_timeout)
        converter = qemu_img.QemuImg(self.runner, own.qemu_img_path,
                                     own.disk_timeout)
        users = base_disk_usage.BaseDiskUsage(self.layout)
        cache = image_cache.ImageCache(
            self.layout, converter, vdisk, conf.compute.vmdk_allowed_types,
            users)
        under_way = builds.Builds(self.layout)
        self.cache_ageing = cache_ageing.CacheAgeing(
            conf.image_cache, cache, users, under_way,
            stale_locks.StaleLocks(self.layout))
        self.precache = precache.Precache(cache)
        server_disks = disks.Disks(conf, cache, self.layout, lists, vdisk)
        server_drives = drives.Drives(cache, self.layout, self.product)
        vmnets = host_networks.HostNetworks(tool)
        self.networks = networks.Networks(own, vmnets, vlans.Vlans(
            own.vlan_interface, vmnets, self.runner))
        told = guest_info.GuestInfo(own, self.layout)
        self.definitions = definition.Definitions(
            own, self.product, self.resources.architecture, self.layout,
            self.records, lists, server_drives, self.networks,
            self.consoles, told, self.serial_consoles)
        neutron_ports = ports.Ports()
        self.reconciler = reconcile.Reconciler(
            self.definitions, self.networks, neutron_ports, self.layout)
        self.interfaces = interfaces.Interfaces(
            tool, self.states, self.networks, self.definitions, self.layout,
            neutron_ports)
        self.spawner = spawn.Spawner(
            self.layout, self.records, self.definitions, server_disks,
            server_drives,
            self.consoles, told, self.power, self.destroy, under_way)
        self.source_images = source_images.SourceImages(self.records)
        self.allocations = allocations.Allocations(self.layout, self.records)
        self.rebuild = rebuild.Rebuild(self.spawner, self.source_images,
                                       self.allocations)
        self.rescue = rescue.Rescue(self.layout, lists, self.definitions,
                                    self.reconciler, server_disks,
                                    server_drives,
                                    self.power, under_way)
        self.resize = resize.Resize(
            self.layout, self.records, lists, self.definitions,
            self.reconciler,
            migration_files.MigrationFiles(self.layout, lists, converter,
                                           vdisk),
            other_host.OtherHost(ssh.Ssh(self.runner, own), self.layout,
                                 self.address),
            self.consoles, self.power, self.destroy,
            can_make_disks=vdisk is not None)
        self.snapshots = snapshot.Snapshots(
            tool, converter, self.product, self.states, self.layout,
            self.records, lists, self._limits)
        self.orphans = orphans.Orphans(
            orphan_finder.Finder(self.layout, self.records, self.states,
                                 cache, users, under_way),
            self.destroy, self.snapshots, cache, users, under_way)
        self._cache = cache
        self._boots = under_way

    def begin(self, emit):
        """Begins what nova-compute alone does: to listen, to show windows.

        :param emit: called with each nova.virt.event.LifecycleEvent
        :raises InvalidConfiguration: the options and the host do not fit
        """
        _refuse_gui_without_display(self._own, os.environ,
                                    system.here().name)
        self._complain_of_host()
        # Another host that sends a server here looks for it.
        open(self.layout.node(self._compute_id), 'w').close()
        self.consoles.begin()
        self.serial_consoles.begin()
        self.events.begin(emit,
                          [record.uuid for record in self.records.all()])

    def _complain_of_host(self) -> None:
        """Logs what keeps every server from starting."""
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

    def finish_interrupted(self):
        """Removes what the end of another nova-compute has left half-done.

        :raises VmrunError: it cannot be removed
        """
        stale_vmrun.wait_for(
            {self.layout.vmx(record.uuid): self._limits.longest(record.uuid)
             for record in self.records.all()}, self.product.kind)
        self.records.finish_interrupted()
        self.snapshots.finish_interrupted()
        self.destroy.finish_interrupted()
        self._cache.finish_interrupted()
        self._boots.oldest_start()

    def close(self):
        """Ends what this process does; the servers run on."""
        self.events.end()
        self.serial_consoles.end()

    def exists(self, uuid):
        """Tells whether a server of this compute node has a VM."""
        return self.record(uuid) is not None

    def record(self, uuid: str) -> records.Record | None:
        """Returns the record of a server of this compute node with a VM."""
        record = self.records.get(uuid)
        if record is None or not os.path.exists(self.layout.vmx(uuid)):
            return None
        return record

    def state(self, uuid: str, use_cache: bool) -> states.State:
        """Returns a server's State.

        If it runs, Nova will hear when it ends, also if it was started
        outside of Nova.

        :param use_cache: False for the State at this very moment
        """
        state = (self.states.get(uuid, fresh=False) if use_cache
                 else self.states.confirm(uuid))
        if state in (states.State.RUNNING, states.State.PAUSED):
            self.events.watch(uuid)
        return state

    @property
    def max_vcpus(self):
        """Virtual processors that a server can have."""
        return model.max_vcpus(self.product.hardware_version)

    @property
    def has_secure_boot(self):
        """Tells whether servers can have UEFI firmware that checks them."""
        return firmware.offers_secure_boot(self.product.hardware_version,
                                           self.resources.architecture)


def _refuse_gui_without_display(own, environ, platform):
    """Refuses windows where there is no display: vmrun start would hang."""
    if not own.show_gui or platform == 'darwin':
        return
    if not (environ.get('DISPLAY') or environ.get('WAYLAND_DISPLAY')):
        raise exception.InvalidConfiguration(
            '[vmrun] show_gui is True and nova-compute has no display.',
            'Neither DISPLAY nor WAYLAND_DISPLAY is in its environment.',
            'Start nova-compute in a desktop session, or set show_gui to '
            'False and use the VNC console.')


def _refuse_vfat(conf):
    """Refuses config drives that are no CD: root would have to mount them."""
    if conf.config_drive_format != 'iso9660':
        raise exception.InvalidConfiguration(
            '[DEFAULT] config_drive_format is %s.' % conf.config_drive_format,
            'A config drive is an ISO image in a CD drive.',
            'Set config_drive_format to iso9660, or leave it out.')
