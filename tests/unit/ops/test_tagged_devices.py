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


import json
import os
import types

import fixtures
from nova.objects import virt_device_metadata

from nova_vmrun import exception
from nova_vmrun.machine import guest_info as variables
from nova_vmrun.ops import config_drive
from nova_vmrun.ops import guest_info
from nova_vmrun.ops import tagged_devices
from nova_vmrun.server import disks
from tests.unit.ops import hosts
from tests.unit import stubs

UUID = hosts.UUID
LATEST = 'openstack/latest/meta_data.json'
DEVICES = [{'type': 'nic', 'mac': 'fa:16:3e:00:00:01', 'tags': ['lan']}]
DRIVE = {
    LATEST: b'{"admin_pass": "s3cret", "devices": [], "name": "web"}',
    'openstack/2018-08-27/meta_data.json': b'{"devices": []}',
    'openstack/2012-08-10/meta_data.json': b'{"uuid": "1"}',
    'openstack/latest/user_data': b'\x00\xff',
    'openstack/content/0000': b'{"devices": []}',
}


class Metadata:
    """Stands for Nova's: shows the MAC address and the tags of devices."""

    def __init__(self):
        self.instance = types.SimpleNamespace(device_metadata=None)

    def lookup(self, path):
        return json.dumps({'admin_pass': 'none', 'devices': [
            {'type': 'nic', 'mac': device.mac, 'tags': device.tags}
            for device in self.instance.device_metadata.devices]})


def devices(*tags):
    return [virt_device_metadata.NetworkInterfaceMetadata(
        mac='fa:16:3e:00:00:01', tags=list(tags))]


class Base(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.add_server(disks=disks.dump([disks.config_drive('sata')]))
        self.path = self.layout.file(UUID, 'config-drive.iso')
        config_drive.rewrite(self.path, UUID, DRIVE)
        self.info = guest_info.GuestInfo(stubs.conf(use_guestinfo=True),
                                         self.layout)
        self.tagged = tagged_devices.TaggedDevices(self.disk_lists,
                                                   self.info)
        self.instance = types.SimpleNamespace(
            uuid=UUID, get_network_info=list, device_metadata=None)

    def drive(self):
        return config_drive.read(self.path, UUID)

    def write(self, described=None):
        with self.tagged.written(UUID, Metadata(), devices('lan')
                                 if described is None else described):
            pass


class WrittenTestCase(Base):

    def test_only_the_devices_change(self):
        self.write()
        expected = dict(DRIVE)
        for path in (LATEST, 'openstack/2018-08-27/meta_data.json'):
            expected[path] = json.dumps(
                dict(json.loads(DRIVE[path]), devices=DEVICES)).encode()
        self.assertEqual(expected, self.drive())
        self.write([])
        self.assertEqual(DRIVE, self.drive())

    def test_nothing_to_change(self):
        before = os.stat(self.path).st_ino
        self.write([])
        with self.tagged.written(UUID, None, devices('lan')):
            pass
        self.assertEqual(before, os.stat(self.path).st_ino)

    def test_guestinfo(self):
        before = variables.variables({'instance-id': 'i'})
        self.info.save(UUID, {'guestinfo': before, 'machine_id': 'm'})
        self.write()
        self.assertEqual(
            {'machine_id': 'm',
             'guestinfo': variables.with_devices(before, DEVICES)},
            self.info.load(UUID))

    def test_a_server_with_guestinfo_alone(self):
        self.records.change(UUID, disks=[])
        self.test_guestinfo()
        self.assertEqual(DRIVE, self.drive())

    def test_a_block_that_fails(self):
        info = {'guestinfo': variables.variables({'instance-id': 'i'})}
        self.info.save(UUID, info)

        def fail():
            with self.tagged.written(UUID, Metadata(), devices('lan')):
                self.assertNotEqual(DRIVE, self.drive())
                raise exception.InvalidInput('no')

        self.assertRaises(exception.InvalidInput, fail)
        self.assertEqual((DRIVE, info),
                         (self.drive(), self.info.load(UUID)))

    def test_a_description_that_is_too_long_for_guestinfo(self):
        self.info.save(UUID, {'guestinfo': variables.variables({'a': 1})})
        self.assertRaises(exception.InvalidInput, self.write,
                          devices(os.urandom(50000).hex()))
        self.assertEqual(DRIVE, self.drive())

    def test_a_drive_that_is_lost(self):
        os.remove(self.path)
        self.assertRaises(exception.VmIncomplete, self.write)


class DescribeTestCase(Base):

    def test_nova_describes_it_without_what_only_the_drive_has(self):
        describe = self.useFixture(fixtures.MockPatchObject(
            config_drive, 'describe')).mock
        self.assertIs(describe.return_value,
                      self.tagged.describe(self.instance))
        describe.assert_called_once_with(self.instance, [], None, [])

    def test_a_tag_needs_a_config_drive(self):
        self.tagged.require_config_drive(self.instance)
        self.records.change(UUID, disks=[])
        self.assertRaises(exception.InvalidInput,
                          self.tagged.require_config_drive, self.instance)


class UpdaterTestCase(Base):

    def setUp(self):
        super().setUp()
        self.write()
        self.before = self.drive()
        self.instance.device_metadata = (
            virt_device_metadata.InstanceDeviceMetadata(
                devices=devices('lan')))
        self.describe = self.useFixture(fixtures.MockPatchObject(
            self.tagged, 'describe', return_value=Metadata())).mock

    def update(self, left=()):
        self.tagged.updater(self.instance, list(left))()

    def test_it_writes(self):
        self.update()
        self.assertEqual(DRIVE, self.drive())

    def test_nothing_is_described_that_has_not_changed(self):
        self.update(devices('lan'))
        self.describe.assert_not_called()
        self.assertEqual(self.before, self.drive())

    def test_failures_do_not_prevent_a_start(self):
        self.describe.side_effect = RuntimeError('Neutron is down')
        self.update()
        self.describe.side_effect = None
        self.useFixture(fixtures.MockPatchObject(
            config_drive, 'rewrite',
            side_effect=exception.FileSystemFailed('full')))
        self.update()
        for reason in ('Neutron is down', 'full'):
            self.assertIn(reason, self.log.output)
        self.assertEqual(self.before, self.drive())
