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

from nova_vmrun.catalog import properties
from nova_vmrun import exception
from tests.unit.machine import base

ONE = '12345678-90ab-cdef-1234-567890abcdef'
TWO = 'ffffffff-90ab-cdef-1234-567890abcdef'


class NamesTestCase(base.TestCase):

    def test_the_drivers_names_come_first(self):
        self.assertEqual(('vmrun_boot_order', 'vix_boot_order'),
                         properties.names('boot_order'))
        self.assertEqual(
            ('vmrun_tools_iso', 'vmrun_tools', 'vix_tools_iso', 'vix_tools'),
            properties.names('tools_iso'))

    def test_a_misspelt_name_is_refused(self):
        for name in ('vmrun_guest_os', 'vix_iso_image'):
            error = self.assertRaises(
                exception.InvalidProperty, properties.refuse_unknown,
                {name: 'x'})
            self.assertEqual(name, error.name)
            self.assertIn('vmrun_guestos', str(error))

    def test_known_names_and_names_of_others_are_accepted(self):
        properties.refuse_unknown(dict.fromkeys(
            ['vmrun_guestos', 'vix_tools', 'cow', 'vmware_ostype',
             'hw_disk_bus', 'owner_specified.x'], 'x'))

    def test_first(self):
        values = {'b': '1', 'c': '2', 'a': ''}
        self.assertEqual(('b', '1'), properties.first(values, 'abc'))
        self.assertEqual((None, None), properties.first(values, 'xy'))


class ImagesTestCase(base.TestCase):

    def test_disk_type(self):
        for name in ('hw_disk_type', 'vmware_disktype'):
            self.assertEqual('streamOptimized', properties.disk_type(
                {name: 'StreamOptimized'}))
        self.assertIsNone(properties.disk_type({'hw_disk_bus': 'sata'}))
        self.assertRaises(exception.InvalidProperty, properties.disk_type,
                          {'vmware_disktype': 'qcow2'})

    def test_ova_disk(self):
        self.assertEqual('vmdisk2', properties.ova_disk(
            {'vmrun_ova_disk': 'vmdisk2'}))
        self.assertIsNone(properties.ova_disk({}))


class ValuesTestCase(base.TestCase):

    def _refused(self, function, *arguments):
        error = self.assertRaises(exception.InvalidProperty, function,
                                  'name', *arguments)
        self.assertEqual('name', error.name)
        return str(error)

    def test_one_of(self):
        for value in ('lsiLogicsas', 'lsilogicsas', ' LSISAS1068 '):
            self.assertEqual('lsisas1068', properties.one_of(
                'name', value, properties.SCSI_MODELS))
        text = self._refused(properties.one_of, 'virtio',
                             properties.NIC_MODELS)
        self.assertIn('vmxnet3', text)

    def test_boolean(self):
        for value in ('True', 'yes', '1', 'on'):
            self.assertIs(True, properties.boolean('name', value))
        for value in ('False', 'no', '0', 'off'):
            self.assertIs(False, properties.boolean('name', value))
        self._refused(properties.boolean, 'maybe')

    def test_integer(self):
        self.assertEqual(4, properties.integer('name', ' 4 ', 1, 4))
        for value in ('5', '0', '-1', 'x', '', '1.5', '9' * 10, '٤'):
            self._refused(properties.integer, value, 1, 4)

    def test_image_ids(self):
        self.assertEqual((ONE, TWO), properties.image_ids(
            'name', '%s, %s' % (ONE.upper(), TWO)))
        for value in ('', ',', ONE + ',', 'x', ONE + ' ' + TWO,
                      '../' + ONE, ONE[:-1]):
            self._refused(properties.image_ids, value)

    def test_words(self):
        self.assertEqual(('cdrom', 'hdd'), properties.words(
            'name', 'CDROM, hdd', properties.BOOT_DEVICES))
        self.assertIn('twice', self._refused(
            properties.words, 'hdd,hdd', properties.BOOT_DEVICES))
        for value in ('', 'hdd,', 'hdd;cdrom', 'usb'):
            self._refused(properties.words, value, properties.BOOT_DEVICES)
