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

"""Images in the drives of a server, and image properties for its disk."""

import os
import subprocess

from nova_vmrun.storage import linked
from tests.functional.api import base
from tests.functional import glance_uploads


class TestCase(base.TestCase):

    def add_iso(self, text='installer'):
        content = self.make_iso(text)
        return self.add_image('iso', content=content), content

    def add_floppy(self):
        content = b'kickstart'.ljust(1440 * 1024, b'\0')
        return self.add_image('raw', content=content), content

    def install_tools_iso(self, name):
        folder = os.path.join(os.path.dirname(self.vmware.vmrun),
                              'isoimages')
        os.mkdir(folder)
        path = os.path.join(folder, name)
        with open(path, 'wb') as file:
            file.write(self.make_iso('tools'))
        return path

    def content(self, server, name):
        with open(self.path(server, name), 'rb') as file:
            return file.read()

    def drives(self, server):
        """Return the files in the CD drives, in the order of the drives."""
        vmx = self.vmx(server)
        return [vmx[key.replace('deviceType', 'fileName')]
                for key in vmx if vmx[key] == 'cdrom-image']

    def make_empty_vmdk(self):
        path = os.path.join(self.folder, 'empty.vmdk')
        subprocess.run(['qemu-img', 'create', '-q', '-f', 'vmdk', path, '2G'],
                       check=True)
        with open(path, 'rb') as file:
            return file.read()


class DrivesTestCase(TestCase):

    def test_the_example_of_nova_vix_driver(self):
        """An empty disk, an installer, a kickstart and VMware Tools."""
        iso_id, iso = self.add_iso()
        floppy_id, floppy = self.add_floppy()
        tools = self.install_tools_iso('linux.iso')
        image_id = self.add_image('vmdk', content=self.make_empty_vmdk(),
                                  properties={'img_hv_type': 'vmware',
                                              'vix_tools': 'linux',
                                              'vix_iso_images': iso_id,
                                              'vix_floppy_image': floppy_id})
        server = self.boot(image_id, self.add_flavor(disk=2),
                           config_drive=True)
        self.assertRunning(server)
        self.assertEqual(['cd0.iso', tools, 'config-drive.iso'],
                         self.drives(server))
        self.assertEqual(iso, self.content(server, 'cd0.iso'))
        self.assertEqual('floppy.flp', self.vmx(server)['floppy0.fileName'])
        self.assertEqual(floppy, self.content(server, 'floppy.flp'))
        self.assertEqual('hdd,cdrom,floppy',
                         self.vmx(server)['bios.bootOrder'])

    def test_servers_share_an_iso_and_not_a_floppy(self):
        iso_id, _iso = self.add_iso()
        floppy_id, _floppy = self.add_floppy()
        image_id = self.add_image(properties={'vix_iso_images': iso_id,
                                              'vix_floppy_image': floppy_id})
        first, second = self.boot(image_id), self.boot(image_id)
        self.assertTrue(os.path.samefile(self.path(first, 'cd0.iso'),
                                         self.path(second, 'cd0.iso')))
        self.assertFalse(os.path.samefile(self.path(first, 'floppy.flp'),
                                          self.path(second, 'floppy.flp')))
        self._delete_server(first)
        self._delete_server(second)
        self.assertNothingLeft()

    def test_a_list_longer_than_nova_keeps_of_a_property(self):
        ids, contents = zip(*(self.add_iso('disc %d' % number)
                              for number in range(8)))
        image_id = self.add_image(
            properties={'vix_iso_images': ','.join(ids)})
        server = self.boot(image_id)
        self.assertEqual(['cd%d.iso' % number for number in range(8)] +
                         ['config-drive.iso'],
                         self.drives(server))
        self.assertEqual(contents[7], self.content(server, 'cd7.iso'))

    def refused(self, *words, **properties):
        server = self.boot(self.add_image(properties=properties),
                           expected_state='ERROR')
        for word in words:
            self.assertIn(word, self.fault(server))
        self._delete_server(server)
        self.assertNothingLeft()

    def test_an_image_that_does_not_exist(self):
        missing = 'ffffffff-ffff-4fff-8fff-ffffffffffff'
        self.refused(missing, 'no such image', vix_iso_images=missing)

    def test_a_disk_is_no_cd(self):
        disk = self.add_image()
        self.refused(disk, 'disk_format is qcow2', vix_iso_images=disk)

    def test_text_that_calls_itself_a_cd(self):
        text = self.add_image('iso', content=b'text' * 20000)
        self.refused(text, 'its content is a text', vix_iso_images=text)

    def test_a_floppy_that_is_too_large(self):
        floppy = self.add_image('raw', content=bytes(3 << 20))
        self.refused(floppy, '3145728 bytes', vix_floppy_image=floppy)

    def test_tools_that_the_product_does_not_have(self):
        self.refused('solaris.iso', 'VMware Tools', vix_tools='solaris')


class WindowsTestCase(TestCase):

    def test_from_an_installer_to_an_image(self):
        self.useFixture(glance_uploads.GlanceUploads())
        drivers_id, drivers = self.add_iso('drivers')
        answers_id, answers = self.add_iso('autounattend.xml')
        floppy_id, floppy = self.add_floppy()
        tools = self.install_tools_iso('windows.iso')
        installer = self.make_iso('Windows')
        server = self.boot(
            self.add_image('iso', content=installer, properties={
                'os_distro': 'windows', 'os_version': '11',
                'vmrun_iso_images': '%s,%s' % (drivers_id, answers_id),
                'vmrun_floppy_image': floppy_id,
                'vmrun_tools_iso': 'windows'}),
            self.add_flavor(disk=2))
        self.assertRunning(server)
        self.assertEqual(['cd0.iso', 'cd1.iso', 'cd2.iso', tools,
                          'config-drive.iso'], self.drives(server))
        self.assertEqual(
            [installer, drivers, answers, floppy],
            [self.content(server, name) for name in (
                'cd0.iso', 'cd1.iso', 'cd2.iso', 'floppy.flp')])
        vmx = self.vmx(server)
        self.assertEqual(
            ('windows11-64', 'efi', 'TRUE', 'root.vmdk', 'cd0.iso',
             'hdd,cdrom,floppy'),
            tuple(vmx[key] for key in (
                'guestOS', 'firmware', 'uefi.secureBoot.enabled',
                'nvme0:0.fileName', 'sata0:0.fileName', 'bios.bootOrder')))
        server = self.boot(self.snapshot(server), self.add_flavor(disk=2))
        vmx = self.vmx(server)
        self.assertEqual(['config-drive.iso'], self.drives(server))
        self.assertEqual(
            ('windows11-64', 'efi', 'TRUE', 'root.vmdk', 'FALSE'),
            tuple(vmx[key] for key in (
                'guestOS', 'firmware', 'uefi.secureBoot.enabled',
                'nvme0:0.fileName', 'floppy0.present')))

    def snapshot(self, server):
        """Stop a server, and return the id of an image of its disk."""
        self._stop_server(server)
        image_id = self.admin_api.post_server_action(
            server['id'], {'createImage': {'name': 'installed'}})['image_id']
        self._wait_for_server_parameter(
            server, {'OS-EXT-STS:task_state': None})
        return image_id


class ShelvedTestCase(TestCase):
    """Servers that come back from an image of their disk."""

    def setUp(self):
        super().setUp()
        self.useFixture(glance_uploads.GlanceUploads())
        self.flags(shelved_offload_time=0)

    def shelve_and_unshelve(self, server, meanwhile=lambda: None):
        server = self._shelve_server(server,
                                     expected_state='SHELVED_OFFLOADED')
        meanwhile()
        server = self._unshelve_server(server)
        self.assertRunning(server)
        return server

    def make_ide_vmdk(self):
        """Make a disk that VMware wrote for an IDE controller."""
        disk = os.path.join(self.folder, 'ide.vmdk')
        subprocess.run([self.vmware.vdiskmanager, '-c', '-s', '64MB', '-a',
                        'ide', '-t', '0', disk], check=True)
        with open(disk, 'rb') as file:
            return file.read()

    def test_the_controller_that_vmware_wrote_the_disk_for(self):
        image_id = self.add_image('vmdk', content=self.make_ide_vmdk())
        server = self.boot(image_id)
        place = [key for key, value in self.vmx(server).items()
                 if value == 'root.vmdk']
        self.assertEqual(['ide0:0.fileName'], place)
        for _time in range(2):
            server = self.shelve_and_unshelve(server)
            self.assertEqual('root.vmdk', self.vmx(server)[place[0]])
        self._reboot_server(server, hard=True)
        self.assertEqual('root.vmdk', self.vmx(server)[place[0]])

    def test_images_in_drives_that_are_still_there(self):
        iso_id, iso = self.add_iso('one')
        gone, _iso = self.add_iso('two')
        floppy_id, floppy = self.add_floppy()
        server = self.boot(self.add_image(properties={
            'vix_iso_images': '%s,%s' % (gone, iso_id),
            'vix_floppy_image': floppy_id}))
        server = self.shelve_and_unshelve(
            server, lambda: self.glance.delete(None, gone))
        self.assertEqual(['cd0.iso', 'config-drive.iso'],
                         self.drives(server))
        self.assertEqual(iso, self.content(server, 'cd0.iso'))
        self.assertEqual(floppy, self.content(server, 'floppy.flp'))

    def test_images_and_tools_that_are_gone(self):
        iso_id, _iso = self.add_iso()
        floppy_id, _floppy = self.add_floppy()
        tools = self.install_tools_iso('linux.iso')
        server = self.boot(self.add_image(properties={
            'vix_tools': 'linux', 'vix_iso_images': iso_id,
            'vix_floppy_image': floppy_id}))

        def remove():
            self.glance.delete(None, iso_id)
            self.glance.delete(None, floppy_id)
            os.remove(tools)

        server = self.shelve_and_unshelve(server, remove)
        self.assertEqual(['config-drive.iso'], self.drives(server))
        self.assertNotIn('floppy0.fileName', self.vmx(server))

    def test_a_list_longer_than_nova_keeps_of_a_property(self):
        ids = [self.add_iso('disc %d' % number)[0] for number in range(8)]
        server = self.boot(self.add_image(
            properties={'vix_iso_images': ','.join(ids)}))
        server = self.shelve_and_unshelve(server)
        self.assertEqual(['config-drive.iso'], self.drives(server))


class RootDiskTestCase(TestCase):

    def is_linked(self, server):
        parent = linked.read_descriptor(self.path(server, 'root.vmdk'))
        return parent.parent_cid != 'ffffffff'

    def test_an_image_that_wants_no_linked_disk(self):
        self.assertTrue(self.is_linked(self.boot()))
        server = self.boot(self.add_image(properties={'cow': 'false'}))
        self.assertFalse(self.is_linked(server))

    def test_an_image_that_wants_a_linked_disk(self):
        self.flags(use_linked_clone=False, group='vmrun')
        self.restart_compute_service(self.compute)
        self.assertFalse(self.is_linked(self.boot()))
        server = self.boot(self.add_image(
            properties={'vmware_linked_clone': 'true'}))
        self.assertTrue(self.is_linked(server))
