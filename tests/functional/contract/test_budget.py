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

"""How many processes each operation starts, at most.

A process of vmrun's costs a quarter of a second on a real host, all of ours
next to nothing. These are budgets of the success path.
"""

from concurrent import futures
import os

import fixtures
from nova.compute import power_state
from nova.compute import provider_tree
from nova import conf as nova_conf
from nova.network import model
from nova import objects
from oslo_utils import uuidutils

from nova_vmrun.host import files
from nova_vmrun.ops.resize import moves
from tests.functional.contract import base
from tests.unit.volumes import files as volume_files

CONF = nova_conf.CONF
_NODE = 'host'


class BudgetTestCase(base.DriverTestCase):

    def started(self, operation, *args, **options):
        """Run an operation; return how many processes each program was."""
        before = self.runner.started
        operation(*args, **options)
        return self.runner.started - before

    def assertStarts(self, budget, operation, *args, **options):
        started = self.started(operation, *args, **options)
        self.assertLessEqual(started.total(), budget, started)

    def looked_at(self, instance, operation, *args):
        """Run an operation between two looks at the state, as Nova does."""
        self.state(instance)
        operation(*args)
        self.state(instance)

    def state(self, instance):
        return self.driver.get_info(instance, use_cache=False).state

    def test_what_is_counted_is_what_runs(self):
        """The fakes keep a list of their own."""
        calls = len(self.vmware.calls())
        started = self.started(self.running_server)
        self.assertEqual(len(self.vmware.calls()) - calls,
                         started['vmrun'] + started['vmware-vdiskmanager'])

    def test_spawn_of_a_cached_image(self):
        self.running_server()
        instance = self.instance()
        self.assertStarts(1, self.booted, instance)
        self.assertEqual(power_state.RUNNING, self.state(instance))

    def booted(self, instance):
        self.spawn(instance)
        self.state(instance)

    def test_twenty_spawns_at_once(self):
        self.running_server()
        instances = [self.instance() for _ in range(20)]
        with futures.ThreadPoolExecutor(20) as pool:
            self.assertStarts(30, lambda: list(pool.map(self.booted,
                                                        instances)))
        self.assertEqual(21, len(self.vmware.running()))

    def test_hard_reboot_after_nova_was_started_anew(self):
        instance = self.running_server()
        self.driver = base.start_driver(self)
        self.runner = self.driver._hypervisor.runner
        # Nova looks at all servers then, and one list does for them.
        self.state(instance)
        self.assertStarts(2, self.looked_at, instance, self.driver.reboot,
                          None, instance, [], 'HARD')

    def test_what_networks_the_host_has_is_asked_once(self):
        ports = [model.VIF(
            id='port-%d' % number, address='fa:16:3e:00:00:0%d' % number,
            type='vmrun', network=model.Network(id='net'))
            for number in range(2)]
        self.running_server()
        self.assertStarts(3, self.spawn, self.instance(), ports[:1])
        self.assertStarts(2, self.spawn, self.instance(), ports)

    def test_first_boot_of_an_image(self):
        """One download, one conversion, and no copy of the whole disk."""
        copy = files.copy

        def count(source, target):
            self.copied += os.path.getsize(source)
            copy(source, target)

        self.useFixture(fixtures.MockPatchObject(files, 'copy', count))
        instance = self.instance(root_gb=0)
        started = self.started(self.booted, instance)
        # The other one makes the empty child.
        self.assertEqual({'qemu-img': 2, 'vmrun': 1}, started)
        self.assertEqual(1, self.fetched)
        self.assertLess(self.copied, len(self.content))

    def test_destroy_of_a_running_server(self):
        instance = self.running_server()
        self.assertStarts(1, self.driver.destroy, None, instance, [])
        self.assertEqual([], self.vmware.running())

    def test_image_of_a_server(self):
        """VMware is asked for nothing that the state does not call for."""
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.ops.nova.glance.upload'))
        instance = self.running_server()
        for vmrun, change in ((3, None), (1, self.driver.pause),
                              (1, self.driver.power_off)):
            if change:
                change(instance)
            self.assertEqual(
                {'vmrun': vmrun, 'qemu-img': 1}, self.started(
                    self.driver.snapshot, None, instance,
                    uuidutils.generate_uuid(), lambda **states: None))

    def test_power(self):
        driver, instance = self.driver, self.running_server()
        for operation, args, state in (
                (driver.pause, (instance,), power_state.PAUSED),
                (driver.unpause, (instance,), power_state.RUNNING),
                (driver.suspend, (None, instance), power_state.SUSPENDED),
                (driver.resume, (None, instance, []), power_state.RUNNING),
                (driver.reboot, (None, instance, [], 'HARD'),
                 power_state.RUNNING),
                (driver.reboot, (None, instance, [], 'SOFT'),
                 power_state.RUNNING),
                (driver.power_off, (instance,), power_state.SHUTDOWN),
                (driver.power_on, (None, instance, []), power_state.RUNNING),
                (driver.power_off, (instance, 30), power_state.SHUTDOWN)):
            self.assertStarts(2, self.looked_at, instance, operation, *args)
            self.assertEqual(state, self.state(instance))

    def test_volumes(self):
        """Attaching and detaching run nothing, and starts nothing more."""
        folder = self.useFixture(fixtures.TempDir()).path
        self.flags(volume_folders=[folder], group='vmrun')
        self.driver = base.start_driver(self)
        self.runner = self.driver._hypervisor.runner
        self.useFixture(fixtures.MonkeyPatch(
            'nova_vmrun.ops.nova.device_tags.tag_of_volume',
            lambda *args: None))
        instance, info = self.running_server(), volume_files.make(folder)
        self.driver.power_off(instance)
        listed = {'block_device_mapping': [
            {'connection_info': info, 'boot_index': None}]}
        self.assertStarts(0, self.driver.attach_volume, None, info, instance,
                          '/dev/sdb')
        self.assertStarts(2, self.driver.power_on, None, instance, [], listed)
        self.driver.power_off(instance)
        self.assertStarts(0, self.driver.detach_volume, None, info, instance,
                          '/dev/sdb')

    def test_resize(self):
        """Neither more memory nor a revert copies a disk."""
        driver, migration = self.driver, objects.Migration(
            uuid=uuidutils.generate_uuid(), dest_host=CONF.my_ip,
            source_compute='host', dest_compute='host')
        self.useFixture(fixtures.MockPatchObject(
            moves, 'destination', return_value=None))
        for root_gb, disk_tools in ((1, 0), (2, 1)):
            instance = self.running_server()
            old, new = instance.flavor, instance.flavor.obj_clone()
            new.root_gb, new.memory_mb = root_gb, 128
            started = self.started(
                driver.migrate_disk_and_power_off, None, instance,
                CONF.my_ip, new, [])
            self.assertEqual(
                (1, disk_tools, disk_tools),
                (started['vmrun'], started['qemu-img'],
                 started['vmware-vdiskmanager']))
            instance.flavor = new
            self.assertStarts(1, driver.finish_migration, None, migration,
                              instance, '', [], None, True, {})
            instance.task_state = 'resize_reverting'
            self.assertStarts(2, driver.destroy, None, instance, [])
            instance.flavor = old
            self.assertStarts(1, driver.finish_revert_migration, None,
                              instance, [], migration)
            self.assertEqual(power_state.RUNNING, self.state(instance))
            instance.task_state = None
            self.assertStarts(0, driver.confirm_migration, None, migration,
                              instance, [])

    def test_states_of_many_servers(self):
        instances = [self.running_server() for _ in range(8)]
        self.driver._hypervisor.states.changed()

        def look():
            for instance in instances:
                self.assertEqual(power_state.RUNNING,
                                 self.driver.get_info(instance).state)

        self.assertStarts(1, look)

    def test_what_nova_asks_of_the_host_every_minute(self):
        self.running_server()
        tree = provider_tree.ProviderTree()
        tree.new_root(_NODE, uuidutils.generate_uuid(), generation=0)

        def update():
            self.driver.get_available_resource(_NODE)
            self.driver.update_provider_tree(tree, _NODE)
            self.driver.get_available_nodes()

        # The VMs that run, and VMware's networks.
        self.assertStarts(2, update)
        self.assertStarts(0, update)

    def test_which_servers_there_are(self):
        self.running_server()
        self.assertStarts(0, self.driver.list_instances)
        self.assertStarts(0, self.driver.list_instance_uuids)
