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

"""A file system that becomes full during a first boot."""

import os
import subprocess

import fixtures
from oslo_utils import units
import testtools

from nova_vmrun.bench import measure
from nova_vmrun.bench import rig as bench_rig
from nova_vmrun.bench import sample_images
from nova_vmrun import exception
from nova_vmrun.host import space
from tests.benchmarks import rig as rigs

_SIZE, _CONTENT = 16 * units.Mi, 6 * units.Mi
_SPACE = 40 * units.Mi
_STEP = units.Mi
_SERVER = '00000000-0000-4000-8000-000000000000'


class FullTestCase(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'small')
        os.mkdir(self.folder)
        mounted = subprocess.run(
            ['mount', '-t', 'tmpfs', '-o', 'size=%d' % _SPACE, 'tmpfs',
             self.folder], capture_output=True, text=True)
        if mounted.returncode:
            self.skipTest('No file system can be mounted here: %s'
                          % mounted.stderr)
        self.addCleanup(subprocess.run, ['umount', '-l', self.folder],
                        check=True)
        self.useFixture(fixtures.MockPatchObject(space, 'RESERVE', 0))
        self.rig = rigs.Rig(self.folder)
        self.image = os.path.join(os.path.dirname(self.folder), 'image')
        sample_images.make_qcow2(self.rig, self.image, _SIZE, _CONTENT)

    def boot(self, free, link):
        """Boot with so many free bytes; return whether that was enough."""
        filler = os.path.join(self.folder, 'filler')
        left = os.statvfs(self.folder)
        with open(filler, 'wb') as file:
            os.posix_fallocate(file.fileno(), 0,
                               left.f_bavail * left.f_frsize - free)
        try:
            self.rig.boot(_SERVER, sample_images.stream_download(self.image),
                          link=link)
        except (exception.DiskFull, OSError) as error:
            if isinstance(error, OSError):
                # The server's own disk: spawn removes its folder.
                self.assertIn('No space left', str(error))
            return False
        finally:
            os.remove(filler)
        return True

    def check(self, link):
        outcomes = []
        for free in range(_STEP, _SPACE - 2 * _STEP, _STEP):
            outcomes.append(self.boot(free, link))
            server = self.rig.layout.folder(_SERVER)
            if not outcomes[-1] and os.path.exists(server):
                self.assertEqual([], os.listdir(server))
            folder = os.path.join(self.rig.layout.cache, bench_rig.IMAGE)
            left = os.listdir(folder) if os.path.exists(folder) else []
            self.assertFalse([name for name in left if 'work' in name])
            if not left:
                self.assertEqual(0, measure.allocated(self.rig.layout.cache))
            else:
                # What is there is whole: it needs no second download.
                self.rig.base(None)
            self.rig.forget()
        self.assertEqual(sorted(outcomes), outcomes)
        self.assertEqual({False, True}, set(outcomes))

    def test_linked(self):
        self.check(True)

    def test_whole(self):
        self.check(False)
