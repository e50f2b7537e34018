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

import contextlib
import dataclasses
import json
import os
from unittest import mock

import fixtures
from nova import exception as nova_exception
from nova.image import glance
from nova import objects

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.ops.evacuation import examination
from nova_vmrun.ops.nova import evacuations
from nova_vmrun.ops.nova import mappings
from nova_vmrun.server import activity
from nova_vmrun.server import disks
from nova_vmrun.server import records as records_module
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import folder_identity
from nova_vmrun.storage import server_folders
from nova_vmrun.storage import server_storage
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import connectors
from tests.unit import locks
from tests.unit.ops import hosts
from tests.unit.storage import storages

UUID, OTHER = hosts.UUID, hosts.OTHER
THEIRS, THIRDS = 'their-node', 'third-node'


class ExaminationTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.connectors = mock.create_autospec(connectors.Connectors,
                                               instance=True)
        self.connectors.shared_descriptor.return_value = None
        self.examination = examination.Examination(
            self.servers, self.connectors, mock.Mock())
        self.instance = objects.Instance(uuid=UUID, host='there',
                                         image_ref='image', info_cache=None)
        # nova-compute has started.
        open(self.layout.node('this-node'), 'w').close()
        self.volumes = []
        self.has_swap = False
        self.fenced = set()
        # Hosts of unfinished evacuations.
        self.half = set()
        self.was_interrupted = False
        self.image = mock.Mock()
        self.useFixture(fixtures.MockPatchObject(activity, 'SECONDS', 0))
        for target, name, function in (
                (mappings, 'of_server', lambda *_: {
                    'swap': {'device_name': '/dev/sdb', 'swap_size': 1}
                } if self.has_swap else None),
                (mappings, 'volumes', lambda *_: self.volumes),
                (evacuations, 'is_fenced',
                 lambda _context, host: host in self.fenced),
                (evacuations, 'host_of', lambda _context, node: {
                    THEIRS: 'there', THIRDS: 'third',
                    'this-node': 'here'}.get(node)),
                (evacuations, 'half_evacuated_to',
                 lambda _context, _uuid, host, own: (
                     self.half - {host, own})),
                (evacuations, 'was_interrupted',
                 lambda _context, _uuid, host: (
                     self.was_interrupted and host == 'here')),
                (glance.API, 'get', lambda *_: self.image())):
            self.patch(target, name, function)

    def patch(self, target, name, function):
        patcher = mock.patch.object(target, name, function)
        patcher.start()
        self.addCleanup(patcher.stop)

    def share(self, node=THEIRS, vmx=True, **facts):
        """Let the folder of the server be on this host, too."""
        records_module.Records(self.layout, node).create(
            UUID, 'instance-1', **facts)
        if vmx:
            with open(self.layout.vmx(UUID), 'w') as file:
                file.write(hosts.VMX)

    def add_volume(self, kind):
        self.volumes.append(connection.Volume(OTHER, kind, {}))

    def examine(self):
        return self.examination.keeps_disks(None, self.instance)

    def refuse(self, kind, *words):
        error = self.assertRaises(kind, self.examine)
        for word in words:
            self.assertIn(word, str(error))

    def test_a_server_whose_folder_is_elsewhere(self):
        self.assertFalse(self.examine())

    def test_a_server_whose_folder_is_here_too(self):
        self.share()
        self.assertTrue(self.examine())

    def test_a_lock_of_the_other_host(self):
        self.share()
        locks.lock(os.path.join(self.layout.folder(UUID), 'root.vmdk'),
                   machine='B' * 16, pid=99999999)
        self.refuse(exception.FileInUse, 'host there may still write',
                    'root.vmdk.lck', 'nova-vmrun node fenced there')
        self.fenced.add('there')
        self.assertTrue(self.examine())

    def test_volumes_are_named_in_one_order(self):
        """Nova lists them in any, and keeps the beginning of the text."""
        self.volumes = [connection.Volume(uuid, 'iscsi', {})
                        for uuid in (OTHER, UUID)]
        listed = ', '.join('volume ' + uuid for uuid in sorted((OTHER, UUID)))
        for _order in range(2):
            self.refuse(exception.FileInUse, listed)
            self.volumes.reverse()

    def test_a_fenced_host_that_still_writes(self):
        disk = self.put_disk_in_storage()
        self.share(disks=disks.dump([disk]))
        self.add_volume('nfs')
        volume = os.path.join(self.layout.root, 'volume')
        self.connectors.shared_descriptor.return_value = volume + '.vmdk'
        locks.lock(disk.path, machine='B' * 16, pid=99999999)
        self.fenced.add('there')
        for path in (os.path.join(self.layout.folder(UUID), 'vmware.log'),
                     disk.path, volume):
            with self.writer(path):
                self.refuse(exception.FileInUse, 'still runs on host there',
                            os.path.basename(path), 'Cut the power')
        self.assertTrue(self.examine())

    @contextlib.contextmanager
    def writer(self, path):
        """Write to a file whenever the examination waits."""
        def write(_seconds):
            with open(path, 'ab') as file:
                file.write(b'.')

        with mock.patch('time.sleep', write):
            yield

    def share_storage_only(self):
        """Let another host have a server whose disk is here, too."""
        theirs = '99999999-2222-3333-4444-555555555555'
        self.patch(evacuations, 'host_of', lambda _context, node: {
            theirs: 'there'}.get(node))
        disk = self.put_disk_in_storage()
        folder = os.path.dirname(disk.path)
        files.write_atomically(disk.path, b'')
        record = records_module.Record(UUID, 'theirs', theirs, disks=(
            disks.dump([disk])))
        os.mkdir(os.path.join(folder, server_folders.RECORD))
        files.write_atomically(
            os.path.join(folder, server_folders.RECORD, 'nova.json'),
            json.dumps({'number': 1, 'record': dataclasses.asdict(record)}))
        server_folders.create(folder, theirs)
        self.instance.id, self.instance.vm_state = 7, 'active'
        return disk

    def test_a_record_beside_the_disks_is_enough(self):
        self.share_storage_only()
        self.assertTrue(self.examine())
        found = self.examination.adoptable(None, self.instance)
        self.assertEqual(self.instance.name, found.name)
        # A crash came before the record was written here.
        os.mkdir(self.layout.folder(UUID))
        self.assertTrue(self.examine())

    def test_a_record_beside_the_disks_of_a_third_host(self):
        self.share_storage_only()
        self.instance.host = 'elsewhere'
        self.refuse(exception.InvalidConfiguration, 'belong to host there')

    def test_a_snapshot_that_only_the_other_host_has(self):
        disk = self.share_storage_only()
        member = os.path.join(locks.lock(disk.path, machine='B' * 16,
                                         pid=99999999), 'M12345.lck')
        self.fenced.add('there')
        self.assertTrue(self.examine())
        files.write_atomically(member, files.read(member).replace(
            b' X ', b' S '))
        self.refuse(exception.HasSnapshots, 'root.vmdk.lck',
                    'Start that host again')

    def test_disks_without_locks_are_not_watched(self):
        self.share()
        with mock.patch.object(activity, 'changing',
                               side_effect=AssertionError):
            self.assertTrue(self.examine())

    def make_storage(self):
        self.fast = self.useFixture(fixtures.TempDir()).path
        self.folders = storages.folders(self.layout, 'fast:' + self.fast)
        self.folders.check()
        return server_storage.ServerStorage(
            self.folders, self.layout, self.records,
            vmx_file.VmxFiles(self.layout), 'this-node')

    def put_disk_in_storage(self):
        path = server_folders.new_path(self.fast, UUID)
        server_folders.create(path, THEIRS)
        return disks.moved(disks.root(1 << 30, 'pvscsi'), path,
                           self.folders.others[0].identity)

    def test_a_lock_beside_a_disk_in_a_storage_folder(self):
        disk = self.put_disk_in_storage()
        self.share(disks=disks.dump([disk]))
        self.assertTrue(self.examine())
        locks.lock(disk.path, machine='B' * 16, pid=99999999)
        self.refuse(exception.FileInUse, 'root.vmdk.lck')

    def test_a_storage_folder_that_this_host_lacks(self):
        disk = self.put_disk_in_storage()
        self.share(disks=disks.dump([disk]))
        os.remove(os.path.join(self.fast, folder_identity.FILE))
        self.refuse(exception.StorageFolderMissing, 'fast')

    def test_disks_may_be_in_a_storage_folder_that_is_away(self):
        """Built from its image, it would lose them when its host returns."""
        aside = self.fast + '-aside'
        os.rename(self.fast, aside)
        for _state in ('gone', 'unmounted'):
            self.refuse(exception.StorageFolderMissing, 'may be in the '
                        'storage folder fast', 'Mount it', 'or remove it')
            os.makedirs(self.fast, exist_ok=True)
        os.rmdir(self.fast)
        os.rename(aside, self.fast)
        self.assertFalse(self.examine())

    def test_a_server_of_volumes_alone_needs_no_storage_folder(self):
        os.rename(self.fast, self.fast + '-aside')
        self.instance.image_ref = ''
        self.assertFalse(self.examine())
        self.has_swap = True
        self.refuse(exception.StorageFolderMissing)

    def test_a_later_record_may_be_in_a_storage_folder_that_is_away(self):
        self.share_storage_only()
        slow = self.useFixture(fixtures.TempDir()).path
        self.folders.others.append(storages.folders(
            self.layout, 'slow:' + slow).others[0])
        self.assertTrue(self.examine())
        os.rename(slow, slow + '-aside')
        self.refuse(exception.StorageFolderMissing, 'slow')

    def test_disks_in_a_shared_storage_folder_alone(self):
        self.put_disk_in_storage()
        self.refuse(exception.NotSupported, 'no record is beside',
                    'storage folder fast', 'Start host there again')

    def test_disks_of_a_third_host_in_a_shared_storage_folder(self):
        """An evacuation to it was interrupted, or a file was lost."""
        path = server_folders.new_path(self.fast, UUID)
        server_folders.create(path, THIRDS)
        self.assertFalse(self.examine())
        files.write_atomically(os.path.join(path, 'root.vmdk'), b'')
        self.refuse(exception.NotSupported, 'Start host third again')
        os.remove(os.path.join(path, server_folders.OWNER))
        self.refuse(exception.NotSupported, 'Start host there again')

    def test_disks_of_an_unknown_host_in_a_shared_storage_folder(self):
        path = server_folders.new_path(self.fast, UUID)
        os.mkdir(path)
        os.mkfifo(os.path.join(path, server_folders.OWNER))
        self.refuse(exception.NotSupported, 'no record is beside')

    def test_disks_of_another_host_in_a_shared_storage_folder(self):
        server_folders.create(server_folders.new_path(self.fast, UUID),
                              'this-node')
        server_folders.create(server_folders.new_path(self.fast, OTHER),
                              THEIRS)
        self.assertFalse(self.examine())

    def test_a_folder_without_a_vmx(self):
        self.share(vmx=False)
        self.refuse(exception.VmIncomplete, '.vmx')

    def test_a_folder_without_a_record(self):
        os.mkdir(self.layout.folder(UUID))
        self.refuse(exception.RecordUnreadable, 'nova.json')

    def test_a_folder_of_a_third_host(self):
        self.share(node=THIRDS)
        self.refuse(exception.InvalidConfiguration, 'host third')

    def test_a_resize_that_has_not_ended(self):
        """Built from its image, it would never find its disks again."""
        self.share()
        for folder in (self.layout.kept(UUID), self.layout.prepared(UUID),
                       self.layout.deleted(UUID)):
            os.rename(self.layout.folder(UUID), folder)
            self.refuse(exception.NotSupported, 'not ended on host there',
                        folder, 'Start that host again')
            os.rename(folder, self.layout.folder(UUID))
            self.assertTrue(self.examine())

    def test_a_resize_to_this_host_that_has_not_ended(self):
        """What comes from another host has no record yet."""
        os.mkdir(self.layout.prepared(UUID))
        self.refuse(exception.NotSupported, 'not ended on host there')

    def test_an_old_folder_of_a_resize_on_this_host(self):
        self.records.create(UUID, 'instance-1')
        os.rename(self.layout.folder(UUID), self.layout.kept(UUID))
        self.refuse(exception.InvalidConfiguration, 'old folder',
                    self.layout.kept(UUID))

    def test_a_resize_of_a_server_with_a_record_beside_its_disks(self):
        self.share_storage_only()
        os.mkdir(self.layout.kept(UUID))
        self.refuse(exception.NotSupported, 'not ended on host there')
        # The removal of a failed evacuation was interrupted.
        os.rename(self.layout.kept(UUID), self.layout.deleted(UUID))
        self.assertTrue(self.examine())

    def test_an_instances_path_that_was_unmounted(self):
        files.remove_tree(self.layout.locks)
        for self.instance.image_ref in ('image', ''):
            self.refuse(exception.FileSystemFailed, 'instances_path',
                        self.layout.root, 'Mount')

    def test_an_old_folder_on_this_host(self):
        self.records.create(UUID, 'instance-1')
        self.refuse(exception.InvalidConfiguration, 'old folder')

    def test_what_an_interrupted_evacuation_has_built(self):
        self.records.create(UUID, 'instance-1')
        self.was_interrupted = True
        self.assertFalse(self.examine())
        self.assertTrue(self.examination.has_remains(None, self.instance))

    def adopt(self, node=None):
        self.share()
        records = (records_module.Records(self.layout, node) if node
                   else self.records)
        records.take_over(records.of_any_node(UUID))

    def test_an_evacuation_that_was_interrupted_here(self):
        self.adopt()
        locks.lock(os.path.join(self.layout.folder(UUID), 'root.vmdk'))
        self.assertTrue(self.examine())

    def test_an_evacuation_that_was_interrupted_on_a_third_host(self):
        self.adopt(THIRDS)
        self.assertTrue(self.examine())
        locks.lock(os.path.join(self.layout.folder(UUID), 'root.vmdk'),
                   machine='B' * 16, pid=99999999)
        self.fenced.add('there')
        self.refuse(exception.FileInUse, 'host third')
        self.fenced.add('third')
        self.assertTrue(self.examine())

    def test_a_volume_in_a_file_of_the_other_host(self):
        self.add_volume('local')
        self.refuse(exception.NotSupported, OTHER, 'file of host there',
                    'Start that host again')

    def test_a_volume_whose_writer_nobody_sees(self):
        self.add_volume('iscsi')
        self.refuse(exception.FileInUse, 'host there may still write', OTHER)
        self.fenced.add('there')
        self.assertFalse(self.examine())

    def test_a_volume_that_another_evacuation_may_have_connected(self):
        """Its host has started the server, and Nova does not know it."""
        self.add_volume('iscsi')
        self.fenced.add('there')
        self.half = {'there', 'here', 'third'}
        self.refuse(exception.FileInUse, 'running on host third', OTHER,
                    'nova-vmrun node fenced third')
        self.fenced.add('third')
        self.assertFalse(self.examine())

    def test_locks_of_another_evacuation(self):
        self.share()
        self.fenced.add('there')
        locks.lock(os.path.join(self.layout.folder(UUID), 'root.vmdk'),
                   machine='B' * 16, pid=99999999)
        self.half = {'third'}
        self.refuse(exception.FileInUse, 'running on host third')

    def test_disks_that_only_this_host_has_need_no_fence(self):
        self.half = {'third'}
        self.assertFalse(self.examine())

    def test_a_start_while_an_evacuation_may_have_started_it(self):
        def start():
            self.examination.require_alone(None, UUID, 'there')

        self.half = {'there', 'third'}
        error = self.assertRaises(exception.FileInUse, start)
        self.assertIn('running on host third', str(error))
        self.half = {'there'}
        start()

    def test_the_host_that_nova_names_gets_a_server_back(self):
        self.share()
        record = self.examination.adoptable(None, self.instance)
        self.assertEqual(THEIRS, self.examination.former(
            None, self.instance, record))
        records = records_module.Records(self.layout, THIRDS)
        records.take_over(record)
        self.assertEqual(THEIRS, self.examination.former(
            None, self.instance, self.records.of_any_node(UUID)))
        self.instance.host = 'third'
        self.assertEqual(THIRDS, self.examination.former(
            None, self.instance, self.records.of_any_node(UUID)))

    def test_a_volume_that_this_host_cannot_have(self):
        self.add_volume('iscsi')
        self.fenced.add('there')
        self.connectors.check.side_effect = exception.InvalidInput('No FUSE.')
        self.refuse(exception.InvalidInput, 'No FUSE')

    def test_a_volume_beside_which_vms_leave_locks(self):
        self.add_volume('nfs')
        path = os.path.join(self.layout.root, 'volume.vmdk')
        self.connectors.shared_descriptor.return_value = path
        self.assertFalse(self.examine())
        locks.lock(path, machine='B' * 16, pid=99999999)
        self.refuse(exception.FileInUse, 'volume.vmdk.lck')

    def test_an_image_that_is_gone(self):
        self.image.side_effect = nova_exception.ImageNotFound(image_id='x')
        self.refuse(exception.NotSupported, 'image is gone')
        self.instance.image_ref = ''
        self.assertFalse(self.examine())

    def test_an_image_is_not_needed_for_disks_that_are_here(self):
        self.share()
        self.image.side_effect = nova_exception.ImageNotFound(image_id='x')
        self.assertTrue(self.examine())
