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
from unittest import mock

import fixtures
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files as host_files
from nova_vmrun.ops import guest_info
from nova_vmrun.ops.nova import device_tags
from nova_vmrun.ops import tagged_devices
from nova_vmrun.ops import volumes
from nova_vmrun.server import disks
from nova_vmrun.volumes import connectors
from nova_vmrun.volumes import local
from tests.unit import locks
from tests.unit.ops import hosts
from tests.unit.ops import test_definition
from tests.unit import stubs
from tests.unit.volumes import files

UUID = hosts.UUID
IDS = ['6ca404f3-d844-4169-bb96-bc792f37de%02d' % number
       for number in range(20)]


class Connectors(connectors.Connectors):
    """Files, and a note of what is disconnected."""

    def __init__(self, folder):
        super().__init__({'local': local.LocalConnector([folder])})
        self.disconnected = []

    def disconnect(self, server_uuid, volume_id):
        super().disconnect(server_uuid, volume_id)
        self.disconnected.append((server_uuid, volume_id))


class TestCase(test_definition.Base):
    """A stopped server, and volumes in a folder."""

    DISK_BUS = 'pvscsi'

    def setUp(self):
        super().setUp()
        self.folder = os.path.realpath(
            self.useFixture(fixtures.TempDir()).path)
        self.connectors = Connectors(self.folder)
        conf = mock.Mock(vmrun=stubs.conf(), my_block_storage_ip='192.0.2.1')
        # The tag of each volume, as in Nova's database.
        self.tag = self.useFixture(fixtures.MockPatchObject(
            device_tags, 'tag_of_volume', return_value=None)).mock
        self.tagged = tagged_devices.TaggedDevices(
            self.disk_lists, guest_info.GuestInfo(conf.vmrun, self.layout))
        self.describe = self.useFixture(fixtures.MockPatchObject(
            self.tagged, 'describe', return_value=None)).mock
        self.volumes = volumes.Volumes(
            self.host(conf), self.servers, self.definitions, self.connectors,
            self.tagged)
        self.instance = test_definition.instance(
            image_vmrun_disk_bus=self.DISK_BUS)
        self.instance.device_metadata = None
        self.instance.save = mock.Mock()
        self.records.create(
            UUID, 'instance-1', 5900, disks=disks.dump([
                disks.root(units.Gi, self.DISK_BUS),
                disks.config_drive('sata')]))
        self.definitions.write(self.definitions.draft(
            self.instance, {'vmrun_disk_bus': self.DISK_BUS}), ())
        self.info = self.make(IDS[0])

    def make(self, volume_id):
        return files.make(self.folder, volume_id)

    def attach(self, info=None):
        self.volumes.attach('context', self.instance, info or self.info)

    def detach(self, info=None):
        self.volumes.detach(self.instance, info or self.info)

    def path(self, volume_id=IDS[0]):
        return os.path.join(self.folder, 'volume-%s.vmdk' % volume_id)

    def attached(self):
        """Return what the .vmx has of each volume, by its node."""
        keys = self.load()
        return {key.removesuffix('.fileName'): path
                for key, path in keys.items()
                if key.endswith('.fileName') and
                path.startswith(self.folder)}

    def listed(self):
        return [disk for disk in self.disk_lists.get(UUID) if disk.volume_id]

    def marked(self):
        return self.records.get(UUID).detached_volumes


class AttachTestCase(TestCase):

    def test_the_vmx_and_the_record(self):
        before = self.load()
        self.attach()
        keys = self.load()
        self.assertEqual(
            {'scsi3.present': 'TRUE', 'scsi3.virtualDev': 'pvscsi',
             'scsi3:0.present': 'TRUE', 'scsi3:0.fileName': self.path(),
             'scsi3:0.mode': 'independent-persistent'},
            {key: keys[key] for key in keys if key not in before})
        self.assertEqual(dict(before.items()),
                         {key: keys[key] for key in before})
        self.assertEqual('TRUE', keys['disk.EnableUUID'])
        self.assertEqual('scsi0:0', keys['bios.hddOrder'])
        self.assertEqual(
            [disks.volume(IDS[0], self.path(), units.Gi, 'pvscsi',
                          'scsi3:0')], self.listed())

    def test_no_program_is_run(self):
        self.attach()
        self.detach()
        self.assertEqual([], self.vmrun.tool.method_calls)

    def test_again(self):
        self.attach()
        before = self.load(), self.listed()
        self.attach()
        self.assertEqual(before, (self.load(), self.listed()))

    def test_several_keep_their_places(self):
        infos = [self.make(volume_id) for volume_id in IDS[:3]]
        for info in infos:
            self.attach(info)
        self.detach(infos[1])
        self.assertEqual({'scsi3:0': self.path(IDS[0]),
                          'scsi3:2': self.path(IDS[2])}, self.attached())
        self.attach(infos[1])
        self.assertEqual(self.path(IDS[1]), self.attached()['scsi3:1'])

    def test_a_second_controller(self):
        for volume_id in IDS[:17]:
            self.attach(self.make(volume_id))
        self.assertEqual(
            ['scsi2:0', 'scsi2:1'],
            sorted(node for node in self.attached()
                   if node.startswith('scsi2')))
        self.assertNotIn('scsi3:7', self.attached())

    def test_a_disk_that_a_user_has_added_keeps_its_place(self):
        keys = self.load()
        keys.update({'scsi3.present': 'TRUE', 'scsi3.virtualDev': 'pvscsi',
                     'scsi3:0.present': 'TRUE',
                     'scsi3:0.fileName': '/home/user/own.vmdk'})
        host_files.write_atomically(self.layout.vmx(UUID), vmx.dump(keys))
        self.attach()
        self.assertEqual({'scsi2:0': self.path()}, self.attached())
        self.assertEqual('/home/user/own.vmdk',
                         self.load()['scsi3:0.fileName'])
        self.detach()
        self.assertEqual('/home/user/own.vmdk',
                         self.load()['scsi3:0.fileName'])

    def test_what_a_user_has_edited_is_corrected(self):
        self.attach()
        keys = self.load()
        keys.update({'scsi3:0.mode': 'persistent',
                     'scsi3.virtualDev': 'lsilogic'})
        host_files.write_atomically(self.layout.vmx(UUID), vmx.dump(keys))
        self.attach(self.make(IDS[1]))
        keys = self.load()
        self.assertEqual('independent-persistent', keys['scsi3:0.mode'])
        self.assertEqual('pvscsi', keys['scsi3.virtualDev'])


class RefusedTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.before = self.load()

    def refused(self, error, *words):
        raised = self.assertRaises(error, self.attach)
        for word in words:
            self.assertIn(word, str(raised))
        self.assertEqual(self.before, self.load())
        self.assertEqual([], self.listed())

    def test_a_running_server(self):
        self.start()
        locks.lock(self.layout.file(UUID, 'root.vmdk'))
        self.refused(exception.NotStopped, 'running', IDS[0])
        error = self.assertRaises(exception.InvalidInput,
                                  self.volumes.refuse_running, UUID)
        self.assertIn('Stop the server', str(error))

    def test_a_server_without_a_vm(self):
        self.volumes.refuse_running(hosts.OTHER)
        self.instance.uuid = hosts.OTHER
        self.assertRaises(exception.VmNotFound, self.attach)

    def test_a_stopped_server_is_not_refused(self):
        self.volumes.refuse_running(UUID)

    def test_a_product_that_could_do_it(self):
        self.start()
        self.assertRaises(exception.InvalidInput,
                          self.volumes.refuse_running, UUID)
        self.useFixture(fixtures.MockPatchObject(
            type(self.product), 'can_attach_running', True))
        self.volumes.refuse_running(UUID)

    def test_another_type(self):
        self.info['driver_volume_type'] = 'rbd'
        self.refused(exception.InvalidInput, 'rbd')

    def test_damage(self):
        os.truncate(self.info['data']['device_path'], 512)
        self.refused(exception.VolumeDamaged)

    def test_a_server_that_is_suspended_has_it(self):
        self.attach()
        listed = self.listed()
        self.detach()
        self.before = self.load()
        self.add_server(hosts.OTHER, vmx=hosts.VMX +
                        'checkpoint.vmState = "a.vmss"\n',
                        disks=disks.dump(listed))
        self.refused(exception.FileInUse, hosts.OTHER)

    def test_the_list_of_a_server_that_is_off_may_be_old(self):
        self.attach()
        listed = self.listed()
        self.detach()
        self.add_server(hosts.OTHER, disks=disks.dump(listed))
        self.attach()
        self.assertEqual(listed, self.listed())

    def test_what_cannot_be_written_is_undone(self):
        with mock.patch.object(
                self.definitions, 'write_volumes', side_effect=[
                    exception.InvalidInput('full'), None]):
            self.refused(exception.InvalidInput, 'full')
        self.assertEqual([(UUID, IDS[0])], self.connectors.disconnected)
        self.attach()
        self.assertEqual([], self.marked())


class DetachTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.before = self.load()
        self.attach()

    def test_the_vmx_is_as_it_was(self):
        self.detach()
        self.assertEqual(self.before, self.load())
        self.assertEqual([], self.listed())
        self.assertEqual([IDS[0]], self.marked())
        self.assertEqual([(UUID, IDS[0])], self.connectors.disconnected)
        self.assertTrue(os.path.exists(self.path()))
        self.detach()
        self.attach()
        self.assertEqual([], self.marked())

    def test_a_running_server(self):
        locks.lock(self.layout.file(UUID, 'root.vmdk'))
        error = self.assertRaises(exception.NotStopped, self.detach)
        self.assertIn('running', str(error))
        self.assertEqual({'scsi3:0': self.path()}, self.attached())
        self.assertEqual(1, len(self.listed()))
        self.assertEqual([], self.marked())

    def test_a_server_without_a_vm(self):
        self.instance.uuid = hosts.OTHER
        self.detach()
        self.assertEqual([(hosts.OTHER, IDS[0])],
                         self.connectors.disconnected)

    def test_a_vmx_that_is_lost(self):
        os.remove(self.layout.vmx(UUID))
        self.detach()
        self.assertEqual([], self.listed())
        self.assertFalse(os.path.exists(self.layout.vmx(UUID)))

    def test_a_volume_without_an_id(self):
        self.detach({'data': None})
        self.assertEqual({'scsi3:0': self.path()}, self.attached())

    def test_what_could_never_be_attached(self):
        self.info['data'].update(access_mode='ro', device_path='/gone')
        self.detach()
        self.assertEqual({}, self.attached())

    def test_a_snapshot_beside_the_volume(self):
        open(self.path().replace('.vmdk', '-000001.vmdk'), 'w').close()
        self.refused_for_a_snapshot()

    def test_a_snapshot_in_the_folder_of_the_server(self):
        keys = self.load()
        keys['scsi3:0.fileName'] = os.path.basename(self.path()).replace(
            '.vmdk', '-000001.vmdk')
        host_files.write_atomically(self.layout.vmx(UUID), vmx.dump(keys))
        self.refused_for_a_snapshot()

    def refused_for_a_snapshot(self):
        before = self.load()
        error = self.assertRaises(exception.HasSnapshots, self.detach)
        self.assertIn('-000001.vmdk', str(error))
        self.assertEqual(before, self.load())
        self.assertEqual(1, len(self.listed()))

    def test_a_crash_after_each_step(self):
        """The next detach does what is left."""
        for method in ('definitions.write_volumes', 'connectors.disconnect',
                       'disk_lists.remove'):
            part, name = method.split('.')
            with mock.patch.object(getattr(self, part), name,
                                   side_effect=KeyboardInterrupt):
                self.assertRaises(KeyboardInterrupt, self.detach)
            self.assertEqual([IDS[0]], self.marked())
            self.detach()
            self.assertEqual(({}, []), (self.attached(), self.listed()))
            self.attach()


class IdeTestCase(TestCase):
    """A guest that boots from IDE gets its volumes on SCSI."""

    DISK_BUS = 'ide'

    def test_the_root_disk_stays_the_boot_disk(self):
        self.attach()
        keys = self.load()
        self.assertEqual('lsilogic', keys['scsi3.virtualDev'])
        self.assertEqual('root.vmdk', keys['ide0:0.fileName'])
        self.assertEqual('ide0:0', keys['bios.hddOrder'])


class HostConnectorTestCase(TestCase):

    def test_what_cinder_gets(self):
        found = self.volumes.host_connector('one')
        self.assertEqual(('one', '192.0.2.1', False),
                         (found['host'], found['ip'], found['multipath']))
        self.assertTrue(found['initiator'].startswith('iqn.'))
        self.assertEqual(found, self.volumes.host_connector('one'))


class TagTestCase(TestCase):
    """A volume that has a tag."""

    def setUp(self):
        super().setUp()
        self.tag.return_value = 'data'
        self.written = self.useFixture(fixtures.MockPatchObject(
            self.tagged, 'written')).mock
        self.describe.return_value = 'metadata'

    def present(self):
        return [(device.tags, device.serial, device.bus.address)
                for device in device_tags.present(self.instance)]

    def test_it_comes_and_goes(self):
        self.attach()
        self.assertEqual([(['data'], IDS[0], '3:0:0:0')], self.present())
        uuid, metadata, described = self.written.call_args[0]
        self.assertEqual((UUID, 'metadata'), (uuid, metadata))
        self.assertEqual(device_tags.present(self.instance), described)
        self.tag.return_value = None
        self.attach(self.make(IDS[1]))
        self.detach()
        self.assertEqual([], self.present())
        self.assertEqual([], self.written.call_args[0][2])

    def test_the_guest_learns_it_before_the_vmx_names_the_volume(self):
        self.written.return_value.__enter__.side_effect = KeyboardInterrupt
        self.assertRaises(KeyboardInterrupt, self.attach)
        self.assertEqual({}, self.attached())
        self.instance.save.assert_not_called()

    def test_a_drive_that_cannot_be_written(self):
        self.written.side_effect = exception.FileSystemFailed('full')
        self.assertRaises(exception.FileSystemFailed, self.attach)
        self.assertEqual(({}, []), (self.attached(), self.listed()))
        self.assertEqual([], self.present())

    def test_a_server_without_a_config_drive(self):
        self.records.change(UUID, disks=[])
        for refused in (self.attach, lambda: self.volumes.refuse_tag(
                self.instance, 'data')):
            error = self.assertRaises(exception.InvalidInput, refused)
            self.assertIn('no config drive', error.details)
        self.volumes.refuse_tag(self.instance, None)
        self.assertEqual([], self.listed())

    def test_a_server_that_is_elsewhere(self):
        """Nova also asks for names before it builds a server."""
        self.instance.uuid = hosts.OTHER
        self.volumes.refuse_tag(self.instance, 'data')
