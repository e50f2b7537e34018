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

import os
import stat
import uuid

import fixtures

from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.server import layout
from nova_vmrun import system
from nova_vmrun.system import macos
from nova_vmrun.volumes import brick
from nova_vmrun.volumes import connection
from tests.unit import base

_SERVER = str(uuid.uuid4())
_SIZE = 1 << 20


class StubbedBrick:
    """Does what os-brick would do, with a file as the device.

    :ivar calls: of all methods
    """

    def __init__(self, device):
        self.device = device
        self.calls = []
        self.error = None

    def initiator(self, volume_type):
        self.calls.append(('initiator', volume_type))
        return self

    def connect_volume(self, connection_properties):
        self.calls.append(('connect', connection_properties))
        if self.error:
            raise self.error
        return self.device

    def disconnect_volume(self, connection_properties, device_info):
        self.calls.append(('disconnect', connection_properties, device_info))
        if self.error:
            raise self.error

    def take_over(self, device):
        self.calls.append(('take over', device))


class BrickConnectorTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        self.layout = layout.Layout(os.path.join(self.root, 'i'), '_base')
        self.layout.prepare()
        self.by_id = os.path.join(self.root, 'by-id')
        os.mkdir(self.by_id)
        self.device = os.path.join(self.root, 'sdq')
        with open(self.device, 'wb') as file:
            file.truncate(_SIZE)
        # Only root could make a device.
        self.is_device = self.useFixture(fixtures.MockPatch(
            'stat.S_ISBLK', return_value=True)).mock
        self.data = {'target_lun': 1, 'auth_password': 'secret',
                     'target_wwn': ['5000']}
        self.volume = connection.parse(
            {'driver_volume_type': 'fibre_channel', 'data': self.data,
             'serial': str(uuid.uuid4())})
        self.folder = self.layout.volume(_SERVER, self.volume.id)
        self.brick = StubbedBrick({'type': 'block', 'path': self.device})
        self.connector = brick.BrickConnector(self.layout, self.brick,
                                              self.by_id)

    def connect(self):
        return self.connector.connect(_SERVER, self.volume, 'lsilogic')

    def link(self, name, target=None):
        os.symlink(target or self.device, os.path.join(self.by_id, name))

    def extent(self, shown):
        with open(shown.descriptor, 'rb') as file:
            data = file.read()
        for path in (self.device, *(os.path.join(self.by_id, name)
                                    for name in os.listdir(self.by_id))):
            try:
                flat.check(data, flat.FlatDisk(
                    path, _SIZE // 512, self.volume.id, is_device=True))
                return os.path.basename(path)
            except exception.InvalidVmdk:
                pass
        raise AssertionError(data)

    def test_connect(self):
        shown = self.connect()
        self.assertEqual(_SIZE, shown.size)
        self.assertEqual('sdq', self.extent(shown))
        self.assertEqual(
            [('initiator', 'fibre_channel'), ('connect', self.data),
             ('take over', self.device)], self.brick.calls)

    def test_the_device_is_named_by_its_identity(self):
        self.link('ata-other', self.root)
        self.link('scsi-1')
        self.link('wwn-1-part1')
        self.assertEqual('scsi-1', self.extent(self.connect()))
        self.link('wwn-1')
        self.assertEqual('wwn-1', self.extent(self.connect()))

    def test_the_descriptor_follows_the_device(self):
        self.connect()
        new = os.path.join(self.root, 'sdr')
        os.rename(self.device, new)
        self.device = self.brick.device['path'] = new
        self.assertEqual('sdr', self.extent(self.connect()))

    def test_the_record_is_for_us_alone(self):
        self.connect()
        path = os.path.join(self.folder, 'brick.json')
        self.assertEqual(0o600, stat.S_IMODE(os.stat(path).st_mode))
        self.assertEqual(0o700, stat.S_IMODE(os.stat(self.folder).st_mode))

    def test_disconnect(self):
        self.connect()
        self.connector.disconnect(_SERVER, self.volume.id)
        self.assertEqual(('disconnect', self.data, self.brick.device),
                         self.brick.calls[-1])
        self.assertFalse(os.path.exists(os.path.dirname(self.folder)))
        count = len(self.brick.calls)
        self.connector.disconnect(_SERVER, self.volume.id)
        self.assertEqual(count, len(self.brick.calls))

    def test_a_connection_that_failed_is_undone(self):
        self.brick.error = RuntimeError('auth_password=secret is wrong')
        error = self.assertRaises(exception.ToolRefused, self.connect)
        self.assertIn(self.volume.id, error.brief)
        self.assertNotIn('secret', str(error))
        self.brick.error = None
        self.connector.disconnect(_SERVER, self.volume.id)
        self.assertEqual(('disconnect', self.data, {}), self.brick.calls[-1])

    def test_a_disconnection_that_fails_can_be_repeated(self):
        self.connect()
        self.brick.error = OSError('no')
        self.assertRaises(exception.ToolRefused, self.connector.disconnect,
                          _SERVER, self.volume.id)
        self.brick.error = None
        self.connector.disconnect(_SERVER, self.volume.id)
        self.assertFalse(os.path.exists(self.folder))

    def test_no_device(self):
        for device in (None, {}, {'path': object()}):
            self.brick.device = device
            self.assertRaises(exception.ToolRefused, self.connect)

    def test_something_that_is_no_device(self):
        self.is_device.return_value = False
        error = self.assertRaises(exception.VolumeDamaged, self.connect)
        self.assertIn('no block device', error.details)

    def test_a_device_without_bytes(self):
        os.truncate(self.device, 0)
        error = self.assertRaises(exception.VolumeDamaged, self.connect)
        self.assertIn('0 bytes', error.details)

    def test_a_device_that_vanished(self):
        os.remove(self.device)
        self.assertRaises(exception.VolumeDamaged, self.connect)

    def test_a_snapshot_of_vmware_is_not_lost(self):
        shown = self.connect()
        snapshot = shown.descriptor.replace('.vmdk', '-000001.vmdk')
        open(snapshot, 'w').close()
        self.assertRaises(exception.HasSnapshots, self.connector.disconnect,
                          _SERVER, self.volume.id)
        self.assertTrue(os.path.exists(snapshot))

    def test_a_locked_volume(self):
        self.connect()
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.server.vm_process.is_locked', return_value=True))
        self.assertRaises(exception.FileInUse, self.connector.disconnect,
                          _SERVER, self.volume.id)
        self.assertNotIn('disconnect', [call[0] for call in self.brick.calls])

    def test_a_damaged_record(self):
        self.connect()
        with open(os.path.join(self.folder, 'brick.json'), 'w') as file:
            file.write('{')
        self.assertRaises(exception.VolumeDamaged, self.connector.disconnect,
                          _SERVER, self.volume.id)

    def test_macos(self):
        with system.pretend(macos.MacOS()):
            self.assertRaises(exception.NotSupported, self.connect)
        self.assertEqual([], self.brick.calls)


class BrickTestCase(base.TestCase):
    """os-brick has what is called here."""

    def test_iscsi_and_fibre_channel(self):
        for name in ('iscsi', 'fibre_channel'):
            found = brick.Brick('sudo helper').initiator(name)
            self.assertTrue(callable(found.connect_volume))

    def test_what_the_back_end_needs_to_know(self):
        ask = self.useFixture(fixtures.MockPatch(
            'os_brick.initiator.connector.get_connector_properties',
            return_value={'wwpns': ['5000'], 'initiator': None})).mock
        found = brick.Brick('sudo helper').host_properties('one', '::1')
        # Ours stays where os-brick has none.
        self.assertEqual({'wwpns': ['5000']}, found)
        ask.assert_called_once_with(
            'sudo helper', '::1', multipath=False, enforce_multipath=False,
            host='one')
        ask.side_effect = OSError('no sudo')
        error = self.assertRaises(
            exception.ToolRefused, brick.Brick('x').host_properties, 'one',
            '::1')
        self.assertIn('no sudo', error.details)

    def test_chown_is_run_as_root(self):
        run = self.useFixture(fixtures.MockPatch(
            'os_brick.privileged.rootwrap.execute_root')).mock
        brick.Brick('sudo helper').take_over('/dev/sdq')
        self.assertEqual(('chown', str(os.geteuid()), '/dev/sdq'),
                         run.call_args.args)
