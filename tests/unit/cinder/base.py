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

"""A folder of volumes, without Cinder."""

import os
import stat
import uuid

import fixtures
from oslo_utils import units

from nova_vmrun.cinder import disk
from nova_vmrun.cinder import folder as folders
from nova_vmrun.cinder import store as stores
from nova_vmrun.formats import flat
from nova_vmrun.host import files
from tests.unit import base

# A volume's content is mostly a hole; this is at its beginning and end.
CONTENT = b'content of a volume'


def volume(size=units.Gi, **facts):
    number = str(uuid.uuid4())
    return disk.Disk(**dict({'id': number, 'title': 'Volume %s' % number,
                             'name': 'volume-%s' % number, 'size': size},
                            **facts))


def larger(made, size=2 * units.Gi):
    """Return what a volume is after it was extended."""
    return volume(size, id=made.id, title=made.title, name=made.name)


def snapshot(size=units.Gi):
    number = str(uuid.uuid4())
    return disk.Disk(number, 'Snapshot %s' % number, 'snapshot-%s' % number,
                     size, is_snapshot=True)


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'volumes')
        self.folder = folders.Folder(self.path)
        self.folder.open()
        self.addCleanup(self.folder.close)
        self.store = stores.Store(self.folder)

    def created(self, content=CONTENT, **facts):
        made = volume(**facts)
        self.store.create(made)
        self.write(made, content)
        return made

    def extent(self, each):
        return os.path.join(self.path, each.name + '-flat.vmdk')

    def descriptor(self, each):
        return os.path.join(self.path, each.name + '.vmdk')

    def write(self, each, content):
        with open(self.extent(each), 'r+b') as file:
            file.write(content)
            file.seek(-len(content), os.SEEK_END)
            file.write(content)

    def assert_content(self, each, content=CONTENT, original_size=units.Gi):
        with open(self.extent(each), 'rb') as file:
            self.assertEqual(content, file.read(len(content)))
            file.seek(original_size - len(content))
            self.assertEqual(content, file.read(len(content)))

    def assert_volume(self, each):
        flat.check(files.read(self.descriptor(each)), each.flat)
        for path in (self.extent(each), self.descriptor(each)):
            status = os.lstat(path)
            self.assertTrue(stat.S_ISREG(status.st_mode))
            self.assertEqual(0o600, stat.S_IMODE(status.st_mode))
        self.assertEqual(each.size, os.stat(self.extent(each)).st_size)

    def assert_files(self, *disks):
        """Check that there are the files of some disks and no others."""
        expected = {os.path.basename(self.extent(each)) for each in disks}
        expected |= {os.path.basename(self.descriptor(each))
                     for each in disks if not each.is_snapshot}
        self.assertEqual(expected, set(os.listdir(self.path)))
