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

import dataclasses
import os
import stat
import types
from unittest import mock

import fixtures
from nova.network import model
import testscenarios

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.ops import consoles
from nova_vmrun.ops import definition
from nova_vmrun.ops import drives
from nova_vmrun.ops import guest_info
from nova_vmrun.ops import networks
from nova_vmrun.ops import serial_consoles
from nova_vmrun.server import disks
from nova_vmrun.server import vmx_file
from nova_vmrun.system import linux
from tests.unit.ops import hosts
from tests.unit import stubs

UUID = hosts.UUID


def instance(name='web', extra_specs=None, **system_metadata):
    return types.SimpleNamespace(
        uuid=UUID, name='instance-1', display_name=name,
        system_metadata=system_metadata,
        flavor=types.SimpleNamespace(
            vcpus=2, memory_mb=130, extra_specs=extra_specs or {}))


class Base(hosts.TestCase):

    def setUp(self):
        super().setUp()
        conf = stubs.conf(
            default_guestos='otherlinux-64', desktop_integration=False,
            template_dirs=[], vmnet_mappings={}, default_vmnet='nat',
            console_delay_seconds=0.5)
        screens = mock.create_autospec(consoles.Consoles, instance=True)
        screens.listen_address = '127.0.0.1'
        screens.port_of.side_effect = (
            lambda uuid: self.records.get(uuid).vnc_port)
        self.definitions = definition.Definitions(
            self.host(types.SimpleNamespace(vmrun=conf)), self.servers,
            self.make_access(
                consoles=screens,
                guest_info=guest_info.GuestInfo(conf, self.layout),
                serial_consoles=serial_consoles.SerialConsoles(
                    self.host(stubs.serial_conf()), self.servers)),
            drives.Drives(self.host(), self.servers, self.images()),
            networks.Networks(conf, stubs.HostNetworks(), None, self.product))

    def add_folder(self, *names):
        """Makes a server's folder with some files, but without a .vmx."""
        self.records.create(UUID, 'instance-1', 5900)
        for name in ('root.vmdk',) + names:
            files.write_atomically(
                os.path.join(self.layout.folder(UUID), name), '')

    def write(self, network=(), **options):
        self.definitions.write(
            self.definitions.draft(instance(**options), {}), network)
        return self.load()

    def load(self):
        return vmx.load(files.read(self.layout.vmx(UUID)))

    def change(self, **keys):
        """Does what VMware, or an operator, does to a .vmx."""
        live = self.load()
        for key, value in keys.items():
            live[key.replace('__', ':').replace('_', '.')] = value
        files.write_atomically(self.layout.vmx(UUID), vmx.dump(live))


class GuestAgentTestCase(Base):

    def serials(self, **image):
        draft = self.definitions.draft(instance(), image)
        self.definitions.write(draft, ())
        keys = self.load()
        return [keys.get('serial%d.fileName' % number)
                for number in range(4)]

    def test_a_port_of_its_own(self):
        self.add_folder()
        self.assertEqual(['console.log', None, None, None], self.serials())
        self.assertEqual(
            ['console.log', self.layout.agent_socket(UUID), 'serial1.log',
             None],
            self.serials(hw_qemu_guest_agent='yes',
                         hw_serial_port_count='2'))

    def test_who_installs_one(self):
        for image, expected in (
                ({'hw_qemu_guest_agent': 'yes'}, True), ({}, False),
                ({'hw_qemu_guest_agent': 'yes', 'os_type': 'windows'},
                 False)):
            self.assertIs(expected, self.definitions.draft(
                instance(), image).installs_agent)

    def test_a_path_that_is_too_long(self):
        self.add_folder()
        self.useFixture(fixtures.MockPatchObject(
            linux.Linux, 'longest_socket_path', 20))
        draft = self.definitions.draft(instance(),
                                       {'hw_qemu_guest_agent': 'yes'})
        self.assertRaises(exception.InvalidConfiguration,
                          self.definitions.check_new, draft, (), ())
        # A server that exists is started without it.
        self.assertEqual(['console.log', None, None, None],
                         self.serials(hw_qemu_guest_agent='yes'))


class WriteTestCase(Base):

    def test_data_for_the_guest_are_kept(self):
        self.add_folder()
        files.write_atomically(
            self.layout.guest_info(UUID),
            '{"guestinfo": {"metadata": "eA=="}, "machine_id": "a;b#"}')
        for _ in range(2):
            written = self.write()
            self.assertEqual(('eA==', 'a;b#'), (
                written['guestinfo.metadata'], written['machine.id']))
            self.assertEqual(0o600, stat.S_IMODE(
                os.stat(self.layout.vmx(UUID)).st_mode))

    def test_where_the_disks_will_be(self):
        self.add_folder('ephemeral0.vmdk', 'swap.vmdk', 'cd0.iso',
                        'floppy.flp', 'config-drive.iso')
        listed = self.disk_lists.get(UUID)
        placed = self.definitions.place(
            self.definitions.draft(instance(), {}), listed)
        written = self.write()
        self.assertEqual([disk.path for disk in listed],
                         [disk.path for disk in placed])
        for disk in placed:
            if disk.device is not disks.Device.FLOPPY:
                self.assertEqual(disk.path, written[disk.node + '.fileName'])

    def test_the_record_says_where_the_disks_are(self):
        self.add_folder('swap.vmdk')
        self.write()
        swap = self.disk_lists.find(UUID, disks.Origin.SWAP)
        self.assertEqual(('lsilogic', 'scsi0:1'), (swap.bus, swap.node))
        self.change(scsi0__1_present='FALSE', scsi0__5_present='TRUE',
                    scsi0__5_fileName='swap.vmdk')
        self.write()
        self.assertEqual('scsi0:5', self.disk_lists.find(
            UUID, disks.Origin.SWAP).node)

    def test_disks_keep_their_places_when_the_vmx_is_lost(self):
        self.add_folder('swap.vmdk')
        self.write()
        self.disk_lists.add(UUID, dataclasses.replace(
            self.disk_lists.find(UUID, disks.Origin.SWAP), node='scsi0:5'))
        os.remove(self.layout.vmx(UUID))
        self.assertEqual('swap.vmdk', self.write()['scsi0:5.fileName'])

    def test_a_place_on_another_bus_does_not_count(self):
        self.add_folder()
        self.disk_lists.add(UUID, dataclasses.replace(
            disks.root(1, 'ide'), node='ide0:1'))
        self.assertEqual('root.vmdk', self.write()['scsi0:0.fileName'])

    def test_a_disk_of_somebody_else_is_attached_where_it_lies(self):
        self.add_folder()
        self.disk_lists.add(UUID, disks.Disk(
            'volume', '/volumes/one.vmdk', disks.Origin.EPHEMERAL,
            deleted_with_server=False))
        self.assertEqual('/volumes/one.vmdk',
                         self.write()['scsi0:1.fileName'])

    def test_settings_from_nova(self):
        self.add_folder()
        written = self.write(name='web "1"', network=[model.VIF(
            id='port', address='fa:16:3e:00:00:01', type='vmrun',
            network=model.Network(id='net', physical_network='p'))])
        self.assertEqual(
            ['web "1"', '132', '2', '5900', 'fa:16:3e:00:00:01'],
            [written[key] for key in (
                'displayName', 'memsize', 'numvcpus',
                'RemoteDisplay.vnc.port', 'ethernet0.address')])

    def test_seconds_until_a_key_repeats_are_microseconds_for_vmware(self):
        self.add_folder()
        self.assertEqual('500000',
                         self.write()['keyboard.typematicMinDelay'])

    def test_files_in_the_folder_are_named_without_a_path(self):
        self.add_folder('ephemeral0.vmdk', 'swap.vmdk', 'cd0.iso', 'cd1.iso',
                        'config-drive.iso', 'floppy.flp')
        names = [value for key, value in self.write().items()
                 if key.lower().endswith('filename')]
        self.assertEqual(
            ['cd0.iso', 'cd1.iso', 'config-drive.iso', 'console.log',
             'ephemeral0.vmdk', 'floppy.flp', 'root.vmdk', 'swap.vmdk'],
            sorted(name for name in names if '.' in name))

    def test_the_text_for_the_person_who_debugs_is_kept(self):
        self.add_folder()
        self.write()
        for path in (self.layout.vmx(UUID), self.layout.rendered(UUID)):
            self.assertEqual(0o600, stat.S_IMODE(os.stat(path).st_mode))
        self.assertEqual(files.read(self.layout.vmx(UUID)),
                         files.read(self.layout.rendered(UUID)))

    def test_keys_added_by_vmware_are_kept(self):
        self.add_folder()
        self.write()
        location = '56 4d 1a 2b 3c 4d 5e 6f-70 81 92 a3 b4 c5 d6 e7'
        self.change(uuid_location=location, vmci0_id='42')
        written = self.write()
        self.assertEqual((location, '42'),
                         (written['uuid.location'], written['vmci0.id']))

    def test_a_crash_before_the_vmx_makes_nothing_of_ours_vmwares(self):
        """What is not there any more goes when it is written again."""
        self.add_folder()
        port = model.VIF(id='port', address='fa:16:3e:00:00:01', type='vmrun',
                         network=model.Network(id='net'))
        self.assertIn('ethernet0.address', self.write(network=[port]))
        write = files.write_atomically

        def crash(path, *content):
            if path == self.layout.vmx(UUID):
                raise ZeroDivisionError()
            write(path, *content)

        with mock.patch.object(files, 'write_atomically', crash):
            self.assertRaises(ZeroDivisionError, self.write)
        self.assertNotIn('ethernet0.address', self.write())
        self.assertNotIn(b'ethernet0',
                         files.read(self.layout.rendered(UUID)))

    def test_changes_of_nova_are_written(self):
        self.add_folder()
        self.write(name='old')
        self.assertEqual('new', self.write(name='new')['displayName'])


class RewriterTestCase(Base):

    def rewriter(self):
        return self.definitions.rewriter(instance(), ())

    def rewrite(self, rewrite=None):
        rewrite = rewrite or self.rewriter()
        with vmx_file.VmxFiles(self.layout).opened(UUID) as file:
            rewrite(file)

    def test_nothing_is_written_before_it_is_called(self):
        self.add_folder()
        rewrite = self.rewriter()
        self.assertFalse(os.path.exists(self.layout.vmx(UUID)))
        self.rewrite(rewrite)
        self.assertEqual('web', self.load()['displayName'])

    def test_a_lost_vmx_of_a_server_with_snapshots(self):
        """Only the .vmx says which of the disks is in use."""
        self.add_folder('root-000001.vmdk')
        error = self.assertRaises(exception.VmrunError, self.rewriter)
        self.assertIn('root-000001.vmdk', error.details)
        self.assertIn(UUID, error.brief)

    def test_a_disk_that_goes_on_from_a_snapshot_stays(self):
        self.add_folder('root-000001.vmdk')
        self.write()
        self.change(scsi0__0_fileName='root-000001.vmdk')
        self.rewrite()
        self.assertEqual('root-000001.vmdk',
                         self.load()['scsi0:0.fileName'])

    def test_a_vmx_that_cannot_be_read(self):
        self.add_folder()
        files.write_atomically(self.layout.vmx(UUID), 'half of a li')
        error = self.assertRaises(exception.VmrunError, self.rewriter)
        self.assertIn(UUID, error.brief)
        self.assertEqual(b'half of a li',
                         files.read(self.layout.vmx(UUID)))

    def test_without_what_was_rendered_it_still_works(self):
        self.add_folder()
        self.write()
        os.remove(self.layout.rendered(UUID))
        self.rewrite()
        self.assertTrue(os.path.exists(self.layout.rendered(UUID)))


class HostileNameTestCase(testscenarios.TestWithScenarios, Base):
    """Nova's API lets some of these pass."""

    scenarios = [('U+%04X' % ord(character), {'character': character})
                 for character in '\0\x01\n\x0b\x0c\r\x1b\x1f\x7f\ud800']

    def test_refused_before_anything_is_made(self):
        error = self.assertRaises(
            exception.InvalidInput, self.definitions.draft, instance(
                name='a%sevil = "TRUE"' % self.character), {})
        self.assertIn('haracter', str(error))


class HarmlessNameTestCase(testscenarios.TestWithScenarios, Base):

    scenarios = [(ascii(name), {'name': name}) for name in (
        '"quoted"', 'a|b', '|22', '|0A', '#none', 'a = b', ' edges ', '\t',
        '\u2603 \U0001f600', '\u2028', '\u202e', "'", '\\', '{{ 7 * 7 }}',
        '%s', '${x}', 'x' * 255)]

    def test_it_arrives(self):
        self.add_folder()
        written = self.write(name=self.name)
        self.assertEqual(self.name, written['displayName'])
