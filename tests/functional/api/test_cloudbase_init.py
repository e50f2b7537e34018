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


import base64

from tests.functional.api import guest_data
from tests.functional import cloudbase_init

SCRIPT = '#ps1_sysnative\nWrite-Host "é | 中"\n'
PASSWORD = 'a"b\'c|22 <é> 中'


class CloudbaseInitTestCase(guest_data.TestCase):

    def test_config_drive(self):
        server = self.boot(
            self.add_image(properties={'os_type': 'windows',
                                       'os_version': '2022'}),
            networks=self.add_second_port(), name='A-rather-long-name',
            key_name='mine', adminPass=PASSWORD,
            user_data=base64.b64encode(SCRIPT.encode()).decode())
        found = cloudbase_init.read(self.unpack_config_drive(server))
        self.assertEqual((server['id'], guest_data.KEY + '\n'),
                         (found['id'], found['keys']))
        self.assertEqual(SCRIPT.encode(),
                         base64.b64decode(found['userdata']))
        calls = found['calls']
        # NetBIOS has names of 15 characters.
        self.assertIn(['set_host_name', 'a-rather-long-n'], calls)
        self.assertIn(['set_user_password', 'Admin', PASSWORD], calls)
        self.assertIn(['execute_powershell_script', SCRIPT], calls)
        self.check_network(calls)

    def check_network(self, calls):
        old_names = {new: old for verb, old, new in (
            call for call in calls if call[0] == 'rename_network_adapter')}
        first, second = ('Ethernet of ' + mac for mac in self.macs)
        self.assertEqual({first, second}, set(old_names.values()))
        dns = '10.9.0.53'
        self.assertCountEqual([
            (first, '192.168.1.3', '24', '192.168.1.1', [dns]),
            (first, '10.8.0.5', '24', None, [dns]),
            (first, 'fd37:44e8:ad06::5', '64', 'fd37:44e8:ad06::1', []),
            (second, '10.9.0.5', '24', None, [dns]),
        ], [(old_names[call[1]], *call[2:]) for call in calls
            if call[0] == 'set_static_network_config'])
