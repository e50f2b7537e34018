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
import types
from unittest import mock

import fixtures

from nova_vmrun import exception
from nova_vmrun.formats import vmnets
from nova_vmrun.host import files
from nova_vmrun.host import kernel_modules
from nova_vmrun.host import product
from nova_vmrun.host import x_libraries
from nova_vmrun import hypervisor
from nova_vmrun.ops import serial_consoles
from nova_vmrun.server import network_card
from nova_vmrun.server import records
from nova_vmrun.server import states
from nova_vmrun import system
from tests.unit import base
from tests.unit import stubs

UUID = '11111111-2222-3333-4444-555555555555'


class HypervisorTestCase(base.TestCase):

    config_drive_format = 'iso9660'

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path + '/instances'
        self.product = product.Product(product.WORKSTATION, (17, 6, 4),
                                       '/usr/bin/vmrun', None)
        self.detect = self.useFixture(fixtures.MockPatchObject(
            product, 'detect', side_effect=lambda *args: self.product)).mock
        for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
            self.useFixture(fixtures.EnvironmentVariable(name))

    def make(self, compute_id='this-node', begin=True, **own):
        conf = types.SimpleNamespace(
            instances_path=self.root, use_cow_images=True, my_ip='10.0.0.1',
            disk_allocation_ratio=None,
            config_drive_format=self.config_drive_format,
            image_cache=types.SimpleNamespace(subdirectory_name='_base'),
            compute=types.SimpleNamespace(vmdk_allowed_types=[]),
            vnc=types.SimpleNamespace(
                enabled=True, server_listen='127.0.0.1',
                server_proxyclient_address='127.0.0.1'),
            serial_console=types.SimpleNamespace(
                enabled=False, proxyclient_address='127.0.0.1'),
            vmrun=stubs.conf(**dict(dict(
                qemu_img_path='qemu-img', vnc_port_range='5900:5999',
                vnc_insecure_listen=False, vmnet_mappings={},
                default_vmnet='nat', use_linked_clone=True, cache_prefix='',
                template_dirs=[], default_guestos='otherlinux-64',
                desktop_integration=False), **own)))
        made = hypervisor.Hypervisor(conf, compute_id, 'here')
        if begin:
            made.begin(lambda event: None)
            self.addCleanup(made.close)
            made.finish_interrupted()
        return made

    def test_start_only_runs_programs_that_detect_the_product(self):
        self.assertEqual(0, self.make().runner.started.total())
        self.assertEqual(1, self.detect.call_count)

    def test_a_command_neither_listens_nor_needs_a_display(self):
        """It works beside nova-compute, over ssh."""
        begin = self.useFixture(fixtures.MockPatchObject(
            serial_consoles.SerialConsoles, 'begin')).mock
        self.make(begin=False, show_gui=True)
        self.assertFalse(begin.called)
        self.make()
        begin.assert_called_once_with()

    def test_nova_compute_listens_and_hears_of_its_servers(self):
        self.make().records.create(UUID, 'instance-1')
        made = self.make(begin=False)
        parts = mock.Mock()
        for name in ('consoles', 'serial_consoles', 'events'):
            setattr(made, name, getattr(parts, name))
        made.begin(print)
        parts.consoles.begin.assert_called_once_with()
        parts.serial_consoles.begin.assert_called_once_with()
        parts.events.begin.assert_called_once_with(print, [UUID])
        made.close()
        parts.serial_consoles.end.assert_called_once_with()
        parts.events.end.assert_called_once_with()

    def test_other_hosts_learn_which_networks_there_are(self):
        made = self.make(vmnet_mappings={'physnet1': 'vmnet8'})
        found = self.useFixture(fixtures.MockPatchObject(
            made.networks._vmware, 'all', return_value=[])).mock

        def told():
            return network_card.parse(
                files.read(made.layout.node('this-node')).decode())

        self.assertIsNone(told())
        made.tell_of_networks()
        self.assertEqual(network_card.NetworkCard(
            'ws', {'physnet1': 'vmnet8'}, 'nat', {}), told())
        with mock.patch.object(files, 'write_atomically') as write:
            made.tell_of_networks()
            self.assertFalse(write.called)
            found.return_value = [vmnets.Vmnet('vmnet0', 'bridged')]
            write.side_effect = OSError(28, 'No space left on device')
            made.tell_of_networks()
        self.assertIn('No space left on device', self.log.output)
        made.tell_of_networks()
        self.assertEqual({'vmnet0': None}, told().ranges)

    def test_the_log_says_what_keeps_every_server_from_starting(self):
        for is_installed in (False, True):
            with mock.patch.multiple(
                    kernel_modules, is_installed=lambda: is_installed,
                    missing_devices=lambda: ['/dev/vmmon'],
            ), mock.patch.object(
                    x_libraries, 'missing_libraries',
                    lambda: ['libXi.so.6']):
                self.make()
            for name in ('/dev/vmmon', 'libXi.so.6'):
                self.assertEqual(is_installed, name in self.log.output)

    def test_the_end_of_a_vm_that_is_on_is_watched(self):
        made = self.make(begin=False)
        record = records.Record(UUID, 'instance-1', 'this-node')
        made.states = mock.Mock()
        for state in states.State:
            made.events = mock.Mock()
            made.states.get.return_value = state
            self.assertIs(state, made.state(record, use_cache=True))
            self.assertEqual(state in states.ON, made.events.watch.called)

    def test_old_virtual_hardware_has_no_secure_boot(self):
        for version, has in (((17, 6, 4), True), ((12, 0, 0), False)):
            self.product = product.Product(product.WORKSTATION, version,
                                           '/usr/bin/vmrun', None)
            self.assertEqual(has, self.make(begin=False).has_secure_boot)

    def test_remains_of_a_crash_are_removed_at_the_start(self):
        first = self.make()
        first.records.create(UUID, 'instance-1')
        os.rename(first.layout.folder(UUID), first.layout.deleted(UUID))
        self.make()
        self.assertEqual([], first.layout.half_deleted())

    def test_half_written_files_are_removed_at_the_start(self):
        first = self.make()
        first.records.create(UUID, 'instance-1')
        shutil.copytree(first.layout.folder(UUID),
                        first.layout.prepared(UUID))
        for folder in (first.layout.folder(UUID),
                       first.layout.prepared(UUID)):
            before = os.listdir(folder)
            part = os.path.join(folder, '.a.vmx.0badcafe.part')
            open(part, 'w').close()
            # It may be writing this very moment.
            self.make('another-node')
            self.assertTrue(os.path.exists(part))
            self.make()
            self.assertEqual(before, os.listdir(folder))

    def test_compute_nodes_may_have_caches_of_their_own(self):
        folders = {os.path.basename(self.make(cache_prefix=prefix)
                                    .layout.cache)
                   for prefix in ('', 'one', 'two')}
        self.assertEqual({'_base', 'one_base', 'two_base'}, folders)

    def test_a_config_drive_that_root_must_mount_is_refused(self):
        self.config_drive_format = 'vfat'
        error = self.assertRaises(exception.InvalidConfiguration, self.make)
        self.assertIn('config_drive_format', error.brief)

    def test_half_made_images_are_removed_at_the_start(self):
        cache = self.make().layout.cache
        os.makedirs(os.path.join(cache, UUID, 'work-0badcafe'))
        os.makedirs(os.path.join(cache, UUID + '.deleted', 'work-1'))
        os.makedirs(os.path.join(cache, 'boots', 'one'))
        self.make()
        self.assertEqual([], os.listdir(cache))

    def test_a_server_of_this_node_with_a_vmx_exists(self):
        made = self.make()
        self.assertFalse(made.exists(UUID))
        made.records.create(UUID, 'instance-1')
        self.assertFalse(made.exists(UUID))
        open(made.layout.vmx(UUID), 'w').close()
        self.assertTrue(made.exists(UUID))
        self.assertFalse(self.make('that-node').exists(UUID))

    def test_processors_by_the_product(self):
        self.assertEqual(32, self.make().max_vcpus)
        self.product = product.Product(product.PLAYER, (12, 0, 0), 'vmrun',
                                       None)
        self.assertEqual(16, self.make().max_vcpus)

    def test_windows_need_a_display(self):
        error = self.assertRaises(exception.InvalidConfiguration, self.make,
                                  show_gui=True)
        self.assertIn('show_gui', error.brief)
        for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
            with fixtures.EnvironmentVariable(name, ':0'):
                self.make(show_gui=True)

    def test_macos_needs_no_such_variable(self):
        self.useFixture(fixtures.MockPatchObject(
            system, '_here', system.of(system.MACOS)))
        self.make(show_gui=True)
