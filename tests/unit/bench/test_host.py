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

import os
import subprocess

import fixtures

from nova_vmrun.bench import disk_requests
from nova_vmrun.bench import host
from nova_vmrun import exception
from nova_vmrun.host import product
from tests.unit import base

_INSTALL = os.path.join(os.path.dirname(__file__), '..', '..', 'fakes',
                        'install')
_MIB = 1 << 20


class HostBenchmarkTestCase(base.TestCase):
    """On the fakes, which are programs that make real files."""

    def setUp(self):
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        subprocess.run([_INSTALL, folder + '/bin'], check=True,
                       stdout=subprocess.DEVNULL)
        self.environment = {'FAKE_VMRUN_STATE': folder + '/state'}
        self.vmrun = folder + '/bin/vmrun'
        self.parent = self.useFixture(fixtures.TempDir()).path
        self.told = []
        self.patch('_RATE_SECONDS', 0.1)
        self.patch('_DISK', 2 * _MIB)

    def patch(self, name, value):
        self.useFixture(fixtures.MockPatchObject(host, name, value))

    def benchmark(self, tell=None, content=2 * _MIB, seconds=300, **knobs):
        return host.HostBenchmark(
            product.Product(product.WORKSTATION, product.Version(17, 6, 4),
                            self.vmrun, os.path.join(
                                os.path.dirname(self.vmrun),
                                'vmware-vdiskmanager')),
            {**self.environment, **{
                'FAKE_VMRUN_' + name: value for name, value in knobs.items()}},
            'qemu-img', self.parent, host.Limits(content, 1, seconds),
            tell or self.told.append)

    def assert_nothing_is_left(self):
        self.assertEqual([], os.listdir(self.parent))
        listed = subprocess.run(
            [self.vmrun, 'list'], env={**os.environ, **self.environment},
            check=True, stdout=subprocess.PIPE, text=True).stdout
        self.assertEqual('Total running VMs: 0\n', listed)

    def test_everything(self):
        benchmark = self.benchmark()
        found = benchmark.run()
        self.assertEqual(self.told, found)
        self.assertEqual(
            ['vmrun list', 'vmrun list, 4 at once', 'start of a VM',
             'stop of a VM', 'image made ready', 'first boot',
             'full copy of a disk',
             *('disk: ' + each.what for each in disk_requests.ALL)],
            [each.name for each in found])
        for each in found:
            self.assertGreater(each.ratio or 0, 0, each)
        by_name = {each.name: each for each in found}
        # It lists the VMs, too.
        self.assertGreater(by_name['start of a VM'].ratio, 1)
        self.assertEqual(by_name['start of a VM'].best, benchmark.tool_start)
        self.assertEqual(
            by_name['image made ready'].best + benchmark.tool_start,
            by_name['first boot'].best)
        self.assert_nothing_is_left()

    def test_vm_that_does_not_start(self):
        found = {each.name: each for each in self.benchmark(
            MODULES_MISSING='vmmon').run()}
        for name in ('start of a VM', 'first boot'):
            self.assertIsNone(found[name].here)
        self.assertTrue(found['start of a VM'].best_is)
        self.assertIsNotNone(found['image made ready'].here)
        self.assert_nothing_is_left()

    def test_too_little_space(self):
        benchmark = self.benchmark(content=1 << 50)
        error = self.assertRaises(exception.DiskFull, benchmark.run)
        self.assertIn('--size', error.resolution)
        self.assertEqual([], self.told)
        self.assert_nothing_is_left()

    def test_time_is_up(self):
        found = self.benchmark(seconds=0).run()
        self.assertEqual({None}, {each.here for each in found})
        self.assertIn('The time is up.', found[0].best_is)
        self.assert_nothing_is_left()

    def test_interrupted_while_a_vm_runs(self):
        def interrupt(found):
            if found.name == 'start of a VM':
                raise KeyboardInterrupt

        self.assertRaises(KeyboardInterrupt, self.benchmark(interrupt).run)
        self.assert_nothing_is_left()
