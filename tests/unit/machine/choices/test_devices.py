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

from nova_vmrun.catalog import table
from tests.unit.machine.choices import base


class DevicesTestCase(base.ChoiceTestCase):

    def test_serial_ports(self):
        self.check('serial_ports', 1, 'default')
        self.check('serial_ports', 2, 'flavor hw:serial_port_count=2', (),
                   {'hw:serial_port_count': '2'})
        self.check('serial_ports', 1,
                   'image property hw_serial_port_count=1',
                   {'hw_serial_port_count': '1'},
                   {'hw:serial_port_count': '2'})
        self.refused('hw_serial_port_count', {'hw_serial_port_count': '3'},
                     {'hw:serial_port_count': '2'})
        self.refused('hw_serial_port_count', {'hw_serial_port_count': '5'})

    def test_a_guest_agent(self):
        self.check('guest_agent', False, 'default')
        self.check('guest_agent', True,
                   'image property hw_qemu_guest_agent=yes',
                   {'hw_qemu_guest_agent': 'yes'})
        self.assertIs(False, self.choose(
            {'hw_qemu_guest_agent': 'no'}).guest_agent)

    def test_a_value_from_before_it_meant_anything(self):
        wrong = {'hw_qemu_guest_agent': 'perhaps'}
        self.refused('hw_qemu_guest_agent', wrong)
        self.assertIs(False, self.choose(
            wrong, chosen_now=frozenset()).guest_agent)

    def test_the_agent_needs_one_of_the_ports(self):
        agent = {'hw_qemu_guest_agent': 'yes'}
        self.check('serial_ports', 3, 'flavor hw:serial_port_count=3', agent,
                   {'hw:serial_port_count': '3'})
        text = self.refused('hw_serial_port_count',
                            dict(agent, hw_serial_port_count='4'))
        self.assertIn('needs one of the 4', text)
        for chosen_now in ({table.IMAGE}, {table.FLAVOR}):
            self.refused('hw:serial_port_count', agent,
                         {'hw:serial_port_count': '4'},
                         chosen_now=frozenset(chosen_now))
        # A server that was built with 4 loses the last one.
        self.check('serial_ports', 3, 'image property hw_serial_port_count=4',
                   dict(agent, hw_serial_port_count='4'),
                   chosen_now=frozenset())

    def test_show_gui(self):
        self.assertIsNone(self.choose().show_gui)
        for name in ('vmrun_show_gui', 'vix_show_gui', 'show_gui'):
            self.assertIs(True, self.choose({name: 'true'}).show_gui)
            self.refused(name, {name: 'maybe'})
