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

"""Tags of devices that a stopped server gets or loses."""

import base64
import os

from nova.tests.functional.api import client
from oslo_serialization import jsonutils

from nova_vmrun.machine import guest_info
from nova_vmrun.ops import config_drive
from tests.functional.api import test_networks
from tests.functional.api import volumes

USER_DATA = b'#!/bin/sh\n\xff\x00 binary too\n'
LATEST = 'openstack/latest/meta_data.json'


class TestCase(test_networks.TestCase):
    """A stopped server with a config drive."""

    CONFIG_DRIVE = True

    def setUp(self):
        super().setUp()
        self.first = self.add_port('physnet-nat')
        self.server = self.boot(
            networks=[{'port': self.first, 'tag': 'front'}],
            config_drive=self.CONFIG_DRIVE, adminPass='s3cret',
            user_data=base64.b64encode(USER_DATA).decode())
        self._stop_server(self.server)

    def drive(self):
        return config_drive.read(
            self.path(self.server, 'config-drive.iso'), self.server['id'])

    def tags(self, path=LATEST):
        """Return the MAC address that the config drive has for each tag."""
        devices = jsonutils.loads(self.drive()[path])['devices']
        return {each['tags'][0]: each['mac'] for each in devices}

    def attach(self, port, tag):
        self.api.attach_interface(self.server['id'], {
            'interfaceAttachment': {'port_id': port, 'tag': tag}})


class ConfigDriveTestCase(TestCase):

    def test_an_adapter_with_a_tag_comes_and_goes(self):
        before = self.drive()
        port = self.add_port('physnet-private')
        self.attach(port, 'private')
        self.assertEqual({'front': self.mac(self.first),
                          'private': self.mac(port)}, self.tags())
        self.assertEqual(self.mac(port), self.adapters(self.server)[1][0])
        # Of the other files, none has changed.
        after = self.drive()
        self.assertEqual(list(before), list(after))
        changed = {path for path in before if before[path] != after[path]}
        self.assertIn(LATEST, changed)
        self.assertEqual({'meta_data.json'},
                         {path.rpartition('/')[2] for path in changed})
        for path in changed:
            self.assertIn('private', self.tags(path))
            old, new = (jsonutils.loads(drive[path])
                        for drive in (before, after))
            self.assertEqual('s3cret', new['admin_pass'])
            del old['devices'], new['devices']
            self.assertEqual(old, new)

        self._start_server(self.server)
        self._stop_server(self.server)
        self._detach_interface(self.server, port)
        self.assertEqual(before, self.drive())

    def test_an_adapter_without_a_tag_leaves_the_drive_alone(self):
        before = self.drive()
        self._attach_interface(self.server,
                               self.add_port('physnet-private'))
        self.assertEqual(before, self.drive())

    def test_a_port_that_was_deleted_while_the_server_ran(self):
        self._start_server(self.server)
        self.neutron.delete_port(self.first)
        self.admin_api.create_server_external_events([{
            'name': 'network-vif-deleted', 'tag': self.first,
            'server_uuid': self.server['id']}])
        self._stop_server(self.server)
        self._start_server(self.server)
        self.assertEqual({}, self.tags())

    def test_a_drive_that_is_damaged_changes_nothing(self):
        path = self.path(self.server, 'config-drive.iso')
        os.truncate(path, 60000)
        error = self.assertRaises(
            client.OpenStackApiException, self.attach,
            self.add_port('physnet-private'), 'private')
        self.assertEqual(500, error.response.status_code)
        self.assertIn('Restore the file from a backup',
                      self.stdlog.logger.output)
        self.assertEqual(1, len(self.adapters(self.server)))
        self.assertEqual([self.first], self.ports_of(self.server))


class GuestInfoTestCase(TestCase):

    def _setup_services(self):
        self.flags(use_guestinfo=True, group='vmrun')
        super()._setup_services()

    def test_guestinfo_has_the_same_tags(self):
        port = self.add_port('physnet-private')
        self.attach(port, 'private')
        told = guest_info.decode(
            self.vmx(self.server)['guestinfo.metadata'])
        self.assertEqual(
            self.tags(), {each['tags'][0]: each['mac']
                          for each in jsonutils.loads(told)['devices']})


class WithoutConfigDriveTestCase(TestCase):

    CONFIG_DRIVE = False

    def _setup_services(self):
        super()._setup_services()
        self.flags(force_config_drive=False)

    def test_a_tag_is_refused(self):
        self.assertRaises(
            client.OpenStackApiException, self.attach,
            self.add_port('physnet-private'), 'private')
        self.assertIn('it has no config drive', self.stdlog.logger.output)
        self.assertEqual([self.first], self.ports_of(self.server))
        self._attach_interface(self.server,
                               self.add_port('physnet-private'))
        self.assertEqual(2, len(self.adapters(self.server)))


class VolumeTestCase(volumes.TestCase):

    def tags(self, server):
        """Return the disks that the config drive has, by their tags."""
        drive = config_drive.read(self.path(server, 'config-drive.iso'),
                                  server['id'])
        return {each['tags'][0]: each
                for each in jsonutils.loads(drive[LATEST])['devices']}

    def test_a_volume_with_a_tag_comes_and_goes(self):
        server, volume = self.boot_stopped(), self.cinder.add()
        self.attach(server, volume, tag='data')
        self.assertVolumes(server, volume)
        node, = self.in_vmx(server)
        controller, unit = node.removeprefix('scsi').split(':')
        self.assertEqual(
            {'data': {'type': 'disk', 'bus': 'scsi', 'serial': volume,
                      'address': '%s:0:%s:0' % (controller, unit),
                      'tags': ['data']}}, self.tags(server))
        self._start_server(server)
        server = self._stop_server(server)
        self.detach(server, volume)
        self.assertVolumes(server)
        self.assertEqual({}, self.tags(server))

    def test_a_server_without_a_config_drive(self):
        self.flags(force_config_drive=False)
        server, volume = self.boot_stopped(), self.cinder.add()
        error = self.assertRaises(client.OpenStackApiException,
                                  self.request_attach, server, volume,
                                  tag='data')
        self.assertEqual(400, error.response.status_code)
        self.assertIn('it has no config drive', str(error))
        self.assertEqual('available', self.cinder.status(volume))
        self.assertVolumes(server)
