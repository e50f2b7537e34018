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
import socket
import threading
import time
from unittest import mock

import fixtures
import testtools

from nova_vmrun.doctor import facts
from nova_vmrun.doctor import gather
from nova_vmrun.doctor import options as doctor_options
from nova_vmrun import exception
from nova_vmrun.host import ports
from nova_vmrun.host import processor
from nova_vmrun.host import responsive
from nova_vmrun.storage import folder_identity
from nova_vmrun.storage import folder_settings
from nova_vmrun.tools import process
from tests.unit import base


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path

    def write(self, path, text='', mode=0o644):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def gatherer(self, seconds=30.0, **options):
        return gather.Gatherer(
            doctor_options.Options(**options),
            process.Runner(), self.root, seconds)


class ProcessorTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatchObject(
            processor, 'read', return_value=processor.Processor(
                flags=frozenset({'vmx'}))))

    def test_without_kvm(self):
        found = self.gatherer().processor()
        self.assertEqual(frozenset({'vmx'}), found.flags)
        self.assertEqual((0, False, ''), (
            found.kvm_guests, found.kvm_holds, found.kvm_module))

    def test_kvm(self):
        self.write('sys/module/kvm_amd/refcnt', '3\n')
        self.write('sys/module/kvm/parameters/enable_virt_at_load', 'Y\n')
        found = self.gatherer().processor()
        self.assertEqual((3, True, 'kvm_amd'), (
            found.kvm_guests, found.kvm_holds, found.kvm_module))

    def test_kernel_of_windows(self):
        with mock.patch('os.uname', return_value=mock.Mock(
                machine='x86_64', release='6.6-Microsoft-standard-WSL2')):
            self.assertTrue(self.gatherer().processor().is_wsl)


class UserTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.EnvironmentVariable('HOME', self.root))
        self.useFixture(fixtures.EnvironmentVariable('DISPLAY'))
        self.useFixture(fixtures.EnvironmentVariable('WAYLAND_DISPLAY'))

    def test_own_folders(self):
        found = self.gatherer(instances=self.root).user()
        self.assertIsNone(found.instances_owner)
        self.assertIsNone(found.unwritable)
        self.assertIsNone(found.vmx_without_setuid)
        self.assertFalse(found.has_display)

    def test_somebody_else(self):
        with mock.patch('os.geteuid', return_value=os.geteuid() + 1):
            found = self.gatherer(instances=self.root).user()
        self.assertIsNotNone(found.instances_owner)

    def test_users_without_a_name(self):
        self.assertEqual('user 987654321', gather._user_name(987654321))

    def test_folder_that_cannot_be_written(self):
        os.mkdir(self.root + '/.vmware')
        with mock.patch('os.access', return_value=False):
            self.assertEqual(self.root + '/.vmware',
                             self.gatherer().user().unwritable)

    def test_vmx_without_setuid(self):
        path = self.write('usr/lib/vmware/bin/vmware-vmx', mode=0o755)
        self.assertEqual(path, self.gatherer().user().vmx_without_setuid)
        os.chmod(path, 0o4755)
        self.assertIsNone(self.gatherer().user().vmx_without_setuid)

    def test_display(self):
        self.useFixture(fixtures.EnvironmentVariable('DISPLAY', ':0'))
        self.assertTrue(self.gatherer().user().has_display)


class StorageTestCase(TestCase):

    def test_longest_mount_point_wins(self):
        found = [mock.Mock(mountpoint='/', fstype='ext4', opts='rw'),
                 mock.Mock(mountpoint=self.root, fstype='vfat',
                           opts='ro,relatime'),
                 mock.Mock(mountpoint=self.root + 'x', fstype='xfs',
                           opts='rw')]
        with mock.patch('psutil.disk_partitions', return_value=found):
            storage = self.gatherer(instances=self.root + '/new').storage()
        self.assertEqual((self.root, 'vfat', True), (
            storage.folder, storage.type, storage.is_read_only))
        self.assertGreater(storage.total, storage.free)


class StorageFoldersTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.instances = self.folder('instances')
        self.usb = self.folder('usb')
        self.known = folder_identity.known_of(self.instances)

    def folder(self, name):
        path = os.path.join(self.root, name)
        os.mkdir(path)
        return path

    def look(self, *texts):
        return self.gatherer(
            instances=self.instances, storage_folders=folder_settings.parse(
                texts or ['usb:' + self.usb])).storage_folders()

    def test_none(self):
        for options in ({}, {'instances': self.instances}):
            self.assertEqual(facts.StorageFolders(),
                             self.gatherer(**options).storage_folders())

    def test_in_use(self):
        folder_identity.adopt(self.usb, 'usb', self.known)
        found, = self.look().folders
        self.assertEqual(
            ('usb', self.usb, True, True, False, True),
            (found.name, found.path, found.is_known, found.is_there,
             found.hangs, found.is_writable))
        self.assertLess(0, found.total)
        self.assertEqual('', self.look().overlap)

    def test_a_new_folder_stays_new(self):
        found, = self.look().folders
        self.assertEqual((False, True), (found.is_known, found.is_there))
        self.assertEqual([], os.listdir(self.usb))

    def test_unplugged(self):
        folder_identity.adopt(self.usb, 'usb', self.known)
        os.remove(os.path.join(self.usb, folder_identity.FILE))
        found, = self.look().folders
        self.assertEqual((True, False), (found.is_known, found.is_there))

    def test_one_that_does_not_exist(self):
        os.rmdir(self.usb)
        found, = self.look().folders
        self.assertEqual((False, False), (found.is_known, found.is_there))

    def test_one_that_hangs(self):
        with mock.patch.object(responsive, 'call',
                               side_effect=exception.FileSystemFailed('No.')):
            found, = self.look().folders
        self.assertTrue(found.hangs)
        self.assertFalse(found.is_there)

    def test_overlap(self):
        inner = self.folder('usb/inner')
        self.assertIn('One is inside the other', self.look(
            'usb:' + self.usb, 'inner:' + inner).overlap)
        self.assertIn('They are the same folder',
                      self.look('same:' + self.instances).overlap)


class ProgramsTestCase(TestCase):

    def test_version_and_page(self):
        self.write('usr/share/novnc/vnc_lite.html')
        program = self.write('qemu-img', '#!/bin/sh\necho one; echo two',
                             0o755)
        found = self.gatherer(qemu_img_path=program).programs()
        self.assertEqual('one', found.qemu_img)
        self.assertEqual(self.root + '/usr/share/novnc', found.novnc)

    def test_nothing_installed(self):
        found = self.gatherer(qemu_img_path='/missing').programs()
        self.assertIsNone(found.qemu_img)
        self.assertIn('Cannot start /missing', found.qemu_img_failure)
        self.assertIsNone(found.novnc)

    def test_program_that_fails(self):
        program = self.write('qemu-img', '#!/bin/sh\necho bad; exit 3', 0o755)
        found = self.gatherer(qemu_img_path=program).programs()
        self.assertIsNone(found.qemu_img)
        self.assertIn('bad', found.qemu_img_failure)


class PortsTestCase(TestCase):

    def test_ports(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port = listener.getsockname()[1]
            found = self.gatherer(ports={port: 'glance'},
                                  vnc_range=(port, port)).ports()
        self.assertEqual({port: 'glance'}, found.taken)
        self.assertEqual(0, found.vnc_free)
        self.assertEqual('', found.loopback_failure)

    def test_firewall(self):
        with mock.patch.object(ports, 'require_reachable',
                               side_effect=TimeoutError()):
            self.assertEqual('no answer',
                             self.gatherer().ports().loopback_failure)


class ClockTestCase(TestCase):

    def test_clock_in_the_past(self):
        with mock.patch('time.time', return_value=0.0):
            self.assertGreater(self.gatherer().clock().seconds_behind, 10 ** 9)
        self.assertEqual(0, self.gatherer().clock().seconds_behind)

    def test_answers(self):
        program = self.write('bin/timedatectl')
        for answer, expected in (('yes', True), ('no', False), ('?', None)):
            with open(program, 'w') as file:
                file.write('#!/bin/sh\necho "%s"' % answer)
            os.chmod(program, 0o755)
            with fixtures.EnvironmentVariable(
                    'PATH', self.root + '/bin:' + os.environ['PATH']):
                self.assertIs(expected,
                              self.gatherer().clock().is_synchronized)


class GatherTestCase(TestCase):

    def test_what_hangs_does_not_hold_up_the_rest(self):
        gatherer = self.gatherer(seconds=2.0, vmrun_path='/missing')
        forever = threading.Event()
        self.addCleanup(forever.set)
        gatherer.storage = forever.wait
        gatherer.clock = mock.Mock(side_effect=OSError(5, 'Bad clock.'))
        began = time.monotonic()
        found = gatherer.gather()
        self.assertLess(time.monotonic() - began, 20)
        self.assertIsInstance(found.storage, facts.NoAnswer)
        self.assertIn('did not answer within', found.storage.reason)
        self.assertEqual('The clock cannot be looked at: OSError: [Errno 5] '
                         'Bad clock.', found.clock.reason)
        self.assertIsInstance(found.user, facts.User)
        self.assertThat(found.networks.is_known,
                        testtools.matchers.Is(False))
