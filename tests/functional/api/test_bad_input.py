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


"""Mistakes of users and operators: a clear error, and nothing is left."""

import os
import struct
import subprocess

import fixtures
from oslo_utils import uuidutils

from nova_vmrun.ops.nova import errors
from tests.functional.api import base


class BadImageTestCase(base.TestCase):

    def check_refused(self, image_id, *words, **options):
        """Boot a server and check its fault; nothing may be left."""
        calls = len(self.vmware.calls())
        server = self.boot(image_id, expected_state='ERROR', **options)
        fault = self.fault(server)
        for word in words:
            self.assertIn(word, fault)
        self.assertNotIn(self.instances_path, fault)
        self.assertNotIn(('vmrun', 'start'), self.vmware.verbs_since(calls))
        self._delete_server(server)
        self.assertNothingLeft()
        self.assertEqual([], os.listdir(
            os.path.join(self.instances_path, '_base')))

    def make(self, image_format, *options, size='4M'):
        path = os.path.join(self.folder, uuidutils.generate_uuid())
        subprocess.run(['qemu-img', 'create', '-q', '-f', image_format,
                        *options, path, size], check=True)
        with open(path, 'rb') as file:
            return file.read()

    def test_format_differs_from_the_declared_one(self):
        image_id = self.add_image('raw', content=self.make('qcow2'))
        self.check_refused(image_id, 'disk_format is raw',
                           'content is qcow2')

    def test_image_with_a_backing_file(self):
        secret = os.path.join(self.folder, 'secret')
        with open(secret, 'wb') as file:
            file.truncate(1 << 20)
        image_id = self.add_image(content=self.make(
            'qcow2', '-b', secret, '-F', 'raw'))
        self.check_refused(image_id, 'safety check')

    def test_child_vmdk(self):
        parent = os.path.join(self.folder, 'parent.vmdk')
        subprocess.run(['qemu-img', 'create', '-q', '-f', 'vmdk', parent,
                        '4M'], check=True)
        image_id = self.add_image('vmdk', content=self.make(
            'vmdk', '-b', parent, '-F', 'vmdk'))
        self.check_refused(image_id, 'child of another disk')

    def test_flat_vmdk_descriptor(self):
        image_id = self.add_image('vmdk', content=(
            b'# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\n'
            b'createType="monolithicFlat"\n'
            b'RW 2048 FLAT "/etc/shadow" 0\n'))
        self.check_refused(image_id)

    def test_flavor_smaller_than_the_image(self):
        image_id = self.add_image(content=self.make('qcow2', size='2G'))
        self.check_refused(image_id, 'too small', str(2 << 30))

    def test_broken_image(self):
        content = bytearray(self.make('qcow2'))
        # An impossible offset of the cluster table.
        content[40:48] = struct.pack('>Q', 0x12345)
        image_id = self.add_image(content=bytes(content))
        self.check_refused(image_id, 'qemu-img cannot read it as qcow2')

    def test_format_that_is_not_offered(self):
        image_id = self.add_image('ploop', content=b'\0' * 40000)
        self.check_refused(image_id, 'disk_format is ploop')


class BadTextTestCase(base.TestCase):

    def test_property_with_an_invalid_value(self):
        image_id = self.add_image(properties={'hw_vif_model': 'e1000e',
                                              'vmrun_disk_bus': 'floppy'})
        server = self.boot(image_id, expected_state='ERROR')
        self.assertIn('vmrun_disk_bus', self.fault(server))
        self.assertIn('floppy', self.fault(server))


class UnhelpfulToolTestCase(base.TestCase):
    """vmrun fails in all the ways that it can."""

    def setUp(self):
        super().setUp()
        self.flags(start_timeout=20, retry_count=0, group='vmrun')

    def fault_of(self, faults, timeout):
        """Boot with a faulty vmrun and return what the user sees."""
        self.flags(start_timeout=timeout, group='vmrun')
        self.vmware.set_knobs(FAULTS=faults)
        server = self.boot(expected_state='ERROR')
        self.vmware.set_knobs()
        fault = self.admin_api.get_server(server['id'])['fault']
        self._delete_server(server)
        self.assertNothingLeft()
        return fault['message'] + fault.get('details', '')

    def test_a_start_that_fails(self):
        for fault, timeout, *words in (
                ('refuse The operation was canceled', 20, 'vmrun start',
                 'The operation was canceled', 'vmware.log'),
                ('error-exit-0 Unknown error', 20, 'Unknown error'),
                ('hang', 3, 'did not end within 3 seconds',
                 'vmrun -T ws start')):
            message = self.fault_of('start * ' + fault, timeout)
            for word in words:
                self.assertIn(word, message, fault)

    def test_a_start_that_fails_although_the_vm_runs(self):
        # The first one takes all its time, in which the VM has to start.
        for fault, timeout in (('hang-after', 6),
                               ('refuse-after Unknown error', 20),
                               ('keep-pipe 30', 20)):
            self.flags(start_timeout=timeout, group='vmrun')
            self.vmware.set_knobs(FAULTS='start * ' + fault)
            self.assertTrue(self.is_running(self.boot()), fault)

    def test_list_fails_and_nova_does_not_stop_the_server(self):
        server = self.boot()
        self.vmware.set_knobs(FAULTS='list * refuse Unknown error')
        self.sync_power_states()
        self.vmware.set_knobs()
        self.assertEqual('ACTIVE', self.api.get_server(
            server['id'])['status'])
        self.assertTrue(self.is_running(server))

    def test_a_temporary_refusal_is_retried(self):
        self.flags(retry_count=2, retry_interval=0.1, group='vmrun')
        self.vmware.set_knobs(
            FAULTS='start 1-2 refuse The file is already in use')
        self.assertRunning(self.boot())

    def test_stop_hangs_and_the_vm_is_off(self):
        # On a busy machine, vmrun needs more than a second to stop the VM.
        self.flags(stop_timeout=4, group='vmrun')
        server = self.boot()
        self.vmware.set_knobs(FAULTS='stop * hang-after')
        self._stop_server(server)
        self.assertFalse(self.is_running(server))

    def test_the_disk_is_full_while_converting(self):
        program = os.path.join(self.folder, 'full-qemu-img')
        with open(program, 'w') as file:
            file.write('#!/bin/sh\nfor last; do :; done\necho half > "$last"\n'
                       'echo "qemu-img: error while writing at byte 0: '
                       'No space left on device" >&2\nexit 1\n')
        os.chmod(program, 0o755)
        self.flags(qemu_img_path=program, group='vmrun')
        self.restart_compute_service(self.compute)
        self.driver = self.compute.manager.driver
        server = self.boot(expected_state='ERROR')
        self.assertIn('No space left', str(
            self.admin_api.get_server(server['id'])['fault']))
        self._delete_server(server)
        self.assertNothingLeft()
        self.assertEqual([], os.listdir(
            os.path.join(self.instances_path, '_base')))


class BadHostTestCase(base.TestCase):
    """nova-compute refuses to start and says what to do."""

    def check_refused(self, *words):
        error = self.assertRaises(
            errors.OperationFailed, self.driver.init_host, 'host')
        for word in words:
            self.assertIn(word, str(error))

    def test_no_vmrun(self):
        self.flags(vmrun_path='/no/such/vmrun', group='vmrun')
        self.check_refused('/no/such/vmrun', 'vmrun_path')

    def test_wrong_product(self):
        self.flags(product='fusion', group='vmrun')
        self.check_refused('[vmrun] product', 'that is installed')

    def test_instances_path_is_a_file(self):
        path = os.path.join(self.folder, 'file')
        with open(path, 'w'):
            self.flags(instances_path=path)
        self.check_refused('instances_path', path)

    def test_instances_path_that_a_descriptor_cannot_hold(self):
        self.flags(instances_path=os.path.join(self.folder, 'a"b'))
        self.check_refused('instances_path', 'quotes')

    def test_window_without_display(self):
        for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
            self.useFixture(fixtures.EnvironmentVariable(name))
        self.flags(show_gui=True, group='vmrun')
        self.check_refused('show_gui', 'display')

    def test_console_that_others_can_reach(self):
        self.flags(server_listen='0.0.0.0', group='vnc')
        self.check_refused('server_listen', 'vnc_insecure_listen')

    def test_network_that_is_not_a_vmnet(self):
        self.flags(vmnet_mappings={'physnet1': 'eth0'}, group='vmrun')
        self.check_refused('vmnet_mappings', 'eth0')
