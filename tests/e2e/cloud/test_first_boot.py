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

"""The guest of a new server sees what the user has asked for."""

import base64
import hashlib

import testtools

from tests.e2e.cloud import base
from tests.e2e.guest import console

GIB = 1024 ** 3
MIB = 1024 ** 2
_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e' \
    '2e2e2e2e2e2e me@laptop'


class ToldTest(base.CloudCase):

    def setUp(self):
        super().setUp()
        compute = self.cloud.compute
        self.key = compute.create_keypair(
            name='laptop', public_key=_KEY)
        self.addCleanup(compute.delete_keypair, self.key)

    @testtools.testcase.attr('sample')
    def test_guest_sees_what_nova_promised(self):
        user_data = 'write note "kept" | kept\n'
        server, facts = self.boot(
            flavor=self.plane.flavor(ram=256, vcpus=2, disk=2, ephemeral=1,
                                     swap=64),
            networks=[{'uuid': self.plane.private.id},
                      {'uuid': self.plane.nat.id}],
            name='first-boot', key_name=self.key.name,
            metadata={'role': 'web "1"'},
            user_data=base64.b64encode(user_data.encode()).decode())

        self._check_hardware(server, facts)
        self._check_config_drive(server, facts, user_data)
        self._check_network(server, facts)

    def _check_hardware(self, server, facts):
        self.assertEqual((2, 'bios'), (facts['cpus'], facts['firmware']))
        self.assertTrue(200 * 1024 < facts['memory_kb'] < 256 * 1024, facts)
        self.assertEqual([2 * GIB, GIB, 64 * MIB],
                         [disk['bytes'] for disk in facts['disks']])
        self.assertEqual([('vmw_pvscsi', True)] + 2 * [('vmw_pvscsi', None)],
                         [(disk['driver'], disk.get('root'))
                          for disk in facts['disks']])
        self.assertEqual(('VMware7,1', server.id), (
            facts['dmi']['product_name'], facts['dmi']['product_uuid']))

    def _check_config_drive(self, server, facts, user_data):
        self.assertEqual(['config-2'], [cd['label'] for cd in facts['cds']])
        self.assertEqual(('first-boot.novalocal', server.id),
                         (facts['hostname'], facts['instance_id']))
        told = facts['meta_data']
        self.assertEqual(
            ('first-boot', {'laptop': _KEY}, {'role': 'web "1"'}),
            (told['name'], told['public_keys'], told['meta']))
        self.assertEqual(hashlib.sha256(user_data.encode()).hexdigest(),
                         facts['user_data_sha256'])
        self.assertEqual({'note': '"kept" | kept'},
                         console.files(facts))

    def _check_network(self, server, facts):
        private, nat = server.ports()
        self.assertEqual(
            (self.plane.private.id, self.plane.nat.id),
            (private.network_id, nat.network_id))
        self.assertEqual(
            [(port.mac_address, 'vmxnet3') for port in (private, nat)],
            [(nic['mac'], nic['driver']) for nic in facts['nics']])
        self.assertAddresses(server, facts)
