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

"""The corpus of hostile images, and mutations of good ones."""

import os
from unittest import mock

import fixtures
import hypothesis
from hypothesis import strategies
from oslo_utils import units
import testscenarios

from nova_vmrun import exception
from nova_vmrun.inspection import drive_images
from nova_vmrun.inspection import inspector
from nova_vmrun.storage import image_cache
from tests.fixtures.hostile import hybrids
from tests.fixtures.hostile import make_corpus
from tests.fixtures.hostile import other_disks
from tests.unit import base
from tests.unit import images
from tests.unit.storage import caches
from tests.unit import vmdks

CREATE_TYPES = ('streamOptimized', 'monolithicSparse')


class Base(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'image')

    def inspect(self, content, disk_format, container_format='bare'):
        with open(self.path, 'wb') as file:
            file.write(content)
        image = inspector.Image('image-id', disk_format, container_format)
        if disk_format == 'iso':
            return drive_images.require_iso(self.path, image)
        return inspector.inspect(self.path, image, CREATE_TYPES)


class CorpusTestCase(testscenarios.TestWithScenarios, caches.TestCase):
    """Each goes the way that it takes when a server of it is to boot."""

    scenarios = [(case.name, {'case': case})
                 for case in make_corpus.corpus()]

    def download(self, path):
        with open(path, 'wb') as file:
            file.write(self.case.content)

    def fetch(self):
        image = inspector.Image(caches.IMAGE, self.case.disk_format,
                                self.case.container_format)
        if image.disk_format == 'iso':
            return self.cache.file(
                image.id, image_cache.CD, self.download,
                lambda path: drive_images.require_iso(path, image))
        return self.cache.base(image, 0, self.download)

    def test_refused_before_any_tool_opens_it(self):
        error = self.assertRaises(exception.ImageRefused, self.fetch)
        self.assertIn(self.case.words, error.reason)
        self.assertNotEqual('', self.case.words)
        self.assertEqual(caches.IMAGE, error.image_id)
        for secret in (self.layout.root, 'shadow'):
            self.assertNotIn(secret, str(error))
        self.assertEqual([], self.tools.runs())
        self.assertEqual([], os.listdir(self.layout.cache))


class NotHostileTestCase(Base):
    """What the corpus is made from is accepted: it is not all refused."""

    def test_disks_and_installers(self):
        for disk_format, content in hybrids.DISKS.items():
            found = self.inspect(content.ljust(70000, b'\0'), disk_format)
            self.assertEqual(units.Mi, found.size, disk_format)
        self.inspect(hybrids.iso(), 'iso')
        self.inspect(hybrids.installer(), 'iso')
        self.inspect(images.tar([('vm.ovf', images.ovf()),
                                 ('disk.vmdk', vmdks.image())]), 'vmdk',
                     'ova')

    def test_the_script_writes_them_all(self):
        folder = self.useFixture(fixtures.TempDir()).path
        with mock.patch.object(make_corpus, 'corpus', return_value=[
                each for each in make_corpus.corpus()
                if each.container_format == 'ova']):
            make_corpus.main(folder)
            self.assertEqual(1 + len(make_corpus.corpus()),
                             len(os.listdir(folder)))


class BombTestCase(caches.TestCase):
    """A small image of a large disk is measured by the flavor's disk."""

    def test_no_tool_opens_it(self):
        large = units.Ti
        for disk_format, content in (
                ('vmdk', vmdks.image(vmdks.descriptor(
                    create_type='streamOptimized'), sectors=large // 512)),
                ('vdi', other_disks.vdi(large)),
                ('vhdx', other_disks.vhdx(large)),
                ('qcow2', images.qcow2(large))):
            def download(path):
                with open(path, 'wb') as file:
                    file.write(content)

            error = self.assertRaises(
                exception.DiskTooSmall, self.base, root_gb=1,
                disk_format=disk_format, download=download)
            self.assertEqual((units.Gi, large),
                             (error.flavor_size, error.image_size))
        self.assertEqual([], self.tools.runs())
        self.assertEqual([], os.listdir(self.layout.cache))


_GOOD = [(name, 'bare', content) for name, content
         in hybrids.DISKS.items()] + [
    ('vmdk', 'bare', vmdks.image(vmdks.descriptor(
        create_type='streamOptimized'))),
    ('vhd', 'bare', bytes(units.Mi) + images.vhd_footer(kind=2)),
    ('raw', 'bare', images.partitioned(70000)),
    ('iso', 'bare', hybrids.installer()),
    ('vmdk', 'ova', images.tar([('vm.ovf', images.ovf()),
                                ('disk.vmdk', vmdks.image())])),
]
# Where the tables of the formats above are, more often than elsewhere.
_PLACES = strategies.one_of(
    strategies.integers(0, 600), strategies.integers(0, 12000),
    strategies.integers(192 * units.Ki, 192 * units.Ki + 100),
    strategies.integers(2 * units.Mi, 2 * units.Mi + 200),
    strategies.integers(0, 3 * units.Mi))
_QUICK = hypothesis.settings(
    max_examples=150, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck))


class FuzzTestCase(Base):
    """Whatever an image holds, it is accepted or refused, and that is it."""

    def check(self, content, disk_format, container_format):
        try:
            found = self.inspect(content, disk_format, container_format)
        except exception.ImageRefused as error:
            self.assertNotIn(self.path, str(error))
        else:
            if disk_format != 'iso':
                self.assertTrue(0 < found.size <= 8 * units.Ti)

    @_QUICK
    @hypothesis.given(
        strategies.sampled_from(_GOOD),
        strategies.lists(strategies.tuples(
            _PLACES, strategies.binary(min_size=1, max_size=16)),
            max_size=5),
        strategies.none() | _PLACES)
    def test_good_images_with_bytes_changed(self, good, changes, length):
        disk_format, container_format, content = good
        changed = bytearray(content)
        for offset, data in changes:
            offset %= len(changed)
            changed[offset:offset + len(data)] = data
        self.check(bytes(changed[:length]), disk_format, container_format)

    @_QUICK
    @hypothesis.given(
        strategies.sampled_from(
            [b'', b'KDMV', b'QFI\xfb', b'conectix', b'vhdxfile', b'LUKS',
             b'# Disk DescriptorFile\n']),
        strategies.binary(max_size=2000),
        strategies.sampled_from(sorted(inspector.QEMU_FORMATS) + ['iso']),
        strategies.sampled_from(['bare', 'ova']))
    def test_any_bytes(self, magic, content, disk_format, container_format):
        self.check(magic + content, disk_format, container_format)

    @_QUICK
    @hypothesis.given(strategies.text(max_size=400))
    def test_any_descriptor(self, text):
        self.check(vmdks.image(vmdks.descriptor(extra=text),
                               descriptor_sectors=20), 'vmdk', 'bare')

    @_QUICK
    @hypothesis.given(strategies.lists(strategies.tuples(
        strategies.text('vm.ovfdisk/\\', max_size=12),
        strategies.binary(max_size=700)), max_size=4),
        strategies.binary(max_size=400))
    def test_any_archive(self, members, descriptor):
        self.check(images.tar([('vm.ovf', descriptor)] + [
            (name or 'x', content) for name, content in members]),
            'vmdk', 'ova')
