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

"""Images from qemu-img that were truncated before the upload.

The driver or qemu-img refuses each of them, unless its content is complete.
"""

import os
import random
import subprocess

import fixtures
import hypothesis
from hypothesis import strategies
from oslo_utils import units
import testtools

from nova_vmrun import exception
from nova_vmrun.inspection import inspector

# What Glance calls it, what qemu-img does, and the kinds of it.
_FORMATS = (
    ('qcow2', 'qcow2', 'cluster_size=4096'),
    ('qcow2', 'qcow2', 'cluster_size=65536'),
    ('vmdk', 'vmdk', 'subformat=monolithicSparse'),
    ('vmdk', 'vmdk', 'subformat=streamOptimized'),
    ('vdi', 'vdi', 'static=off'),
    ('vdi', 'vdi', 'static=on'),
    ('vhd', 'vpc', 'subformat=dynamic'),
    ('vhd', 'vpc', 'subformat=fixed'),
    ('vhdx', 'vhdx', 'subformat=dynamic'),
    ('vhdx', 'vhdx', 'subformat=dynamic,block_size=1M'),
    ('vhdx', 'vhdx', 'subformat=fixed'),
)
_CREATE_TYPES = ('streamOptimized', 'monolithicSparse')
_SECTOR = 512
# Of a disk: whole MiB and odd ones, mostly empty.
_SIZES = strategies.one_of(
    strategies.integers(1, 20).map(lambda number: number * units.Mi),
    strategies.integers(1, 40000).map(lambda number: number * _SECTOR))
_PIECES = strategies.lists(strategies.tuples(
    strategies.floats(0, 1), strategies.integers(1, 400 * units.Ki)),
    max_size=5)
# Where it is cut: anywhere, or shortly before the end.
_CUTS = strategies.lists(
    strategies.floats(0, 1) |
    strategies.integers(-400 * units.Ki, -1) | strategies.integers(-1600, -1),
    min_size=5, max_size=5)


class CutOffTestCase(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, qemu_format, options, size, pieces):
        """Make an image and its raw content; return its bytes."""
        content = random.Random(size)
        with open(self.path('raw'), 'wb') as file:
            for place, length in pieces:
                file.seek(int(place * size) // _SECTOR * _SECTOR)
                file.write(content.randbytes(length))
            file.truncate(size)
        subprocess.run(
            ['qemu-img', 'convert', '-f', 'raw', '-O', qemu_format, '-o',
             options, self.path('raw'), self.path('whole')], check=True)
        with open(self.path('whole'), 'rb') as file:
            return file.read()

    def is_accepted(self, name, disk_format):
        try:
            inspector.inspect(self.path(name), inspector.Image(
                'image-id', disk_format), _CREATE_TYPES)
        except exception.ImageRefused:
            return False
        return True

    def compare(self, name, qemu_format):
        """Return 0 for the same content, 1 for other content, 2 if refused."""
        return subprocess.run(
            ['qemu-img', 'compare', '-q', '-f', qemu_format, '-F', 'raw',
             self.path(name), self.path('raw')],
            stderr=subprocess.DEVNULL).returncode

    @hypothesis.settings(
        max_examples=60, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(strategies.sampled_from(_FORMATS), _SIZES, _PIECES,
                      _CUTS)
    def test_refused_or_whole(self, kind, size, pieces, cuts):
        disk_format, qemu_format, options = kind
        whole = self.make(qemu_format, options, size, pieces)
        self.assertTrue(self.is_accepted('whole', disk_format))
        self.assertEqual(0, self.compare('whole', qemu_format))
        for cut in cuts:
            length = (max(0, len(whole) + cut) if cut < 0 else
                      int(cut * (len(whole) - 1)))
            with open(self.path('part'), 'wb') as file:
                file.write(whole[:length])
            if self.is_accepted('part', disk_format):
                self.assertNotEqual(1, self.compare('part', qemu_format),
                                    '%d of %d bytes' % (length, len(whole)))
