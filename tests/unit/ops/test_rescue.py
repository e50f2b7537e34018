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

import types
from unittest import mock

import testscenarios

from nova_vmrun import exception
from nova_vmrun.ops.power import power
from nova_vmrun.ops import rescue
from nova_vmrun.server import disks
from nova_vmrun.server import rescued
from tests.unit import base
from tests.unit.ops import glances
from tests.unit.ops import hosts

UUID = '11111111-2222-3333-4444-555555555555'


def image(disk_format='qcow2', **properties):
    return types.SimpleNamespace(
        id='image', disk_format=disk_format, container_format='bare',
        properties=mock.Mock(get=properties.get))


class ChoiceTestCase(testscenarios.TestWithScenarios, base.TestCase):

    scenarios = [
        (name, {'image': image(disk_format, **properties),
                'disk_bus': disk_bus, 'expected': expected})
        for name, disk_format, properties, disk_bus, expected in (
            ('disk', 'qcow2', {}, 'sata', ('disk', 'sata')),
            ('iso', 'iso', {}, 'sata', ('cdrom', 'ide')),
            ('bus', 'raw', {'hw_rescue_bus': 'ide'}, 'sata',
             ('disk', 'ide')),
            ('the SCSI that the guest has', 'raw', {'hw_rescue_bus': 'scsi'},
             'pvscsi', ('disk', 'pvscsi')),
            ('some SCSI', 'raw', {'hw_rescue_bus': 'scsi'}, 'sata',
             ('disk', 'lsilogic')),
            ('floppy', 'raw', {'hw_rescue_device': 'floppy',
                               'hw_rescue_bus': 'fdc'}, 'sata',
             ('floppy', None)),
            ('iso as disk', 'iso', {'hw_rescue_device': 'disk'}, 'sata',
             ('disk', 'sata')),
        )]

    def test_device_and_bus(self):
        hardware = types.SimpleNamespace(disk_bus=self.disk_bus,
                                         cdrom_bus='ide')
        chosen = rescue._choose(self.image, hardware)
        self.assertEqual(self.expected, (chosen.device.value, chosen.bus))
        self.assertIs(disks.Origin.RESCUE, chosen.origin)


class ImageTestCase(base.TestCase):

    def disk_type(self, **properties):
        return rescue._image('context', image(**properties)).disk_type

    def test_disk_type(self):
        self.assertIsNone(self.disk_type())
        self.assertEqual('thin', self.disk_type(hw_disk_type='Thin'))
        self.assertRaises(exception.InvalidProperty, self.disk_type,
                          hw_disk_type='no')

    def test_disk_of_an_ova(self):
        """Nova has dropped the property, so Glance is asked."""
        glance = self.useFixture(glances.Glance())
        glance.images['image'] = {'disk_format': 'vmdk', 'properties': {
            'vmrun_ova_disk': 'd2'}}
        told = image('vmdk')
        self.assertIsNone(rescue._image('context', told).ova_disk)
        told.container_format = 'ova'
        self.assertEqual('d2', rescue._image('context', told).ova_disk)


class RefusedChoiceTestCase(testscenarios.TestWithScenarios, base.TestCase):

    scenarios = [
        (name, {'image': image(**{name: value}), 'name': name})
        for name, value in (('hw_rescue_bus', 'virtio'),
                            ('hw_rescue_device', 'tape'))]

    def test_the_property_is_named(self):
        hardware = types.SimpleNamespace(disk_bus='sata', cdrom_bus='ide')
        error = self.assertRaises(exception.InvalidProperty, rescue._choose,
                                  self.image, hardware)
        self.assertEqual(self.name, error.name)


class ForgottenTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.power = mock.create_autospec(power.Power, instance=True)
        self.rescue = rescue.Rescue(self.layout, self.disk_lists, None, None,
                                    None, None, self.power, None)
        self.files = rescued.RescueFiles(self.layout, self.disk_lists)
        self.add_server()
        self.files.begin(UUID)

    def end(self, vm_state, task_state=None):
        self.rescue.end_forgotten(types.SimpleNamespace(
            uuid=UUID, name='instance-1', vm_state=vm_state,
            task_state=task_state))
        return not self.files.exist(UUID)

    def test_it_ends_with_the_server_off(self):
        self.power.off.side_effect = (
            lambda uuid: self.assertTrue(self.files.exist(uuid)))
        self.assertTrue(self.end('active', 'reboot_started_hard'))
        self.power.off.assert_called_once_with(UUID)

    def test_in_each_state_in_which_nova_starts_servers(self):
        for vm_state in ('error', 'stopped'):
            self.files.begin(UUID)
            self.assertTrue(self.end(vm_state))

    def test_one_that_nova_knows_goes_on(self):
        for states in (('rescued',), ('rescued', 'reboot_started_hard'),
                       ('active', 'rescuing'), ('error', 'unrescuing')):
            self.assertFalse(self.end(*states), states)
        self.assertFalse(self.power.off.called)

    def test_without_one_nothing_is_stopped(self):
        self.files.end(UUID)
        self.end('active')
        self.assertFalse(self.power.off.called)

    def test_while_the_server_may_run_it_goes_on(self):
        self.power.off.side_effect = hosts.hung()
        self.assertRaises(exception.ToolTimeout, self.end, 'error')
        self.assertTrue(self.files.exist(UUID))
