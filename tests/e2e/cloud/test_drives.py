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

"""CDs and floppies that an image names."""

import os
import subprocess

import fixtures

from tests.e2e.cloud import base
from tests.e2e.guest import console
from tests.e2e.guest import disks
from tests.e2e.guest import images

GIB = 1024 ** 3
FLOPPY_SIZE = 1440 * 1024


class DrivesTest(base.CloudCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path

    def upload(self, disk_format, path):
        image = self.plane.upload(path, disk_format=disk_format)
        self.addCleanup(self.cloud.image.delete_image, image)
        return image

    def make_cd(self):
        content = os.path.join(self.folder, 'content')
        os.mkdir(content)
        path = os.path.join(self.folder, 'second.iso')
        subprocess.run(['genisoimage', '-quiet', '-V', 'SECOND', '-o', path,
                        content], check=True)
        return path

    def make_floppy(self):
        path = os.path.join(self.folder, 'floppy.img')
        with open(path, 'wb') as f:
            f.write(os.urandom(FLOPPY_SIZE))
        return path

    def test_installer_cd_beside_an_empty_disk(self):
        floppy = self.make_floppy()
        image = self.plane.image(
            'iso', 'full',
            vmrun_iso_images=self.upload('iso', self.make_cd()).id,
            vmrun_floppy_image=self.upload('raw', floppy).id)

        server, facts = self.boot(image)

        self.assertEqual([(GIB, 'blank')], [
            (disk['bytes'], disk['content']) for disk in facts['disks']])
        self.assertIsNone(console.root_disk(facts))
        self.assertEqual(disks.sha256(images.image('iso')),
                         disks.sha256(server.folder / 'cd0.iso'))
        self.assertEqual(['GUEST', 'SECOND', 'config-2'],
                         [cd['label'] for cd in facts['cds']])
        self.assertEqual([(FLOPPY_SIZE, disks.sha256(floppy))], [
            (found['bytes'], found['sha256'])
            for found in facts['floppies']])
