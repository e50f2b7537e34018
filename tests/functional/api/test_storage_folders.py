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

"""Servers whose disks are on other drives than instances_path."""

import collections
import os
import re
import shutil
import subprocess
from unittest import mock

import fixtures
from nova.compute import power_state
from nova import context
from nova import objects
from nova.tests.functional.api import client

from nova_vmrun import exception
from nova_vmrun.ops.nova import errors
from nova_vmrun.storage import disk_chain
from nova_vmrun.storage import flatten
from nova_vmrun.storage import folder_identity
from nova_vmrun.storage import server_folders
from nova_vmrun.tools import vmrun
from tests.functional.api import test_disks
from tests.functional.api import test_orphans
from tests.functional import glance_uploads

_Usage = collections.namedtuple('_Usage', 'total used free')
_GIB = 1 << 30
_ROOT = re.compile('root(-[0-9]{6})?[.]vmdk')


class Drives(fixtures.Fixture):
    """Drives that can be unplugged: file systems where root may mount them.

    Elsewhere they are folders, and their sizes are told instead.

    :ivar paths: mount points by the names of the drives
    """

    def __init__(self, **sizes):
        self._sizes = sizes
        self.paths = {}
        self._links = {}

    def _setUp(self):
        self._root = self.useFixture(fixtures.TempDir()).path
        self.is_real = os.geteuid() == 0
        for name, size in self._sizes.items():
            real = os.path.join(self._root, 'drive-' + name)
            os.mkdir(real)
            if self.is_real:
                self.is_real = not subprocess.run(
                    ['mount', '-t', 'tmpfs', '-o',
                     'mode=700,size=%d' % size, 'nova-vmrun', real],
                    stderr=subprocess.DEVNULL).returncode
            if self.is_real:
                self.addCleanup(subprocess.run, ['umount', '-l', real],
                                check=True)
            self._links[name] = real
            self.paths[name] = self.mount_point(name)
            self.plug(name, self.paths[name])
        if not self.is_real:
            self._measure = shutil.disk_usage
            self.useFixture(fixtures.MockPatch('shutil.disk_usage',
                                               self._pretend))

    def _pretend(self, path):
        for name, size in self._sizes.items():
            if path == self.paths[name]:
                used = int(subprocess.check_output(
                    ['du', '-sB1', self._links[name]]).split()[0])
                return _Usage(size, used, size - used)
        return self._measure(path)

    def mount_point(self, name):
        path = os.path.join(self._root, name)
        os.mkdir(path)
        return path

    def plug(self, name, path):
        """Show the content of a drive at a path."""
        if self.is_real:
            subprocess.run(['mount', '--bind', self._links[name], path],
                           check=True)
            self.addCleanup(subprocess.run, ['umount', '-l', path],
                            stderr=subprocess.DEVNULL)
        else:
            os.rmdir(path)
            os.rename(self._links[name], path)
        self.paths[name] = path

    def unplug(self, name):
        """Leave an empty folder where the drive was."""
        path = self.paths[name]
        if self.is_real:
            subprocess.run(['umount', '-l', path], check=True)
        else:
            os.rename(path, self._links[name])
            os.mkdir(path)


class TestCase(test_disks.TestCase):

    def _setup_services(self):
        self.drives = self.useFixture(Drives(
            fast=3 * _GIB, big=6 * _GIB, usb=4 * _GIB))
        self.set_folders()
        self.flags(allow_resize_to_same_host=True)
        super()._setup_services()

    def set_folders(self, **others):
        paths = dict(self.drives.paths, **others)
        self.flags(storage_folders=[
            'fast,ssd:' + paths['fast'], 'big:' + paths['big'],
            'usb,slow:' + paths['usb']],
            storage_folder_regex='(fast|big|usb)$', group='vmrun')

    def restart(self):
        self.compute = self.restart_compute_service(self.compute)
        self.driver = self.compute.manager.driver

    def of_tag(self, tag, **flavor):
        flavor_id = self.add_flavor(**flavor)
        self.api.post_extra_spec(
            flavor_id, {'extra_specs': {'vmrun:storage_tag': tag}})
        return flavor_id

    def disks(self, name):
        """Return the paths of the servers' folders on a drive."""
        return [path for _uuid, path in server_folders.find(
            self.drives.paths[name])]

    def root(self, server):
        """Return the path of the file that a server writes to."""
        return next(self.path(server, value)
                    for key, value in self.vmx(server).items()
                    if key.endswith('.fileName') and
                    _ROOT.fullmatch(os.path.basename(value)))

    def boot_on(self, tag, **options):
        self.original_content, raw = self.original('qcow2')
        image_id = self.add_image('qcow2', content=self.original_content)
        return self.boot(image_id, flavor_id=self.of_tag(tag), **options), raw

    def assertContent(self, server, raw):
        seen, _size = self.content(self.root(server), len(raw))
        self.assertEqual(raw, seen)


class PlacementTestCase(TestCase):

    def test_most_free_space_or_a_tag(self):
        image_id = self.add_image()
        largest = self.boot(image_id)
        self.assertEqual(1, len(self.disks('big')))
        self.assertTrue(self.root(largest).startswith(
            self.drives.paths['big']))
        self.assertFalse(os.path.exists(self.path(largest, 'root.vmdk')))
        tagged = self.boot(image_id, self.of_tag('ssd'))
        self.assertEqual(1, len(self.disks('fast')))
        # Each folder has a base disk of its own, fetched only once.
        for name in ('big', 'fast'):
            self.assertIn(image_id, os.listdir(os.path.join(
                self.drives.paths[name], '_base')))
        for server in (largest, tagged):
            self._delete_server(server)
        for name in self.drives.paths:
            self.assertEqual([], self.disks(name))
        self.assertFalse(os.path.exists(self.path(largest)))

    def test_a_tag_that_no_folder_has(self):
        server = self.boot(flavor_id=self.of_tag('tape'),
                           expected_state='ERROR')
        self.assertIn('tape', self.fault(server))

    def test_what_placement_is_told(self):
        if not self.drives.is_real:
            self.skipTest('needs real file systems')
        provider, = self.placement.get('/resource_providers').body[
            'resource_providers']
        disk = self.placement.get('/resource_providers/%s/inventories' % (
            provider['uuid'])).body['inventories']['DISK_GB']
        self.assertEqual((13, 6), (disk['total'], disk['max_unit']))

    def test_life(self):
        """What users do with a server whose disk is elsewhere."""
        self.useFixture(glance_uploads.GlanceUploads())
        server, raw = self.boot_on('fast', config_drive=True)
        self._stop_server(server)
        self.assertContent(server, raw)
        self._start_server(server)
        self._snapshot_server(server, 'image')
        # The image is there before Nova has ended the task.
        self._wait_for_server_parameter(server,
                                        {'OS-EXT-STS:task_state': None})
        self.admin_api.post_server_action(server['id'], {'rescue': {
            'rescue_image_ref': self.add_image()}})
        self._wait_for_state_change(server, 'RESCUE')
        self.admin_api.post_server_action(server['id'], {'unrescue': None})
        server = self._wait_for_state_change(server, 'ACTIVE')
        self._rebuild_server(server, self.add_image())
        self.assertEqual(1, len(self.disks('fast')))
        self._shelve_server(server)
        self._unshelve_server(server)
        self.assertRunning(server)
        self._delete_server(server)
        self.assertEqual([], self.disks('fast'))

    def test_resize(self):
        server, raw = self.boot_on('fast')
        before = self.disks('fast')
        larger = self.add_flavor(memory_mb=128)
        self._resize_server(server, larger)
        self.assertEqual(2, len(self.disks('fast')))
        self._revert_resize(server)
        self.assertEqual(before, self.disks('fast'))
        self._resize_server(server, self.of_tag('ssd', disk=2))
        self._confirm_resize(server)
        after, = self.disks('fast')
        self.assertNotEqual([after], before)
        self._stop_server(server)
        self.assertContent(server, raw)


class UnpluggedTestCase(TestCase):

    def test_operations_while_unplugged(self):
        server, _raw = self.boot_on('usb')
        self._stop_server(server)
        self.drives.unplug('usb')
        info = self.driver.get_info(mock.Mock(uuid=server['id']))
        self.assertEqual(power_state.NOSTATE, info.state)
        error = self.assertRaises(
            errors.OperationFailed, self.driver.power_off,
            mock.Mock(uuid=server['id'], task_state=None))
        self.assertIn('The storage folder usb is not there', str(error))
        # Nothing is made where the drive was.
        self.assertEqual([], os.listdir(self.drives.paths['usb']))

    def test_unplugged_while_off_and_mounted_elsewhere(self):
        server, raw = self.boot_on('usb')
        other = self.boot(flavor_id=self.of_tag('fast'))
        self._stop_server(server)
        self.drives.unplug('usb')
        self.sync_power_states()
        info = self.driver.get_info(mock.Mock(uuid=server['id']))
        self.assertEqual(power_state.NOSTATE, info.state)
        self.assertRaises(
            client.OpenStackApiException,
            self.admin_api.post_server_action, server['id'],
            {'os-start': None})
        self.assertFalse(self.is_running(server))
        error = self.assertRaises(
            errors.OperationFailed, self.driver.power_off,
            mock.Mock(uuid=server['id'], task_state=None))
        self.assertIn('The storage folder usb is not there', str(error))
        # Nothing is made where the drive was.
        self.assertEqual([], os.listdir(self.drives.paths['usb']))
        self.assertEqual([], self.disks('usb'))
        self.assertRunning(other)
        self.restart()
        self.assertEqual([], os.listdir(self.drives.paths['usb']))
        # It is back under another path.
        self.drives.plug('usb', self.drives.mount_point('elsewhere'))
        self.set_folders()
        self.restart()
        self._start_server(server)
        self.assertTrue(self.root(server).startswith(
            self.drives.paths['usb']))
        self._stop_server(server)
        self.assertContent(server, raw)
        self._delete_server(server)
        self.assertEqual([], self.disks('usb'))

    def test_deleted_while_unplugged(self):
        server, _raw = self.boot_on('usb')
        self._stop_server(server)
        self.drives.unplug('usb')
        self.assertRaises(client.OpenStackApiException,
                          self.admin_api.delete_server, server['id'])
        self._wait_for_state_change(server, 'ERROR')
        self.assertTrue(os.path.exists(self.vmx_path(server)))
        self.drives.plug('usb', self.drives.paths['usb'])
        self.assertIsNotNone(folder_identity.read(self.drives.paths['usb']))
        self._delete_server(server)
        self.assertEqual([], self.disks('usb'))
        self.assertFalse(os.path.exists(self.path(server)))

    def unplug_before(self, target, name):
        """Unplug the USB drive when a function is called."""
        real = getattr(target, name)

        def unplug(*args, **kwargs):
            self.drives.unplug('usb')
            return real(*args, **kwargs)

        return mock.patch.object(target, name, unplug)

    def plug_elsewhere(self):
        self.drives.plug('usb', self.drives.mount_point('elsewhere'))
        self.set_folders()
        self.restart()

    def assertUsable(self, server, raw):
        """Check that a stopped server starts with its disk and its data."""
        self._start_server(server)
        # VMware may write to a file beside the .vmx.
        chain = self.chain(server)
        self.assertIn(self.drives.paths['usb'], {
            os.path.dirname(os.path.dirname(path)) for path in chain})
        self._stop_server(server)
        self.assertContent(server, raw)
        self._delete_server(server)
        self.assertEqual([], self.disks('usb'))

    def chain(self, server):
        return disk_chain.follow(self.root(server), [
            self.path(server), self.drives.paths['usb']])

    def test_unplugged_during_a_run_and_mounted_elsewhere(self):
        server, raw = self.boot_on('usb')
        self.drives.unplug('usb')
        self.sync_power_states()
        server = self.api.get_server(server['id'])
        self.assertEqual('ACTIVE', server['status'])
        self.plug_elsewhere()
        self._stop_server(server)
        self.assertUsable(server, raw)

    def test_unplugged_during_a_suspend(self):
        server, raw = self.boot_on('usb')
        with self.unplug_before(vmrun.Vmrun, 'suspend'):
            self.api.post_server_action(server['id'], {'suspend': None})
            self._wait_for_state_change(server, 'SUSPENDED')
        self.sync_power_states()
        self.assertRaises(
            client.OpenStackApiException, self.api.post_server_action,
            server['id'], {'resume': None})
        server = self.api.get_server(server['id'])
        self.assertEqual('SUSPENDED', server['status'])
        # The memory names the old path.
        old = self.drives.paths['usb']
        self.plug_elsewhere()
        error = self.assertRaises(
            errors.OperationFailed, self.driver.power_off,
            mock.Mock(uuid=server['id'], task_state=None))
        self.assertIn('while it was suspended', str(error))
        self.drives.unplug('usb')
        self.drives.plug('usb', old)
        self.set_folders()
        self.restart()
        self.api.post_server_action(server['id'], {'resume': None})
        server = self._wait_for_state_change(server, 'ACTIVE')
        self._stop_server(server)
        self.assertUsable(server, raw)

    def test_unplugged_during_a_snapshot_and_mounted_elsewhere(self):
        self.useFixture(glance_uploads.GlanceUploads())
        server, raw = self.boot_on('usb')
        with self.unplug_before(flatten, 'flatten'):
            self.api.post_server_action(
                server['id'], {'createImage': {'name': 'image'}})
            self._wait_for_server_parameter(
                server, {'OS-EXT-STS:task_state': None})
        self.assertFalse(os.path.exists(self.path(server, 'snapshot')))
        self.assertEqual([], os.listdir(self.drives.paths['usb']))
        self.plug_elsewhere()
        server = self.api.get_server(server['id'])
        self._stop_server(server)
        self.assertUsable(server, raw)


class EvictTestCase(TestCase):

    def test_a_server_goes_on_in_another_folder(self):
        server, raw = self.boot_on('fast')
        self.assertRaises(exception.NotStopped,
                          self.driver._hypervisor.evictor.evict,
                          server['id'], 'usb')
        self._stop_server(server)
        for name in ('usb', 'default', 'big'):
            moved = self.driver._hypervisor.evictor.evict(server['id'], name)
            self.assertEqual((name, ['root']), (moved.folder, moved.disks))
            self._start_server(server)
            self._stop_server(server)
            self.assertContent(server, raw)
        self.assertEqual([], self.disks('fast') + self.disks('usb'))
        self.assertFalse(os.path.exists(self.path(server, 'root.vmdk')))
        self._start_server(server)
        self._rebuild_server(server, self.add_image())
        self.assertEqual(1, len(self.disks('fast')))
        self._delete_server(server)
        self.assertEqual([], self.disks('fast') + self.disks('big'))

    def test_an_operation_while_the_disks_move(self):
        server, _raw = self.boot_on('fast')
        self._stop_server(server)
        with self.driver._hypervisor.storage.locks.alone(server['id']):
            self.assertRaises(
                client.OpenStackApiException, self.api.post_server_action,
                server['id'], {'os-start': None})
        self.assertFalse(self.is_running(server))
        self._start_server(server)


class OrphansTestCase(TestCase, test_orphans.TestCase):

    def test_orphan_goes_with_its_disks(self):
        kept, _ = self.boot_on('fast')
        lost, _ = self.boot_on('fast')
        self._stop_server(lost)
        with context.target_cell(context.get_admin_context(),
                                 self.cell_mappings['cell1']) as cell:
            objects.Instance.get_by_uuid(cell, lost['id']).destroy()
        disks = os.path.dirname(self.root(kept))
        self.assertEqual(2, len(self.disks('fast')))
        status, rows = self.run_command('--delete')
        self.assertEqual((0, 'removed'),
                         (status, rows['folder', lost['id']]))
        self.assertEqual([disks], self.disks('fast'))
        self._reboot_server(kept, hard=True)
        self.assertRunning(kept)

    def test_copy_of_a_record_does_not_take_the_disks_of_the_server(self):
        server, raw = self.boot_on('fast')
        self._stop_server(server)
        copy = self.leave_folder(server)
        self.run_command('--delete')
        self.assertFalse(os.path.exists(copy))
        self.assertContent(server, raw)
        self._start_server(server)
        self.assertRunning(server)
