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

"""Unit tests for images in the CD and floppy drives of servers."""

import os
import stat
import types

import fixtures

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import product
from nova_vmrun.inspection import inspector
from nova_vmrun.ops import drives
from nova_vmrun.ops import parts
from nova_vmrun.server import disks
from tests.fixtures.hostile import hybrids
from tests.unit.ops import glances
from tests.unit.storage import caches

CONTEXT = object()
CD, OTHER_CD, FLOPPY = (digit * 8 + caches.IMAGE[8:] for digit in 'cde')
_FLOPPY_CONTENT = bytes(1440 * 1024)


def _hardware(**fields):
    return types.SimpleNamespace(**dict(
        {'iso_images': (), 'floppy_image': None, 'tools_isos': ()},
        **fields))


class Base(caches.TestCase):

    def setUp(self):
        super().setUp()
        self.glance = self.useFixture(glances.Glance())
        self.glance.fetch.side_effect = self._fetch
        self.content = {}
        self.add(CD, hybrids.iso(b'first'))
        self.add(OTHER_CD, hybrids.iso(b'second'))
        self.add(FLOPPY, _FLOPPY_CONTENT, 'raw')
        self.tools = self.useFixture(fixtures.TempDir()).path
        self.product = product.Product(product.WORKSTATION, (17, 6, 0),
                                       '/usr/bin/vmrun', None)
        self.useFixture(fixtures.MockPatchObject(
            product.Product, 'tools_folders',
            lambda _: ['/nonexistent', self.tools]))
        self.drives = drives.Drives(
            types.SimpleNamespace(product=self.product),
            types.SimpleNamespace(layout=self.layout),
            parts.Images(self.cache, self.users, None))

    def add(self, image_id, content, disk_format='iso'):
        self.glance.images[image_id] = {'disk_format': disk_format}
        self.content[image_id] = content

    def _fetch(self, context, image_id, path, trusted_certs):
        self.assertIs(CONTEXT, context)
        with open(path, 'wb') as file:
            file.write(self.content[image_id])

    def prepare(self, image=None, may_lack_some=False, **fields):
        return self.drives.prepare(
            CONTEXT, glances.instance(),
            image or inspector.Image(caches.IMAGE, 'qcow2'),
            _hardware(**fields), may_lack_some)

    def fetched(self):
        return [call.args[1] for call in self.glance.fetch.call_args_list]


class PrepareTestCase(Base):

    def test_nothing_asked_for(self):
        self.assertEqual(drives.Prepared((), None), self.prepare())
        self.assertEqual([], self.glance.asked)

    def test_images_in_the_order_of_the_properties(self):
        prepared = self.prepare(iso_images=(OTHER_CD, CD))
        self.assertEqual(
            [self.content[OTHER_CD], self.content[CD]],
            [files.read(path) for path in prepared.isos])

    def test_installer_goes_into_the_first_drive(self):
        prepared = self.prepare(inspector.Image(CD, 'iso'),
                                iso_images=(OTHER_CD,))
        self.assertEqual(
            [self.content[CD], self.content[OTHER_CD]],
            [files.read(path) for path in prepared.isos])

    def test_floppy(self):
        prepared = self.prepare(iso_images=(CD,), floppy_image=FLOPPY)
        self.assertEqual(1, len(prepared.isos))
        self.assertEqual(_FLOPPY_CONTENT, files.read(prepared.floppy))

    def test_cached_images_are_not_fetched_again(self):
        for _ in range(2):
            self.prepare(iso_images=(CD,), floppy_image=FLOPPY)
        self.assertEqual([CD, FLOPPY], self.fetched())

    def test_access_is_checked_even_for_cached_images(self):
        self.prepare(iso_images=(CD,))
        del self.glance.images[CD]
        self.assertRaises(exception.ImageRefused, self.prepare,
                          iso_images=(CD,))

    def test_content_is_inspected(self):
        self.add(CD, b'no ISO image'.ljust(70000))
        self.assertIn('in a CD drive', self.assertRaises(
            exception.ImageRefused, self.prepare,
            iso_images=(CD,)).reason)
        self.add(FLOPPY, hybrids.iso(), 'raw')
        self.assertIn('in a floppy drive', self.assertRaises(
            exception.ImageRefused, self.prepare,
            floppy_image=FLOPPY).reason)

    def test_trusted_certificates_of_the_server(self):
        self.prepare(iso_images=(CD,))
        self.assertEqual(glances.CERTIFICATES,
                         self.glance.fetch.call_args.kwargs['trusted_certs'])
        with self.cache.locked(CD) as entry:
            self.assertTrue(entry.is_verified('cd.iso', ['one', 'two']))


class MissingImageTestCase(Base):

    def setUp(self):
        super().setUp()
        del self.glance.images[CD], self.glance.images[FLOPPY]

    def test_new_server_is_refused(self):
        for fields in ({'iso_images': (CD,)}, {'floppy_image': FLOPPY}):
            self.assertRaises(exception.ImageRefused, self.prepare, **fields)

    def test_former_server_goes_on_without_it(self):
        prepared = self.prepare(may_lack_some=True, floppy_image=FLOPPY,
                                iso_images=(CD, OTHER_CD))
        self.assertEqual(
            ([self.content[OTHER_CD]], None),
            ([files.read(path) for path in prepared.isos], prepared.floppy))
        self.assertIn('A drive stays empty', self.log.output)
        self.assertIn(CD, self.log.output)


class ToolsTestCase(Base):

    hardware = _hardware(tools_isos=('linux.iso', 'windows.iso'))

    def write(self, name):
        path = os.path.join(self.tools, name)
        files.write_atomically(path, b'tools')
        return path

    def test_paths_of_the_product(self):
        expected = [self.write(name) for name in self.hardware.tools_isos]
        self.assertEqual(expected,
                         self.drives.tools_isos('uuid', self.hardware))
        self.prepare(tools_isos=self.hardware.tools_isos)

    def test_product_without_one_of_them(self):
        expected = self.write('windows.iso')
        error = self.assertRaises(
            exception.InvalidConfiguration, self.prepare,
            tools_isos=self.hardware.tools_isos)
        self.assertIn('linux.iso', error.brief)
        self.assertIn(self.tools, error.details)
        self.assertIn('vmrun_tools_iso', error.resolution)
        # A server that has had them goes on.
        self.prepare(may_lack_some=True,
                     tools_isos=self.hardware.tools_isos)
        self.assertEqual([expected],
                         self.drives.tools_isos('uuid', self.hardware))
        self.assertIn('Server uuid goes on without linux.iso',
                      self.log.output)

    def test_folder_with_the_name_of_an_image(self):
        os.mkdir(os.path.join(self.tools, 'linux.iso'))
        self.assertRaises(exception.InvalidConfiguration, self.prepare,
                          tools_isos=('linux.iso',))


class PlaceTestCase(Base):

    def setUp(self):
        super().setUp()
        self.prepared = self.prepare(iso_images=(CD, OTHER_CD),
                                     floppy_image=FLOPPY)
        os.mkdir(self.layout.folder(glances.UUID))

    def path(self, name):
        return self.layout.file(glances.UUID, name)

    def check_floppy(self, path):
        self.assertEqual(_FLOPPY_CONTENT, files.read(path))
        status = os.stat(path)
        self.assertEqual((1, 0o600),
                         (status.st_nlink, stat.S_IMODE(status.st_mode)))

    def test_files_have_the_names_in_the_record(self):
        self.drives.place(glances.UUID, self.prepared)
        planned = drives.plan(self.prepared, 'ide')
        self.assertEqual(
            [disks.cd_image(0, 'ide'), disks.cd_image(1, 'ide'),
             disks.floppy_image()], planned)
        self.assertEqual({disk.path for disk in planned},
                         set(os.listdir(self.layout.folder(glances.UUID))))
        for source, disk in zip(self.prepared.isos, planned):
            self.assertTrue(os.path.samefile(source, self.path(disk.path)))
        self.check_floppy(self.path('floppy.flp'))

    def test_no_floppy(self):
        prepared = drives.Prepared(self.prepared.isos[:1], None)
        self.assertEqual([disks.cd_image(0, 'sata')],
                         drives.plan(prepared, 'sata'))
        self.drives.place(glances.UUID, prepared)
        self.assertEqual(['cd0.iso'],
                         os.listdir(self.layout.folder(glances.UUID)))

    def test_image_at_a_path(self):
        path = self.path('rescue.iso')
        self.drives.put_cd(CONTEXT, glances.instance(),
                           inspector.Image(CD, 'iso'), path)
        self.assertTrue(os.path.samefile(self.prepared.isos[0], path))
        path = self.path('rescue.flp')
        self.drives.put_floppy(CONTEXT, glances.instance(),
                               inspector.Image(FLOPPY, 'raw'), path)
        self.check_floppy(path)
