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

    def test_show_gui(self):
        self.assertIsNone(self.choose().show_gui)
        for name in ('vmrun_show_gui', 'vix_show_gui', 'show_gui'):
            self.assertIs(True, self.choose({name: 'true'}).show_gui)
            self.refused(name, {name: 'maybe'})
