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

import os
import types
from unittest import mock

import fixtures
from nova.compute import task_states
from nova.compute import vm_states
from nova.network import model
import testscenarios

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.ops import config_drive
from nova_vmrun.ops import consoles
from nova_vmrun.ops import definition
from nova_vmrun.ops import destroy
from nova_vmrun.ops import disk_places
from nova_vmrun.ops import disks
from nova_vmrun.ops import drives
from nova_vmrun.ops import guest_info
from nova_vmrun.ops import networks
from nova_vmrun.ops.nova import device_tags
from nova_vmrun.ops.nova import ports
from nova_vmrun.ops import spawn
from nova_vmrun.ops import volume_disks
from nova_vmrun.server import disks as disks_module
from nova_vmrun.storage import builds
from nova_vmrun.storage import image_cache
from nova_vmrun.volumes import connectors
from tests.unit.ops import glances
from tests.unit.ops import hosts

UUID = hosts.UUID


class Base(hosts.TestCase):
    """Each step leaves the file that it would leave."""

    vm_state = vm_states.BUILDING
    block_device_info = None

    def setUp(self):
        super().setUp()
        self.steps = []
        self.failing = {}
        self.connectors = mock.create_autospec(connectors.Connectors,
                                               instance=True)
        self.connectors.connect.side_effect = self.connect
        self.consoles = mock.create_autospec(consoles.Consoles, instance=True)
        self.consoles.port_for_new_server.return_value.__enter__ = (
            lambda manager: 5900)
        self.ports = mock.create_autospec(ports.Ports, instance=True)
        self.ports.states.return_value = {}
        self.network_info = [model.VIF(id='up'), model.VIF(id='down')]
        self.disks = self.part(disks.Disks, 'prepare', 'check', 'make')
        self.drives = self.part(drives.Drives, 'prepare',
                                'place')
        self.definitions = self.part(definition.Definitions, 'draft',
                                     'check_new', 'write')
        self.guest_info = self.part(guest_info.GuestInfo, 'check', 'collect',
                                    'write')
        self.definitions.draft.return_value = None
        self.definitions.place.side_effect = (
            lambda draft, planned: disks_module.in_order(planned))
        self.disks.prepare.return_value = image_cache.Base('disk', 'delta')
        self.disks.plan.return_value = [disks_module.root(1 << 30, 'ide')]
        self.drives.prepare.return_value = drives.Prepared(('/iso',), None)
        operations = self.make_power(consoles=self.consoles)
        self.spawner = spawn.Spawner(
            self.layout, self.records, self.definitions, self.disks,
            self.drives, self.consoles, self.guest_info, operations,
            destroy.Destroyer(self.servers, operations, self.connectors),
            disk_places.DiskPlaces(self.host(), self.servers),
            volume_disks.VolumeDisks(self.layout, self.connectors),
            self.ports)
        self.useFixture(fixtures.MockPatch(
            'nova.virt.configdrive.required_by', return_value=True))
        self.useFixture(fixtures.MockPatchObject(
            config_drive, 'make', side_effect=self.step('config_drive.make')))
        self.describe = self.useFixture(fixtures.MockPatchObject(
            config_drive, 'describe')).mock
        self.vmrun.tool.start.side_effect = self.step('power.on')
        self.tags = self.useFixture(fixtures.MockPatchObject(
            device_tags, 'find',
            side_effect=self.step('device_tags.find'))).mock

    def part(self, kind, *names):
        """Returns a collaborator whose methods are steps."""
        made = mock.create_autospec(kind, instance=True)
        for name in names:
            getattr(made, name).side_effect = self.step(
                '%s.%s' % (kind.__module__.rpartition('.')[2], name))
        return made

    def step(self, name):
        def run(*args, **options):
            self.steps.append(name)
            if name in self.failing:
                raise self.failing[name]
            if name == 'definition.draft':
                return types.SimpleNamespace(
                    installs_agent=False,
                    hardware=types.SimpleNamespace(
                        show_gui=None, disk_type=None, disk_bus='ide',
                        volume_bus='lsilogic', cdrom_bus='sata',
                        storage_tag=None, storage_policy=None,
                        ephemeral_storage_tag=None, swap_storage_tag=None))
            if os.path.isdir(self.layout.folder(UUID)):
                files.write_atomically(
                    self.layout.file(UUID, name + '.vmdk'), '')
            if name == 'definition.write':
                files.write_atomically(self.layout.vmx(UUID), hosts.VMX)
            return mock.DEFAULT
        return run

    def connect(self, uuid, volume, adapter):
        self.step('connect.' + volume.id)()
        os.makedirs(self.layout.volume(uuid, volume.id))
        return connectors.Shown('/volumes/%s.vmdk' % volume.id, 1 << 30)

    def run_spawn(self, power_on=True):
        self.do(self.spawner.spawn, power_on)

    def run_check(self):
        self.do(self.spawner.check)

    def do(self, operation, *options):
        instance = types.SimpleNamespace(
            uuid=UUID, name='instance-1', vm_state=self.vm_state,
            task_state=task_states.SPAWNING,
            image_ref=glances.IMAGE,
            flavor=types.SimpleNamespace(root_gb=1),
            system_metadata={'image_base_image_ref': glances.IMAGE})
        image_meta = types.SimpleNamespace(
            id=glances.IMAGE, disk_format='vmdk', container_format='bare')
        operation('context', instance, image_meta, [], None,
                  self.network_info, self.block_device_info, *options)

    def left(self):
        return set(os.listdir(self.layout.root)) - {'_base', 'locks'}


class SpawnTestCase(Base):

    def test_steps(self):
        self.run_spawn()
        self.assertEqual(
            ['guest_info.check', 'definition.draft', 'drives.prepare',
             'disks.prepare', 'definition.check_new',
             'disks.make', 'drives.place', 'device_tags.find',
             'config_drive.make', 'guest_info.write', 'definition.write',
             'power.on'], self.steps)

    def test_cached_disks_are_kept_until_the_disks_are_made(self):
        run = self.disks.make.side_effect
        under_way = builds.Builds(self.layout)

        def make(*args, **options):
            self.assertIsNotNone(under_way.oldest_start())
            private = self.disks.prepare.call_args[0][3].private
            self.assertEqual(['lock'], os.listdir(private))
            return run(*args, **options)

        self.disks.make.side_effect = make
        self.run_spawn()
        self.assertIn('disks.make', self.steps)
        self.assertIsNone(under_way.oldest_start())

    def test_a_disk_that_names_its_controller_is_decided_on_once_more(self):
        self.disks.prepare.return_value = image_cache.Base('disk', 'delta',
                                                           'buslogic')
        self.run_spawn()
        self.assertEqual('buslogic', self.definitions.draft.call_args[0][2])
        self.assertEqual('buslogic', self.records.get(UUID).image_adapter)

    def test_an_unshelved_disk_keeps_the_controller_of_its_image(self):
        self.vm_state = vm_states.SHELVED_OFFLOADED
        glance = self.useFixture(glances.Glance())
        glance.images[glances.IMAGE] = {
            'properties': {'vmware_adaptertype': 'ide', 'none': None}}
        self.run_spawn()
        self.assertEqual(
            [{'base_image_ref': glances.IMAGE},
             {'vmware_adaptertype': 'ide'},
             {'base_image_ref': glances.IMAGE}],
            [call[0][1] for call in self.definitions.draft.call_args_list])
        self.assertEqual('ide', self.definitions.draft.call_args[0][2])
        self.assertEqual('ide', self.records.get(UUID).image_adapter)

    def test_the_record_comes_first_and_lists_every_disk(self):
        """A crash must not leave a folder that nobody knows the owner of."""
        run = self.disks.make.side_effect

        def make(*args, **options):
            self.assertEqual(['nova.json'],
                             os.listdir(self.layout.folder(UUID)))
            self.assertEqual(['root', 'cd0', 'config-drive'], [
                disk.name for disk in self.disk_lists.get(UUID)])
            return run(*args, **options)

        self.disks.make.side_effect = make
        self.run_spawn()
        self.assertEqual(5900, self.records.get(UUID).vnc_port)

    def test_the_record_names_the_image(self):
        self.run_spawn()
        record = self.records.get(UUID)
        self.assertEqual((glances.IMAGE, {'base_image_ref': glances.IMAGE}),
                         (record.image_ref, record.image_properties))

    def test_the_link_of_a_disabled_port_is_down(self):
        states = {'down': ports.State(is_enabled=False)}
        self.ports.states.return_value = states
        self.run_spawn()
        written, = self.definitions.write.call_args_list
        self.assertEqual(networks.with_states(self.network_info, states),
                         written.args[1])

    def test_neutron_is_not_asked_about_a_server_without_ports(self):
        self.network_info = []
        self.run_spawn()
        self.assertFalse(self.ports.states.called)

    def test_a_server_may_stay_off(self):
        self.run_spawn(power_on=False)
        self.assertNotIn('power.on', self.steps)
        self.assertEqual({UUID}, self.left())

    def test_a_removal_that_fails_does_not_hide_the_cause(self):
        self.failing['definition.write'] = exception.InvalidInput('the cause')
        self.useFixture(fixtures.MockPatchObject(
            files, 'remove_tree', side_effect=PermissionError(13, 'busy')))
        error = self.assertRaises(exception.InvalidInput, self.run_spawn)
        self.assertEqual('the cause', str(error))
        self.assertIn('busy', self.log.output)


class VolumesTestCase(Base):

    BOOT = '6ca404f3-d844-4169-bb96-bc792f37de98'
    DATA = '11111111-d844-4169-bb96-bc792f37de98'

    def setUp(self):
        super().setUp()
        self.block_device_info = {'block_device_mapping': [
            self.mapping(self.DATA, -1), self.mapping(self.BOOT, 0)]}

    def mapping(self, volume_id, boot_index):
        return {'boot_index': boot_index, 'connection_info': {
            'driver_volume_type': 'local', 'serial': volume_id, 'data': {}}}

    def listed(self):
        return [(disk.origin.value, disk.path, disk.bus, disk.node)
                for disk in self.disk_lists.get(UUID)]

    def test_a_boot_volume_takes_the_place_of_the_root_disk(self):
        self.run_spawn()
        self.assertEqual(
            ['guest_info.check', 'definition.draft', 'drives.prepare',
             'definition.check_new',
             'connect.' + self.DATA, 'connect.' + self.BOOT,
             'disks.make', 'drives.place', 'device_tags.find',
             'config_drive.make', 'guest_info.write', 'definition.write',
             'power.on'], self.steps)
        self.assertEqual([
            ('boot volume', '/volumes/%s.vmdk' % self.BOOT, 'ide', None),
            ('volume', '/volumes/%s.vmdk' % self.DATA, 'lsilogic',
             'scsi3:0')], self.listed()[:2])
        self.assertEqual([], self.disks.make.call_args[0][2])

    def test_volumes_beside_a_root_disk(self):
        del self.block_device_info['block_device_mapping'][1]
        self.run_spawn()
        self.assertEqual(['root', 'volume'],
                         [disk[0] for disk in self.listed()[:2]])

    def test_a_volume_that_cannot_be_used_costs_nothing(self):
        self.connectors.check.side_effect = exception.InvalidInput('no')
        self.assertRaises(exception.InvalidInput, self.run_spawn)
        self.assertEqual(['guest_info.check'], self.steps)
        self.assertEqual(set(), self.left())

    def test_a_failure_disconnects_them(self):
        self.connectors.disconnect.side_effect = (
            lambda uuid, volume_id: os.rmdir(
                self.layout.volume(uuid, volume_id)))
        self.failing = {'definition.write': exception.VmrunError('no')}
        self.assertRaises(exception.VmrunError, self.run_spawn)
        self.assertEqual(
            [mock.call(UUID, self.DATA), mock.call(UUID, self.BOOT)],
            self.connectors.disconnect.call_args_list)
        self.assertEqual([], self.layout.connected_volumes(UUID))
        self.assertFalse(os.path.exists(self.layout.folder(UUID)))

    def test_a_rebuild_is_checked_without_connecting(self):
        self.run_check()
        self.connectors.connect.assert_not_called()
        self.assertNotIn('disks.prepare', self.steps)


class CheckTestCase(Base):

    def test_all_that_a_build_needs_is_tried_and_nothing_is_left(self):
        self.run_check()
        self.assertEqual(
            ['guest_info.check', 'definition.draft', 'drives.prepare',
             'disks.prepare', 'disks.check', 'definition.check_new',
             'config_drive.make', 'guest_info.collect'], self.steps)
        self.assertEqual(set(), self.left())
        self.assertEqual([], self.vmrun.verbs())

    def test_every_failed_check_is_reported(self):
        for step in ('guest_info.check', 'definition.draft',
                     'drives.prepare', 'disks.prepare', 'disks.check',
                     'definition.check_new', 'config_drive.make',
                     'guest_info.collect'):
            error = exception.VmrunError(step)
            self.failing = {step: error}
            self.assertIs(error, self.assertRaises(exception.VmrunError,
                                                   self.run_check))


class RefusedBeforeTestCase(testscenarios.TestWithScenarios, Base):
    """What a user got wrong costs nothing."""

    scenarios = [(step, {'failing_step': step, 'steps_run': number})
                 for number, step in enumerate((
                     'guest_info.check', 'definition.draft',
                     'drives.prepare', 'disks.prepare',
                     'definition.check_new'), 1)]

    def test_nothing_is_made(self):
        error = self.failing[self.failing_step] = exception.InvalidInput('no')
        self.useFixture(fixtures.MockPatchObject(
            self.records, 'create', side_effect=AssertionError))
        self.assertIs(error, self.assertRaises(exception.InvalidInput,
                                               self.run_spawn))
        self.assertEqual(self.steps_run, len(self.steps))
        self.assertEqual(set(), self.left())


class FailedLaterTestCase(testscenarios.TestWithScenarios, Base):

    scenarios = [
        ('%s %s' % (step, error), {'failing_step': step, 'error': error})
        for step in ('disks.make', 'drives.place', 'device_tags.find',
                     'config_drive.make', 'guest_info.write',
                     'definition.write', 'power.on')
        for error in (exception.VmrunError('no'), OSError(28, 'disk full'))
        if (step, type(error)) != ('power.on', OSError)]

    def test_nothing_is_left(self):
        self.failing[self.failing_step] = self.error
        self.assertIs(self.error, self.assertRaises(type(self.error),
                                                    self.run_spawn))
        self.assertEqual(set(), self.left())
        self.assertEqual(set(), self.vmrun.running)
