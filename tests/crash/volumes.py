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

"""Attaching, detaching, starting and deleting with volumes, as Operations.

Nova's list of volumes is played here. After a crash in an attachment Nova does
not list the volume; after one in a detachment it still does.
"""

import os

from nova.compute import task_states
from nova.compute import vm_states
from nova import objects

from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from tests.crash import builds
from tests.crash import operation
from tests.crash import volumes_of_host


class _Volume(operation.Operation):
    """A stopped server, and a volume.

    :cvar kind: of its back end
    :ivar listed: whether Nova lists the volume
    """

    is_running = False
    ends = operation.SHUTDOWN
    kind = volumes_of_host.LOCAL
    listed = False
    boot_index = None

    def prepare(self, host):
        super().prepare(host)
        self.volume = host.volumes.add(self.kind)

    @property
    def block_device_info(self):
        mapping = {'connection_info': self.volume.info,
                   'boot_index': self.boot_index}
        return {'block_device_mapping': [mapping] if self.listed else []}

    def before(self, host):
        super().before(host)
        host.volumes.info = self.block_device_info

    def attach(self, host):
        host.driver.attach_volume(None, self.volume.info, self.instance,
                                  '/dev/sdb')

    def detach(self, host):
        host.driver.detach_volume(None, self.volume.info, self.instance,
                                  '/dev/sdb')

    def power_on(self, host):
        host.volumes.info = self.block_device_info
        host.driver.power_on(None, self.instance, [], self.block_device_info)

    def check_started(self, host):
        """Check that the server starts with what Nova lists, or less.

        Less, if the volume was detached: it may be another server's by now.
        """
        super().check_started(host)
        self.power_on(host)
        allowed = [[self.volume.descriptor]] if self.listed else [[]]
        if self.is_marked(host):
            allowed = [[]]
        operation.require(self.in_vmx(host) in allowed,
                          'volumes in the .vmx: %s' % self.in_vmx(host))
        host.driver.power_off(self.instance)
        self.check_volume(host)

    def is_marked(self, host):
        record = host.hypervisor.records.get(self.instance.uuid)
        return self.volume.id in record.detached_volumes

    def in_vmx(self, host):
        """Return the volumes in the .vmx, which the disk list names too."""
        uuid = self.instance.uuid
        found = [path for key, path in vmx.load(files.read(
            host.layout.vmx(uuid))).items()
            if key.endswith('.fileName') and os.path.isabs(path)]
        operation.require_equal(
            found, [disk.path for disk in
                    host.hypervisor._servers.disk_lists.attached(uuid)
                    if disk.volume_id], 'volumes on the disk list')
        return found

    def check_volume(self, host):
        operation.require(host.volumes.is_whole(self.volume),
                          'the volume has another content')

    def check(self, host):
        super().check(host)
        operation.require_equal(
            [self.volume.descriptor] if self.listed else [],
            self.in_vmx(host), 'volumes in the .vmx')
        self.check_volume(host)

    def delete(self, host):
        super().delete(host)
        self.check_volume(host)
        operation.require_equal([], host.volumes.foreign(),
                                'files beside the volumes')


class AttachVolume(_Volume):

    def run(self, host):
        self.attach(host)

    def complete(self, host):
        self.listed = True

    def before(self, host):
        self.listed = False
        super().before(host)


class AttachNfsVolume(AttachVolume):
    """One whose descriptor the driver makes."""

    kind = volumes_of_host.NFS


class DetachVolume(_Volume):
    """One that Nova still lists until all is done."""

    def before(self, host):
        self.listed = True
        super().before(host)
        self.attach(host)

    def run(self, host):
        self.detach(host)

    def complete(self, host):
        self.listed = False


class DetachNfsVolume(DetachVolume):
    kind = volumes_of_host.NFS


class StartWithOtherVolumes(_Volume):
    """Nova lists a volume that the .vmx lacks, and lacks one that it has."""

    ends = operation.RUNNING
    listed = True

    def prepare(self, host):
        super().prepare(host)
        self.old = host.volumes.add(volumes_of_host.NFS)

    def before(self, host):
        super().before(host)
        host.driver.attach_volume(None, self.old.info, self.instance,
                                  '/dev/sdc')

    def run(self, host):
        self.power_on(host)


class SpawnFromVolume(_Volume, builds.Spawn):
    """Nova says nothing about the image in the volume."""

    ends = operation.RUNNING
    vm_state = vm_states.BUILDING
    task_state = task_states.SPAWNING
    keeps_disk = False
    listed = True
    boot_index = 0

    def prepare(self, host):
        builds.Spawn.prepare(self, host)
        self.instance.image_ref = ''
        self.instance.system_metadata = {'image_base_image_ref': ''}
        self.volume = host.volumes.add(self.kind)

    def run(self, host):
        host.driver.spawn(
            None, self.instance, objects.ImageMeta(
                properties=objects.ImageMetaProps()), [], None, {}, [],
            block_device_info=self.block_device_info)

    def repeat(self, host):
        builds.Spawn.repeat(self, host)

    def check_started(self, host):
        self.check_volume(host)

    def require_disk(self, host):
        self.check_volume(host)


class SpawnFromNfsVolume(SpawnFromVolume):
    kind = volumes_of_host.NFS


class DestroyWithVolume(_Volume, builds.Destroy):
    """A running server, whose volume stays."""

    kind = volumes_of_host.NFS
    is_running = True
    task_state = task_states.DELETING
    keeps_disk = False
    listed = True

    def run(self, host):
        builds.Destroy.run(self, host)

    def check_started(self, host):
        builds.Destroy.check_started(self, host)

    def check(self, host):
        builds.Destroy.check(self, host)
        self.check_volume(host)
        operation.require_equal([], host.volumes.foreign(),
                                'files beside the volumes')


class RebuildWithVolume(_Volume, builds.Rebuild):
    """A running server; Nova detaches its volumes while it is off."""

    is_running = True
    ends = operation.RUNNING
    keeps_disk = False
    listed = True

    def prepare(self, host):
        builds.Rebuild.prepare(self, host)
        self.volume = host.volumes.add(self.kind)

    def run(self, host):
        self.instance.task_state = task_states.REBUILDING
        host.driver.power_off(self.instance)
        self.detach(host)
        host.driver.destroy(None, self.instance, [],
                            block_device_info=self.block_device_info)
        host.driver.spawn(
            None, self.instance, host.image_meta(self.image_id), [], None, {},
            [], block_device_info=self.block_device_info)

    def check_started(self, host):
        builds.Rebuild.check_started(self, host)
        self.check_volume(host)


class RebuildWithNfsVolume(RebuildWithVolume):
    kind = volumes_of_host.NFS


class RebuildFromVolume(RebuildWithVolume):
    """Cinder writes a new image to the volume while there is no VM."""

    boot_index = 0
    image_format = SpawnFromVolume.image_format
    is_cached = SpawnFromVolume.is_cached
    changes = SpawnFromVolume.changes

    def prepare(self, host):
        SpawnFromVolume.prepare(self, host)

    def before(self, host):
        self.instance.vm_state = self.vm_state
        self.instance.task_state = self.task_state
        self.instance.power_state = operation.RUNNING
        self.spawn(host)

    def run(self, host):
        self.instance.task_state = task_states.REBUILDING
        host.driver.power_off(self.instance)
        host.driver.destroy(None, self.instance, [],
                            block_device_info=self.block_device_info)
        self.detach(host)
        self.spawn(host)

    def spawn(self, host):
        SpawnFromVolume.run(self, host)

    def require_disk(self, host):
        self.check_volume(host)
