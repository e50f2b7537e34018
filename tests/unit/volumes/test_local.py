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
from nova_vmrun.host import files as host_files
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import connectors
from nova_vmrun.volumes import local
from tests.unit import base
from tests.unit import locks
from tests.unit.volumes import files

SERVER = '11111111-2222-3333-4444-555555555555'


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = os.path.realpath(
            self.useFixture(fixtures.TempDir()).path)
        self.connector = local.LocalConnector([self.folder])
        self.info = files.make(self.folder)
        self.extent = self.info['data']['device_path']
        self.descriptor = self.extent.replace('-flat', '')

    def connect(self, **data):
        self.info['data'].update(data)
        volume = connection.parse(self.info)
        self.connector.check(volume)
        return self.connector.connect(SERVER, volume, 'lsilogic')

    def refused(self, error, *words, **data):
        raised = self.assertRaises(error, self.connect, **data)
        for word in words:
            self.assertIn(word, str(raised))
        self.assertTrue(raised.resolution)


class ConnectTestCase(TestCase):

    def test_the_descriptor_is_shown_as_it_is(self):
        before = {name: os.stat(os.path.join(self.folder, name)).st_mtime_ns
                  for name in os.listdir(self.folder)}
        self.assertEqual(connectors.Shown(self.descriptor, units.Gi),
                         self.connect())
        self.connector.disconnect(SERVER, files.ID)
        self.assertEqual(before, {
            name: os.stat(os.path.join(self.folder, name)).st_mtime_ns
            for name in os.listdir(self.folder)})

    def test_the_folder_may_be_a_link(self):
        link = self.useFixture(fixtures.TempDir()).join('link')
        os.symlink(self.folder, link)
        self.connector = local.LocalConnector([link])
        shown = self.connect(device_path=os.path.join(
            link, os.path.basename(self.extent)))
        self.assertEqual(self.descriptor, shown.descriptor)

    def test_a_back_end_may_not_say_the_size(self):
        self.assertEqual(units.Gi, self.connect(size=None).size)


class DescribeTestCase(TestCase):
    """Descriptors that describe the volume in another way."""

    def describe(self, sectors=2097152, adapter='lsilogic'):
        self.info = files.make(self.folder, **{
            'RW 2097152': 'RW %d' % sectors,
            '"lsilogic"': '"%s"' % adapter})

    def described(self):
        return host_files.read(self.descriptor).decode()

    def test_one_that_is_missing_is_made(self):
        os.remove(self.descriptor)
        self.assertEqual(units.Gi, self.connect().size)
        self.assertIn('RW 2097152 FLAT "%s" 0' % os.path.basename(
            self.extent), self.described())
        self.assertEqual(0o600, os.stat(self.descriptor).st_mode & 0o777)

    def test_an_extension_that_was_cut_short_is_finished(self):
        self.describe(sectors=2048)
        self.assertEqual(units.Gi, self.connect().size)
        self.assertIn('RW 2097152 FLAT', self.described())

    def test_a_guest_may_use_more_than_cinder_says(self):
        os.truncate(self.extent, 2 * units.Gi)
        self.info['data']['size'] = 1
        self.assertEqual(units.Gi, self.connect().size)
        text = self.described().replace('RW 2097152', 'RW 4194304')
        host_files.write_atomically(self.descriptor, text)
        self.assertEqual(2 * units.Gi, self.connect().size)
        self.assertEqual(text, self.described())

    def test_the_controller_of_the_boot_disk(self):
        volume = connection.parse(self.info)
        self.connector.connect(SERVER, volume, 'ide')
        self.assertIn('ddb.adapterType = "ide"', self.described())

    def test_nothing_is_written_while_a_vm_has_it(self):
        self.describe(sectors=2048)
        locks.lock(self.descriptor)
        self.refused(exception.FileInUse)
        self.assertIn('RW 2048 FLAT', self.described())

    def test_a_check_writes_nothing(self):
        self.describe(sectors=2048)
        self.connector.check(connection.parse(self.info))
        self.assertIn('RW 2048 FLAT', self.described())


class PathTestCase(testscenarios.TestWithScenarios, TestCase):

    scenarios = [(str(number), {'path': path}) for number, path in enumerate((
        None, '', 7, 'volume-flat.vmdk', '/etc/passwd', '/a\n-flat.vmdk',
        '/a"-flat.vmdk', '/nowhere/volume-flat.vmdk', ['/a-flat.vmdk']))]

    def test_refused(self):
        self.refused(exception.InvalidInput, files.ID, device_path=self.path)


class FolderTestCase(TestCase):

    def test_another_folder(self):
        other = self.useFixture(fixtures.TempDir()).path
        info = files.make(other)
        self.refused(exception.InvalidInput, 'volume_folders', **info['data'])

    def test_a_folder_below(self):
        below = os.path.join(self.folder, 'below')
        os.mkdir(below)
        info = files.make(below)
        self.refused(exception.InvalidInput, **info['data'])

    def test_a_path_that_leads_out(self):
        other = self.useFixture(fixtures.TempDir()).path
        files.make(other)
        self.refused(
            exception.InvalidInput, 'volume_folders',
            device_path=os.path.join(self.folder, '..', os.path.basename(
                other), os.path.basename(self.extent)))

    def test_no_folder_at_all(self):
        self.connector = local.LocalConnector([])
        self.refused(exception.InvalidInput, 'volume_folders')


class DamageTestCase(TestCase):

    def damaged(self, *words, **data):
        self.refused(exception.VolumeDamaged, files.ID, *words, **data)

    def test_no_file(self):
        os.remove(self.extent)
        self.damaged('No such file')

    def test_a_shorter_file(self):
        os.truncate(self.extent, units.Gi - 512)
        self.damaged('%d bytes' % (units.Gi - 512))

    def test_smaller_than_cinder_says(self):
        self.damaged('2147483648', size=2)

    def test_a_file_without_content(self):
        os.truncate(self.extent, 0)
        self.damaged('0 bytes', size=None)

    def test_half_a_sector(self):
        os.truncate(self.extent, units.Gi + 1)
        self.damaged(size=None)

    def test_links(self):
        other = self.extent + '.other'
        os.link(self.extent, other)
        self.damaged('single name')
        os.remove(self.extent)
        os.symlink(other, self.extent)
        self.damaged('single name')

    def test_a_file_of_another_user(self):
        self.useFixture(fixtures.MockPatch('os.geteuid', return_value=4711))
        self.damaged('does not belong')

    def test_a_file_that_others_may_write_to(self):
        os.chmod(self.extent, 0o666)
        self.damaged('others may write')

    def test_a_folder_and_a_device(self):
        os.remove(self.extent)
        os.mkdir(self.extent)
        self.damaged('single name')

    def test_a_descriptor_that_is_a_link(self):
        os.rename(self.descriptor, self.descriptor + '.other')
        os.symlink(self.descriptor + '.other', self.descriptor)
        self.damaged('is not a small file')

    def test_a_descriptor_that_is_large(self):
        os.truncate(self.descriptor, 1 << 20)
        self.damaged('is not a small file')

    def test_a_descriptor_that_is_no_text(self):
        host_files.write_atomically(self.descriptor, b'\xff\xfe' * 99)
        self.damaged('cannot be used')


class DescriptorTestCase(testscenarios.TestWithScenarios, TestCase):

    scenarios = [(old, {'old': old, 'new': new}) for old, new in (
        ('FLAT "volume-', 'FLAT "/etc/volume-'),
        ('-flat.vmdk', '-other.vmdk'),
        ('FLAT', 'SPARSE'), ('RW', 'RDONLY'), ('" 0', '" 1'),
        ('RW 2097152', 'RW 2097153'),
        ('monolithicFlat', 'fullDevice'),
        ('parentCID=ffffffff', 'parentCID=12345678'),
        ('parentCID=ffffffff',
         'parentCID=ffffffff\nparentFileNameHint="/etc/passwd"'),
        ('RW 2097152', 'RW 1 FLAT "/etc/passwd" 0\nRW 2097152'))]

    def test_one_that_shows_something_else(self):
        self.info = files.make(self.folder, **{self.old: self.new})
        self.refused(exception.VolumeDamaged, 'descriptor')
