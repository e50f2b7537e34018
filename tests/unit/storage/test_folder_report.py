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
import shutil

import fixtures

from nova_vmrun import exception
from nova_vmrun.host import responsive
from nova_vmrun.server import layout as layouts
from nova_vmrun.storage import folder_identity
from nova_vmrun.storage import folder_report
from tests.unit import base
from tests.unit.storage import storages

State = folder_report.State
MIB = 1 << 20


class FolderReportTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        for name in ('ssd', 'usb'):
            os.mkdir(os.path.join(self.root, name))
        self.layout = layouts.Layout(os.path.join(self.root, 'instances'),
                                     '_base')
        self.layout.prepare()

    def folders(self, **options):
        return storages.folders(
            self.layout, 'ssd,quick,new:' + os.path.join(self.root, 'ssd'),
            'usb:' + os.path.join(self.root, 'usb'), **options)

    def report(self, folders, servers=()):
        return folder_report.make(folders, dict(servers))

    def test_folders_in_use(self):
        folders = self.folders(regex='default|ssd')
        folders.check()
        image = os.path.join(self.root, 'ssd', '_base', 'image')
        os.mkdir(image)
        with open(os.path.join(image, 'disk-1.vmdk'), 'wb') as file:
            file.write(b'x' * MIB)
        ssd = folders.others[0].identity
        default, quick, usb = self.report(
            folders, {None: {'b', 'a'}, ssd: {'c'}})
        self.assertEqual(
            [('default', [], State.READY, ['a', 'b']),
             ('ssd', ['new', 'quick'], State.READY, ['c']),
             ('usb', [], State.NO_NEW_DISKS, [])],
            [(each.name, each.tags, each.state, each.servers)
             for each in (default, quick, usb)])
        self.assertEqual(os.path.join(self.root, 'ssd'), quick.path)
        self.assertEqual(shutil.disk_usage(self.root).total, quick.total)
        self.assertLess(0, quick.free)
        self.assertLess(MIB - 1, quick.cached)
        self.assertEqual(0, usb.cached)

    def test_a_folder_that_is_new_stays_new(self):
        _default, ssd, _usb = self.report(self.folders())
        self.assertIs(State.NEW, ssd.state)
        self.assertLess(0, ssd.free)
        self.assertEqual([], os.listdir(ssd.path))
        self.assertFalse(os.path.exists(self.layout.known_storage()))

    def test_servers_of_instances_path_are_not_those_of_a_new_folder(self):
        _default, ssd, _usb = self.report(self.folders(), {None: {'a'}})
        self.assertEqual([], ssd.servers)

    def test_a_folder_that_does_not_exist(self):
        os.rmdir(os.path.join(self.root, 'ssd'))
        self.assertIs(State.MISSING, self.report(self.folders())[1].state)

    def test_unplugged(self):
        folders = self.folders()
        folders.check()
        os.remove(os.path.join(self.root, 'usb', folder_identity.FILE))
        usb = self.report(folders, {folders.others[1].identity: {'a'}})[2]
        self.assertIs(State.MISSING, usb.state)
        self.assertEqual((None, None, None, ['a']),
                         (usb.total, usb.free, usb.cached, usb.servers))

    def test_a_folder_that_hangs(self):
        folders = self.folders()
        folders.check()
        self.useFixture(fixtures.MockPatchObject(
            responsive, 'call',
            side_effect=exception.FileSystemFailed('It hangs.')))
        states = [each.state for each in self.report(folders)]
        self.assertEqual([State.READY, State.MISSING, State.MISSING], states)
