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

from tests.unit.machine.choices import base


class HardwareVersionTestCase(base.ChoiceTestCase):

    def test_values(self):
        for value, expected in (('vmx-14', 14), ('vmx-20', 20), ('10', 10),
                                (' VMX-09 ', None), ('vmx-21', None),
                                ('vmx-9', None), ('newest', None),
                                ('vmx-1x', None), ('', 20)):
            specs = {'vmware:hw_version': value}
            if expected is None:
                text = self.refused('vmware:hw_version', (), specs)
                self.assertIn('vmx-10 to vmx-20', text)
                found = self.choose((), specs, chosen_now=frozenset(['image']))
                self.assertEqual((20, 'product'), (
                    found.hw_version, found.origins['hw_version']))
            else:
                self.assertEqual(
                    expected, self.choose((), specs).hw_version)
        self.check('hw_version', 14, 'flavor vmware:hw_version=vmx-14',
                   (), {'vmware:hw_version': 'vmx-14'})
        self.assertEqual('sata', self.choose(
            (), {'vmware:hw_version': 'vmx-12'}, guest='windows9-64'
        ).disk_bus)
