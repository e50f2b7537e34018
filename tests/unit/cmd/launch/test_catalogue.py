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

import pathlib

import fixtures

from nova_vmrun.catalog import table
from nova_vmrun.cmd.launch import catalogue
from nova_vmrun import exception
from nova_vmrun.formats import guestos
from tests.unit import base

ENTRY = '''
[mine-1]
user = "me"
min_disk = 2
min_memory = 256
[mine-1.builds.amd64]
address = "http://example.org/mine.img"
'''


class OwnImagesTestCase(base.TestCase):
    """The entries that come with nova-vmrun."""

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.EnvironmentVariable(
            'XDG_CONFIG_HOME', self.useFixture(fixtures.TempDir()).path))
        self.entries = catalogue.load().entries

    def builds(self):
        for entry in self.entries.values():
            for architecture, build in entry.builds.items():
                yield entry, architecture, build

    def test_systems_that_people_ask_for(self):
        for name in ('debian-11', 'debian-12', 'debian-13', 'ubuntu-22.04',
                     'ubuntu-24.04', 'fedora-43', 'centos-stream-9',
                     'rocky-9', 'alma-9', 'opensuse-leap-15.6', 'arch',
                     'alpine-3.22', 'cirros-0.6.3', 'freebsd-14.3'):
            self.assertIn(name, self.entries)

    def test_each_is_encrypted_and_has_checksums(self):
        for entry, architecture, build in self.builds():
            self.assertTrue(build.address.startswith('https://'), build)
            self.assertTrue(build.checksums.startswith('https://'), build)

    def test_each_address_names_its_architecture(self):
        words = {'amd64': ('amd64', 'x86_64'), 'arm64': ('arm64', 'aarch64')}
        for entry, architecture, build in self.builds():
            self.assertTrue(any(word in build.address
                                for word in words[architecture]), build)

    def test_checksums_are_beside_the_image(self):
        for entry, architecture, build in self.builds():
            folder, _, name = build.address.rpartition('/')
            self.assertEqual(folder, build.checksums.rpartition('/')[0])
            self.assertEqual(
                entry.checksum_format is catalogue.ChecksumFormat.SINGLE,
                build.checksums.startswith(build.address), build)

    def test_no_address_is_used_twice(self):
        addresses = [build.address for _, _, build in self.builds()]
        self.assertEqual(len(set(addresses)), len(addresses))

    def test_driver_knows_the_properties(self):
        for entry in self.entries.values():
            for name in entry.properties:
                self.assertIsNotNone(table.find(name, table.IMAGE), name)

    def test_each_says_what_the_guest_is(self):
        for entry in self.entries.values():
            self.assertIn('image property os_distro',
                          guestos.choose(entry.properties).origin, entry.name)


class OwnFileTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.EnvironmentVariable('XDG_CONFIG_HOME',
                                                     folder))
        self.path = pathlib.Path(folder, 'nova-vmrun', 'images.toml')
        self.path.parent.mkdir()

    def test_entries_are_added(self):
        self.path.write_text(ENTRY)
        entry = catalogue.load().find('Mine-1')
        self.assertEqual('mine-1', entry.title)
        self.assertEqual(catalogue.CLOUD_INIT_IS_READY, entry.ready)
        self.assertEqual(
            catalogue.Build('http://example.org/mine.img', None),
            entry.build('amd64'))
        self.assertIsNotNone(catalogue.load().find('debian-12'))

    def test_entry_is_replaced(self):
        self.path.write_text(ENTRY.replace('mine-1', 'debian-12'))
        self.assertEqual('me', catalogue.load().find('debian-12').user)

    def test_file_that_is_named_must_exist(self):
        self.assertRaises(FileNotFoundError, catalogue.load,
                          self.path.parent / 'missing.toml')

    def test_file_that_is_no_text(self):
        self.path.write_bytes(b'\xff')
        self.assertRaises(exception.InvalidInput, catalogue.load)


class EntryTestCase(base.TestCase):

    def refused(self, text):
        return str(self.assertRaises(
            exception.InvalidInput, catalogue.parse_entries, text, 'my file'))

    def test_no_toml(self):
        self.assertIn('my file', self.refused('a = '))

    def test_no_table(self):
        self.assertIn('is not a table', self.refused('a = 1'))

    def test_wrong_values(self):
        for old, new in (
                ('mine-1', '"../mine"'), ('"me"', '"a b"'), ('"me"', '""'),
                ('"me"', '1'), ('= 2', '= 0'), ('= 2', '= true'),
                ('= 256', '= "256"'), ('http://', 'file://'),
                ('http://example.org', 'http://'), ('amd64', 'vax'),
                ('[mine-1.builds.amd64]\naddress', 'address'),
                ('min_disk', 'algorithm = "sha1"\nmin_disk'),
                ('min_disk', 'checksum_format = "xml"\nmin_disk'),
                ('min_disk', 'ready = "("\nmin_disk'),
                ('min_disk', 'title = "a\\u001b"\nmin_disk'),
                ('min_disk', 'properties = { "A b" = "c" }\nmin_disk'),
                ('min_disk', 'properties = { os_distro = 1 }\nmin_disk'),
                ('min_disk', 'colour = "red"\nmin_disk')):
            self.assertIn('my file', self.refused(ENTRY.replace(old, new)),
                          (old, new))

    def test_missing_values(self):
        for line in ('user = "me"', 'min_disk = 2', 'min_memory = 256',
                     'address = "http://example.org/mine.img"'):
            self.assertIn('no value for', self.refused(
                ENTRY.replace(line, '')), line)

    def test_architecture_that_is_missing(self):
        entry = catalogue.parse_entries(ENTRY, 'my file')['mine-1']
        error = self.assertRaises(exception.InvalidInput, entry.build,
                                  'arm64')
        self.assertIn('There is one for amd64', str(error))


class CloseNamesTestCase(base.TestCase):

    def close(self, name):
        return catalogue.load().close_names(name)

    def test_name_without_version(self):
        self.assertEqual(['debian-11', 'debian-12', 'debian-13'],
                         self.close('Debian'))

    def test_misspelt_name(self):
        self.assertIn('debian-12', self.close('debain-12'))

    def test_nothing_like_it(self):
        self.assertEqual([], self.close('xyzzy'))


class AddressTestCase(base.TestCase):

    def test_addresses(self):
        for text, expected in (('https://a/b', True), ('http://a', True),
                               ('/a/b', False), ('a:b', False),
                               ('file:///a', False), ('debian-12', False)):
            self.assertEqual(expected, catalogue.is_address(text), text)
