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

"""Guests configured through the .vmx, without a config drive."""

import base64
import hashlib

from tests.e2e.cloud import base
from tests.e2e.guest import console

_NO_CONFIG_DRIVE = """\
[DEFAULT]
force_config_drive = False
[vmrun]
%s = True
"""


class GuestInfoTest(base.CloudCase):

    def boot_with(self, option, **details):
        with self.plane.options('nova', _NO_CONFIG_DRIVE % option):
            server, facts = self.boot(
                networks=[{'uuid': self.plane.private.id},
                          {'uuid': self.plane.nat.id}], **details)
        self.assertEqual([], facts['cds'])
        return server, facts

    def test_guestinfo(self):
        user_data = 'write note "kept" | kept\n'
        server, facts = self.boot_with(
            'use_guestinfo', name='told-by-vmx',
            user_data=base64.b64encode(user_data.encode()).decode())
        self.assertAddresses(server, facts)
        self.assertEqual(('told-by-vmx.novalocal', server.id),
                         (facts['hostname'], facts['instance_id']))
        self.assertEqual(hashlib.sha256(user_data.encode()).hexdigest(),
                         facts['user_data_sha256'])
        self.assertEqual({'note': '"kept" | kept'},
                         console.files(facts))

    def test_machine_id(self):
        server, facts = self.boot_with('use_machine_id')
        self.assertAddresses(server, facts)
        self.assertNotIn('guestinfo.metadata', facts['guestinfo'])
