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

"""Images of servers, made and booted through Nova's API."""

import os
import subprocess
from unittest import mock

from nova_vmrun import exception
from nova_vmrun.ops import progress
from nova_vmrun.storage import linked
from nova_vmrun.tools import qemu_img
from tests.functional.api import base
from tests.functional import fake_vmware
from tests.functional import glance_uploads


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(glance_uploads.GlanceUploads())

    def boot(self, image_id=None, **options):
        """Boot a server with a small disk, which is read quickly."""
        return super().boot(image_id, self.add_flavor(disk=0), **options)

    def make_image(self, server):
        """Make an image of a server; return its id."""
        self._calls = len(self.vmware.calls())
        image_id = self.request_image(server)
        self._wait_for_server_parameter(server,
                                        {'OS-EXT-STS:task_state': None})
        return image_id

    def request_image(self, server):
        return self.admin_api.post_server_action(
            server['id'], {'createImage': {'name': 'mine'}})['image_id']

    def assertImageRemoved(self, image_id):
        self.wait_for(lambda: image_id not in self.glance.images,
                      'an image to be removed')

    def changes(self):
        """Return the verbs that the last image took, without list."""
        return [verb for program, verb in
                self.vmware.verbs_since(self._calls) if verb != 'list']

    def save(self, image_id):
        """Write an image to a file; return its path."""
        path = os.path.join(self.folder, image_id)
        with open(path, 'wb') as file:
            file.write(self.glance._imagedata[image_id])
        return path

    def content(self, path):
        """Return all that a guest reads from a disk."""
        raw = os.path.join(self.folder, 'seen.raw')
        subprocess.run(['qemu-img', 'convert', '-U', '-f', 'vmdk', '-O',
                        'raw', path, raw], check=True)
        with open(raw, 'rb') as file:
            return file.read()

    def write(self, server, disk='root.vmdk', megabyte=2):
        """Write to a disk as a guest does."""
        subprocess.run(['qemu-io', '-f', 'vmdk', '-c',
                        'write -P 99 %dM 128k' % megabyte,
                        self.path(server, disk)], check=True,
                       stdout=subprocess.DEVNULL)

    def assertNoTraces(self, server):
        names = os.listdir(self.path(server))
        self.assertEqual([], [name for name in names
                              if '-00000' in name or 'Snapshot' in name or
                              name == 'snapshot'])
        self.assertIn('Total snapshots: 0', self.vmware.run(
            'listSnapshots', self.vmx_path(server)))


class SnapshotTestCase(TestCase):

    def check_image(self, image_id, server, content, adapter='lsiLogic'):
        """An image has the content, stands alone and boots here."""
        path = self.save(image_id)
        subprocess.run(['qemu-img', 'check', '-q', '-f', 'vmdk', path],
                       check=True)
        self.assertEqual(content, self.content(path))
        image = self.glance.show(None, image_id)
        self.assertEqual(('vmdk', 'bare', 'active'), (
            image['disk_format'], image['container_format'],
            image['status']))
        self.assertEqual(
            ('streamOptimized', adapter), (
                image['properties']['vmware_disktype'],
                image['properties']['vmware_adaptertype']))
        self.assertNoTraces(server)

    def check_boot(self, image_id, content):
        server = self.boot(image_id)
        self._stop_server(server)
        self.assertEqual(content, self.content(self.path(server,
                                                         'root.vmdk')))

    def boot_whole(self, **properties):
        """Boot a server whose disk is a whole copy."""
        self.flags(use_linked_clone=False, group='vmrun')
        self.restart_compute_service(self.compute)
        server = self.boot(self.add_image(properties=properties))
        self.assertIsNone(linked.read_descriptor(
            self.path(server, 'root.vmdk')).parent_hint)
        return server

    def check_running(self, server):
        """The guest goes on to write while its disk is read."""
        self.write(server)
        content = self.content(self.path(server, 'root.vmdk'))
        convert = qemu_img.QemuImg.convert_chain

        def write_and_convert(*args):
            self.write(server, 'root-000001.vmdk', 3)
            convert(*args)

        with mock.patch.object(qemu_img.QemuImg, 'convert_chain',
                               write_and_convert):
            image_id = self.make_image(server)
        self.assertEqual(['snapshot', 'deleteSnapshot'], self.changes())
        self.assertRunning(server)
        self.check_image(image_id, server, content)
        self.assertNotEqual(content, self.content(
            self.path(server, 'root.vmdk')))
        return image_id, content

    @base.sample
    def test_running_and_linked(self):
        self.check_boot(*self.check_running(self.boot()))

    def test_running_and_whole(self):
        self.check_running(self.boot_whole())

    def check_at_rest(self, server, adapter):
        """Make images in each state in which the disk rests."""
        for megabyte, (action, state, back) in enumerate((
                ('pause', 'PAUSED', 'unpause'),
                ('suspend', 'SUSPENDED', 'resume'),
                ('os-stop', 'SHUTOFF', None)), 1):
            self.write(server, megabyte=megabyte)
            content = self.content(self.path(server, 'root.vmdk'))
            self.admin_api.post_server_action(server['id'], {action: None})
            self._wait_for_state_change(server, state)
            image_id = self.make_image(server)
            self.assertEqual([], self.changes(), state)
            self.check_image(image_id, server, content, adapter)
            self._wait_for_state_change(server, state)
            if back:
                self.admin_api.post_server_action(server['id'], {back: None})
                self._wait_for_state_change(server, 'ACTIVE')

    def test_at_rest_and_linked(self):
        self.check_at_rest(self.boot(), 'lsiLogic')

    def test_at_rest_and_whole(self):
        self.check_at_rest(self.boot_whole(vmware_adaptertype='ide'), 'ide')

    def test_shelve_and_unshelve(self):
        server = self.boot()
        self.write(server)
        content = self.content(self.path(server, 'root.vmdk'))
        self._shelve_server(server)
        self._unshelve_server(server)
        self.assertRunning(server)
        self._stop_server(server)
        self.assertEqual(content, self.content(self.path(server,
                                                         'root.vmdk')))

    def test_images_in_drives_are_not_handed_on(self):
        iso_id = self.add_image('iso', content=self.make_iso())
        server = self.boot(self.add_image(properties={
            'vix_iso_images': iso_id, 'os_distro': 'debian', 'mine': 'x'}))
        self._stop_server(server)
        properties = self.glance.show(
            None, self.make_image(server))['properties']
        self.assertNotIn('vix_iso_images', properties)
        self.assertEqual(('debian', 'x'), (properties['os_distro'],
                                           properties['mine']))
        self.assertNotIn('vmware_ostype', properties)


class FailureTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.server = self.boot()

    def during(self, owner, method, action):
        """Do something whenever a method is called, and then calls it."""
        original = getattr(owner, method)

        def act(*args, **options):
            action()
            return original(*args, **options)

        return mock.patch.object(owner, method, act)

    def check_goes_on(self):
        self.assertNoTraces(self.server)
        self.assertRunning(self.server)

    def test_image_deleted_while_it_is_uploaded(self):
        def delete():
            for image_id, image in list(self.glance.images.items()):
                if image['name'] == 'mine':
                    del self.glance.images[image_id]

        with self.during(progress.Reader, 'read', delete):
            self.assertImageRemoved(self.make_image(self.server))
        self.check_goes_on()

    def test_server_deleted_while_its_disk_is_read(self):
        with self.during(qemu_img.QemuImg, 'convert_chain',
                         lambda: self._delete_server(self.server)):
            self.assertImageRemoved(self.request_image(self.server))
        self.assertNothingLeft()

    def test_a_full_disk(self):
        with self.during(qemu_img.QemuImg, 'convert_chain', mock.Mock(
                side_effect=exception.DiskFull('No space.'))):
            self.assertImageRemoved(self.make_image(self.server))
        self.check_goes_on()

    def test_what_a_crash_left_is_removed_and_the_rest_is_not(self):
        vmx = self.vmx_path(self.server)
        for name in ('of its owner', 'nova-vmrun-x'):
            self.vmware.run('snapshot', vmx, name)
        os.mkdir(self.path(self.server, 'snapshot'))
        with open(self.path(self.server, 'snapshot', 'disk.vmdk'), 'w'):
            self.restart_compute_service(self.compute)
        self.assertEqual(['Total snapshots: 1', 'of its owner'],
                         self.vmware.run('listSnapshots', vmx).splitlines())
        self.assertFalse(os.path.exists(self.path(self.server, 'snapshot')))
        self.assertRunning(self.server)
        content = self.content(self.path(self.server, 'root-000001.vmdk'))
        self.assertEqual(content, self.content(
            self.save(self.make_image(self.server))))


class PlayerTestCase(TestCase):

    def _fake_vmware(self):
        return fake_vmware.FakeVmware(product='player')

    def test_a_running_server_must_be_stopped_first(self):
        server = self.boot()
        self.assertImageRemoved(self.make_image(server))
        self.assertEqual([], self.changes())
        self.assertRunning(server)
        self._stop_server(server)
        content = self.content(self.path(server, 'root.vmdk'))
        self.assertEqual(content,
                         self.content(self.save(self.make_image(server))))
