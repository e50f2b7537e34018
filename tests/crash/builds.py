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

"""Builds and deletions of servers, as Operations."""

from unittest import mock

from nova.compute import task_states
from nova.compute import vm_states
from nova import exception as nova_exception
from nova import objects

from tests.crash import disk_content
from tests.crash import operation


class Spawn(operation.Operation):
    """A linked disk of a cached image."""

    is_running = False
    is_cached = True
    keeps_disk = False
    image_format = 'qcow2'
    vm_state = vm_states.BUILDING
    task_state = task_states.SPAWNING
    changes = {}
    block_device_info = None

    def prepare(self, host):
        self.image_id = host.glance.add_image(self.image_format)
        self.content = host.glance.content(self.image_id)
        if self.is_cached:
            host.driver.cache_image(None, self.image_id)
        self.instance = host.instance(self.image_id, **self.changes)

    def run(self, host):
        host.spawn(self.instance, block_device_info=self.block_device_info)

    def repeat(self, host):
        """Rebuild the server, as a user may after a failed build."""
        operation.require_equal(vm_states.ERROR, self.instance.vm_state,
                                'vm_state')
        host.driver.destroy(None, self.instance, [])
        self.run(host)


class SpawnNewImage(Spawn):
    is_cached = False


class SpawnOtherSize(Spawn):
    """An image that is cached in another size."""

    changes = {'flavor': {'root_gb': 1}}


class SpawnFullCopy(Spawn):
    changes = {'system_metadata': {'image_img_linked_clone': 'false'}}


class SpawnWithConfigDrive(Spawn):
    changes = {'config_drive': 'True'}


class SpawnWithMoreDisks(Spawn):
    block_device_info = {'ephemerals': [{'size': 1}],
                         'swap': {'swap_size': 64, 'device_name': 'sdb'}}
    changes = {'flavor': {'ephemeral_gb': 1, 'swap': 64}}


class SpawnIso(Spawn):
    """An installer in the drive, and an empty root disk."""

    is_cached = False
    image_format = 'iso'
    changes = {'flavor': {'root_gb': 1}}

    def prepare(self, host):
        super().prepare(host)
        self.content = disk_content.BLANK


class Unshelve(SpawnNewImage):
    """The image of a shelved server, which is not kept in the cache."""

    vm_state = vm_states.SHELVED_OFFLOADED

    def start(self, host):
        """Keep the server shelved, as Nova does: it can be unshelved again."""
        super().start(host)
        self.instance.vm_state = vm_states.SHELVED_OFFLOADED

    def repeat(self, host):
        self.run(host)


class Rebuild(operation.Operation):
    """The user has asked to replace the disk."""

    task_state = task_states.REBUILD_SPAWNING
    keeps_disk = False

    def prepare(self, host):
        super().prepare(host)
        self.content = host.glance.content(self.image_id)

    def run(self, host):
        host.driver.destroy(None, self.instance, [])
        host.spawn(self.instance)

    def check_started(self, host):
        operation.require_equal(vm_states.ERROR, self.instance.vm_state,
                                'vm_state')


class RefusedRebuild(operation.Operation):
    """The image that Nova has saved turns out not to be a disk."""

    task_state = task_states.REBUILDING

    def prepare(self, host):
        super().prepare(host)
        self.new_image = host.glance.add_image()
        host.glance.images[self.new_image] = 'qcow2', b'no disk' * 1000

    def before(self, host):
        super().before(host)
        self.instance.image_ref = self.new_image
        self.instance.system_metadata = {
            'image_disk_format': 'qcow2',
            'image_base_image_ref': self.new_image}

    def run(self, host):
        with mock.patch.object(objects.Instance, 'save'):
            try:
                host.driver.rebuild(
                    None, self.instance, host.image_meta(self.new_image), [],
                    None, {'provider': {'resources': {'VCPU': 1}}}, [], None,
                    None, network_info=[])
            except nova_exception.InstanceFaultRollback:
                pass

    def check_started(self, host):
        super().check_started(host)
        operation.require_equal(vm_states.ERROR, self.instance.vm_state,
                                'vm_state')

    def repeat(self, host):
        """Keep the server as it is, with a hard reboot."""
        with mock.patch.object(objects.Instance, 'save'):
            host.driver.reboot(None, self.instance, [], 'HARD')
        operation.require_equal(self.image_id, self.instance.image_ref,
                                'image_ref')


class Destroy(operation.Operation):
    task_state = task_states.DELETING
    keeps_disk = False

    def run(self, host):
        host.driver.destroy(None, self.instance, [])

    def check_started(self, host):
        """Check that Nova has deleted the server."""
        operation.require(not host.driver.instance_exists(self.instance),
                          'the server is there')

    def check(self, host):
        self.check_started(host)


class DestroyPaused(Destroy):

    def before(self, host):
        super().before(host)
        host.driver.pause(self.instance)


class DestroyOff(Destroy):
    is_running = False
