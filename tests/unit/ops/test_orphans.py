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
import types
from unittest import mock

import fixtures
from nova import objects

from nova_vmrun.host import files
from nova_vmrun.ops import destroy
from nova_vmrun.ops import orphans
from nova_vmrun.ops import parts
from nova_vmrun.ops.power import power
from nova_vmrun.ops import snapshot
from nova_vmrun.server import orphans as finder
from nova_vmrun.storage import base_disk_usage
from nova_vmrun.storage import builds
from nova_vmrun.storage import image_cache
from nova_vmrun.volumes import connectors
from tests.unit.ops import hosts

UUID = hosts.UUID
OTHER = hosts.OTHER
VOLUME = '33333333-2222-3333-4444-555555555555'
IMAGE = '22222222-2222-3333-4444-555555555555'
HOUR = 3600


def instance(uuid, host='here', **fields):
    return types.SimpleNamespace(**dict(
        dict(uuid=uuid, host=host, task_state=None, vm_state='active',
             image_ref=IMAGE), **fields))


class TestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        users = base_disk_usage.BaseDiskUsage(self.layout)
        self.cache = image_cache.ImageCache(self.layout, None, None, [],
                                            users)
        self.boots = builds.Builds(self.layout)
        self.snapshots = mock.create_autospec(snapshot.Snapshots,
                                              instance=True)
        self.connector = mock.create_autospec(connectors.Connector,
                                              instance=True)
        self.connector.disconnect.side_effect = lambda uuid, volume: os.rmdir(
            self.layout.volume(uuid, volume))
        self.orphans = orphans.Orphans(
            finder.Finder(self.layout, self.records, self.states, self.cache,
                          users, self.boots, self.servers.storage),
            parts.Images(self.cache, users, self.boots),
            destroy.Destroyer(
                self.servers, mock.create_autospec(power.Power,
                                                   instance=True),
                connectors.Connectors({'iscsi': self.connector})),
            self.snapshots)

    def age(self, path):
        for folder, _folders, names in os.walk(path):
            for name in ('', *names):
                os.utime(os.path.join(folder, name), (1000, 1000))

    def add_old_server(self, uuid=UUID, **options):
        self.add_server(uuid, **options)
        self.age(self.layout.folder(uuid))


class WarnTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.nova = self.useFixture(fixtures.MockPatchObject(
            objects.InstanceList, 'get_by_filters', return_value=[])).mock
        self.log = self.useFixture(fixtures.FakeLogger('nova_vmrun'))

    def warn(self, *instances):
        self.orphans.warn('context', 'here', instances)
        return self.log.output

    def test_nothing_is_said_of_servers(self):
        self.add_old_server()
        self.add_old_server(OTHER)
        self.assertEqual('', self.warn(instance(UUID), instance(OTHER)))
        self.assertFalse(self.nova.called)

    def test_an_orphan_is_named(self):
        self.add_old_server()
        self.add_old_server(OTHER)
        output = self.warn(instance(OTHER))
        self.assertIn('belong to no server: 1.', output)
        self.assertIn('folder %s' % self.layout.folder(UUID), output)
        self.assertIn('nova-vmrun orphans', output)

    def test_nova_is_asked_about_servers_that_were_moved(self):
        self.add_old_server()
        os.rename(self.layout.folder(UUID), self.layout.kept(UUID))
        self.age(self.layout.kept(UUID))
        self.nova.return_value = [
            instance(UUID, 'there', vm_state='resized')]
        self.assertEqual('', self.warn())
        self.assertEqual([UUID], self.nova.call_args[0][1]['uuid'])
        self.nova.return_value = []
        self.assertIn('_resize', self.warn())

    def test_recent_changes_are_not_reported(self):
        self.add_server()
        self.assertEqual('', self.warn())

    def test_no_more_than_some_are_named(self):
        for number in range(9):
            self.add_old_server(UUID[:-1] + str(number))
        output = self.warn()
        self.assertIn('belong to no server: 9.', output)
        self.assertEqual(5, output.count('folder /'))

    def test_names_cannot_steer_a_terminal(self):
        vmx = os.path.join(self.layout.folder(UUID), 'a\x1b[2J\n.vmx')
        self.vmrun.running.add(vmx)
        output = self.warn()
        self.assertNotIn('\x1b', output)
        self.assertIn(r'a\x1b[2J\n.vmx', output)

    def test_unknown_running_vms_are_reported(self):
        self.vmrun.fail('list', hosts.hung())
        self.assertIn('Cannot look for files', self.warn())


class RemoveTestCase(TestCase):

    def remove(self, kind=finder.FOLDER, path=None, owner=UUID, **options):
        return self.orphans.remove(finder.Orphan(
            kind, path or self.layout.folder(UUID), owner, 'reason',
            **options), HOUR)

    def test_a_folder(self):
        self.add_old_server()
        self.assertEqual('', self.remove())
        self.assertFalse(os.path.exists(self.layout.folder(UUID)))
        self.assertEqual([], self.layout.half_deleted())

    def test_orphan_with_a_reason_is_kept(self):
        self.add_old_server()
        self.assertEqual('because', self.remove(kept='because'))
        self.assertTrue(os.path.exists(self.layout.folder(UUID)))

    def test_a_folder_is_looked_at_once_more(self):
        self.add_old_server()
        self.vmrun.running.add(self.layout.vmx(UUID))
        self.assertEqual('A VM runs in it.', self.remove())
        self.vmrun.running.clear()
        files.write_atomically(self.layout.vmx(UUID), '')
        self.assertIn('60 minutes', self.remove())
        self.assertTrue(os.path.exists(self.layout.folder(UUID)))

    def test_snapshot_of_the_driver_is_removed(self):
        self.remove(finder.SNAPSHOT)
        self.snapshots.clear.assert_called_once_with(UUID)

    def test_connections_to_volumes(self):
        os.makedirs(self.layout.volume(UUID, VOLUME))
        self.assertEqual('', self.remove(finder.VOLUMES))
        self.connector.disconnect.assert_called_once_with(UUID, VOLUME)
        self.assertFalse(os.path.exists(self.layout.volumes(UUID)))

    def test_leftovers(self):
        folder = self.layout.snapshot_work(UUID)
        os.makedirs(folder)
        file = os.path.join(self.layout.folder(UUID), '.a.0123abcd.part')
        files.write_atomically(file, '')
        for path in (folder, file, file):
            self.assertEqual('', self.remove(finder.LEFTOVER, path))
        self.assertEqual([], os.listdir(self.layout.folder(UUID)))

    def base(self):
        path = os.path.join(self.layout.cache, IMAGE, 'disk-1.vmdk')
        os.makedirs(os.path.dirname(path), exist_ok=True)
        files.write_atomically(path, '')
        return path

    def test_a_base(self):
        self.assertEqual('', self.remove(finder.BASE, self.base(), IMAGE))
        self.assertEqual([], self.cache.image_ids())

    def test_a_base_that_is_used_by_now(self):
        path = self.base()
        self.add_server()
        files.write_atomically(self.layout.file(UUID, 'root.vmdk'),
                               'parentFileNameHint="%s"\n' % path)
        self.assertIn('uses it', self.remove(finder.BASE, path, IMAGE))
        self.assertTrue(os.path.exists(path))

    def test_a_base_that_a_boot_may_be_about_to_use(self):
        with self.boots.begin():
            path = self.base()
            self.assertIn('uses it', self.remove(finder.BASE, path, IMAGE))
        with self.cache.locked(IMAGE):
            self.assertIn('being built', self.remove(finder.BASE, path,
                                                     IMAGE))
        self.assertTrue(os.path.exists(path))
