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

"""The data for a guest at its boot, read by another program."""

import base64
import io
import os

from nova.tests.unit import fake_crypto
from oslo_serialization import jsonutils
import pycdlib

from tests.functional.api import base

KEY = fake_crypto.get_ssh_public_key().strip()


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.admin_api.post_keypair({'keypair': {
            'name': 'mine', 'public_key': KEY,
            'type': 'ssh'}})

    def read_drive(self, server, path):
        """Return a file of a server's config drive."""
        drive = pycdlib.PyCdlib()
        drive.open(self.path(server, 'config-drive.iso'))
        try:
            content = io.BytesIO()
            drive.get_file_from_iso_fp(content, joliet_path=path)
            return content.getvalue()
        finally:
            drive.close()

    def load(self, server, name):
        return jsonutils.loads(
            self.read_drive(server, '/openstack/latest/' + name))


class ConfigDriveTestCase(TestCase):

    def test_all_that_the_user_asked_for_arrives(self):
        user_data = b'#!/bin/sh\n\xff\x00 binary too\n'
        server = self.boot(
            networks=[{'port': self.neutron.port_1['id']}],
            name='Web Server', key_name='mine', metadata={'role': 'front'},
            user_data=base64.b64encode(user_data).decode(),
            adminPass='s3cret')
        told = self.load(server, 'meta_data.json')
        self.assertEqual(
            (server['id'], 'web-server.novalocal', {'role': 'front'}, 's3cret',
             {'mine': KEY}),
            tuple(told[name] for name in (
                'uuid', 'hostname', 'meta', 'admin_pass', 'public_keys')))
        self.assertEqual(
            user_data, self.read_drive(server, '/openstack/latest/user_data'))

    def test_addresses_are_fixed_though_the_subnet_has_dhcp(self):
        self.assertTrue(self.neutron.subnet_1['enable_dhcp'])
        server = self.boot(networks=[{'port': self.neutron.port_1['id']}])
        told = self.load(server, 'network_data.json')
        self.assertEqual(
            [('ipv4', '192.168.1.3', '255.255.255.0',
              [('0.0.0.0', '192.168.1.1')])],
            [(each['type'], each['ip_address'], each['netmask'],
              [(route['network'], route['gateway'])
               for route in each['routes']]) for each in told['networks']])
        self.assertEqual(self.neutron.port_1['mac_address'],
                         told['links'][0]['ethernet_mac_address'])

    def test_injected_files(self):
        """The API took them until microversion 2.56."""
        self.api.microversion = self.admin_api.microversion = '2.56'
        server = self.boot(personality=[{
            'path': '/etc/motd',
            'contents': base64.b64encode(b'welcome').decode()}])
        entry, = self.load(server, 'meta_data.json')['files']
        self.assertEqual('/etc/motd', entry['path'])
        self.assertEqual(b'welcome', self.read_drive(
            server, '/openstack' + entry['content_path']))

    def test_vendor_data(self):
        path = os.path.join(self.folder, 'vendor.json')
        with open(path, 'w') as file:
            jsonutils.dump({'mirror': 'http://mirror'}, file)
        self.flags(vendordata_jsonfile_path=path, group='api')
        server = self.boot()
        self.assertEqual({'mirror': 'http://mirror'},
                         self.load(server, 'vendor_data.json'))

    def test_nova_shows_that_there_is_one(self):
        server = self.boot()
        self.assertTrue(os.path.exists(self.path(server, 'config-drive.iso')))
        self.assertEqual(
            'True', self.admin_api.get_server(server['id'])['config_drive'])

    def test_an_operator_may_do_without(self):
        self.flags(force_config_drive=False)
        server = self.boot()
        self.assertFalse(os.path.exists(self.path(server,
                                                  'config-drive.iso')))
        self.assertNotIn('cdrom-image', self.vmx(server).values())


class DeviceTagsTestCase(TestCase):

    def test_tags_of_adapters_and_disks(self):
        image_id = self.add_image()
        server = self.boot(
            image_id, self.add_flavor(ephemeral=1, swap=64),
            networks=[{'port': self.neutron.port_1['id'], 'tag': 'lan'}],
            block_device_mapping_v2=[
                {'boot_index': 0, 'uuid': image_id, 'source_type': 'image',
                 'destination_type': 'local', 'tag': 'system'},
                {'boot_index': -1, 'source_type': 'blank',
                 'destination_type': 'local', 'volume_size': 1,
                 'tag': 'scratch'}])
        devices = {each['tags'][0]: each
                   for each in self.load(server, 'meta_data.json')['devices']}
        self.assertEqual(
            ('nic', self.neutron.port_1['mac_address']),
            (devices['lan']['type'], devices['lan']['mac']))
        vmx = self.vmx(server)
        for tag, name in (('system', 'root'), ('scratch', 'ephemeral0')):
            told = devices[tag]
            self.assertEqual(('disk', 'scsi'), (told['type'], told['bus']))
            controller, _channel, unit, _lun = told['address'].split(':')
            self.assertEqual(name + '.vmdk', vmx[
                'scsi%s:%s.fileName' % (controller, unit)])
