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

import fixtures
from oslo_utils import units
import testscenarios

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import responsive
from nova_vmrun.server import layout
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import connectors
from nova_vmrun.volumes import nfs
from tests.unit import base
from tests.unit import locks

ID = '6ca404f3-d844-4169-bb96-bc792f37de98'
SERVER = '11111111-2222-3333-4444-555555555555'
EXPORT = '192.0.2.1:/srv/volumes'


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.layout = layout.Layout(
            self.useFixture(fixtures.TempDir()).path, '_base')
        self.mount = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(self.mount, 'volume-' + ID)
        with open(self.path, 'wb') as file:
            file.truncate(units.Gi)
        # As Cinder makes them.
        os.chmod(self.path, 0o666)
        self.descriptor = self.path + '.vmdk'
        self.connector = nfs.NfsConnector(self.layout, {EXPORT: self.mount})
        self.data = {'export': EXPORT, 'name': 'volume-' + ID,
                     'format': 'raw', 'options': None}

    def volume(self, **data):
        return connection.Volume(ID, 'nfs', dict(self.data, **data))

    def connect(self, **data):
        self.connector.check(self.volume(**data))
        return self.connector.connect(SERVER, self.volume(**data),
                                      'lsilogic')


class ConnectTestCase(TestCase):

    def test_vms_on_all_hosts_lock_its_descriptor(self):
        self.assertEqual(self.descriptor,
                         self.connector.shared_descriptor(self.volume()))

    def test_the_file_is_the_content(self):
        before = os.stat(self.path)
        for _ in range(2):
            self.assertEqual(connectors.Shown(self.descriptor, units.Gi),
                             self.connect())
        self.assertIn('RW 2097152 FLAT "volume-%s" 0' % ID,
                      files.read(self.descriptor).decode())
        for _ in range(2):
            self.connector.disconnect(SERVER, ID)
        self.assertEqual(['volume-' + ID], os.listdir(self.mount))
        self.assertEqual(before, os.stat(self.path))
        self.assertFalse(os.path.exists(self.layout.volumes(SERVER)))

    def test_another_connection_removes_what_a_crash_has_left(self):
        folder = self.layout.volume(SERVER, ID)
        os.makedirs(folder)
        open(os.path.join(folder, '.nfs.01234567.part'), 'w').close()
        self.connect()
        self.assertEqual(['nfs'], os.listdir(folder))

    def test_a_crash_in_each_write(self):
        write = files.write_atomically
        for number in range(3):
            calls = []

            def crash(path, content, **options):
                calls.append(path)
                if len(calls) > number:
                    name = '.%s.01234567.part' % os.path.basename(path)
                    write(os.path.join(os.path.dirname(path), name), content)
                    raise KeyboardInterrupt()
                write(path, content, **options)

            with fixtures.MockPatchObject(files, 'write_atomically', crash):
                try:
                    self.connect()
                except KeyboardInterrupt:
                    self.assertLess(number, 2)
            self.connector.disconnect(SERVER, ID)
            self.assertEqual(['volume-' + ID], os.listdir(self.mount))
            self.assertFalse(os.path.exists(self.layout.volumes(SERVER)))

    def test_a_check_makes_nothing(self):
        self.connector.check(self.volume())
        self.assertEqual(['volume-' + ID], os.listdir(self.mount))
        self.assertEqual([], self.layout.connected_volumes(SERVER))

    def test_it_has_grown_since(self):
        self.connect()
        os.truncate(self.path, 2 * units.Gi)
        self.assertEqual(2 * units.Gi, self.connect().size)

    def test_it_has_shrunk_since(self):
        self.connect()
        os.truncate(self.path, units.Mi)
        self.assertRaises(exception.VolumeDamaged, self.connect)

    def test_a_vm_of_another_host_has_locked_it(self):
        self.connect()
        # The server has no folder.
        locks.lock(self.descriptor, pid=4194304, machine='Q' * 16)
        self.connector.disconnect(SERVER, ID)
        self.assertTrue(os.path.exists(self.descriptor))

    def test_a_lock_that_the_vm_has_left(self):
        self.connect()
        folder = self.layout.folder(SERVER)
        os.makedirs(folder)
        for path in (self.descriptor, os.path.join(folder, 'root.vmdk')):
            locks.lock(path, pid=4194304)
        self.connector.disconnect(SERVER, ID)
        self.assertEqual(['volume-' + ID], os.listdir(self.mount))

    def test_the_vm_has_left_a_lock_and_another_host_has_one(self):
        self.connect()
        folder = self.layout.folder(SERVER)
        os.makedirs(folder)
        locks.lock(os.path.join(folder, 'root.vmdk'), pid=4194304)
        lock = locks.lock(self.descriptor, pid=4194304)
        files.write_atomically(
            os.path.join(lock, 'M00001.lck'),
            locks.line(pid=4194304, machine='Q' * 16).ljust(512, '\0'))
        self.connector.disconnect(SERVER, ID)
        self.assertEqual(['M00001.lck'], os.listdir(lock))
        self.assertTrue(os.path.exists(self.descriptor))

    def test_a_snapshot_keeps_its_disk(self):
        self.connect()
        open(self.path + '-000001.vmdk', 'w').close()
        self.assertRaises(exception.HasSnapshots, self.connector.disconnect,
                          SERVER, ID)
        self.assertTrue(os.path.exists(self.descriptor))

    def test_a_file_of_somebody_else_in_its_place(self):
        files.write_atomically(self.descriptor, 'own notes')
        self.assertRaises(exception.VolumeDamaged, self.connector.connect,
                          SERVER, self.volume(), 'lsilogic')
        self.connector.disconnect(SERVER, ID)
        self.assertEqual(b'own notes', files.read(self.descriptor))

    def test_other_connectors_keep_what_is_theirs(self):
        folder = self.layout.volume(SERVER, ID)
        os.makedirs(folder)
        open(os.path.join(folder, 'iscsi.json'), 'w').close()
        self.connector.disconnect(SERVER, ID)
        self.assertEqual(['iscsi.json'], os.listdir(folder))

    def test_a_server_that_hangs(self):
        error = exception.FileSystemFailed('It hangs.')
        self.useFixture(fixtures.MockPatchObject(
            responsive, 'require', side_effect=error))
        self.assertIs(error, self.assertRaises(
            exception.FileSystemFailed, self.connect))

    def test_an_export_that_is_not_mounted(self):
        os.remove(self.path)
        error = self.assertRaises(exception.VolumeDamaged, self.connect)
        self.assertIn('No such file', str(error))
        self.assertEqual([], os.listdir(self.mount))

    def test_no_volume_at_all(self):
        os.truncate(self.path, 0)
        self.assertRaises(exception.VolumeDamaged, self.connect)


class RefusedTestCase(testscenarios.TestWithScenarios, TestCase):

    scenarios = [('%s %r' % (key, value), {'key': key, 'value': value})
                 for key, value in (
                     ('format', 'qcow2'), ('format', None), ('format', []),
                     ('name', '../volume-' + ID), ('name', None),
                     ('name', '/etc/passwd'), ('name', 'a\nb'),
                     ('name', 'volume.vmdk'), ('name', '..'), ('name', []),
                     ('export', '192.0.2.2:/srv/volumes'),
                     ('export', None), ('export', []))]

    def test_in_words(self):
        error = self.assertRaises(exception.InvalidInput, self.connect,
                                  **{self.key: self.value})
        self.assertIn(ID, str(error))
        self.assertTrue(error.resolution)
        self.assertEqual(['volume-' + ID], os.listdir(self.mount))


class MountsTestCase(base.TestCase):

    def test_each_export_has_its_folder(self):
        self.assertEqual(
            {'server:/a': '/mnt/a', '[2001:db8::1]:/b=c': '/mnt/b'},
            nfs.mounts(['server:/a=/mnt/a/', '[2001:db8::1]:/b=c=/mnt/b']))

    def test_malformed(self):
        for text in ('', 'server:/a', '=/mnt', 'server:/a=mnt'):
            self.assertRaises(exception.InvalidConfiguration, nfs.mounts,
                              [text])
