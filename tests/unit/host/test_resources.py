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
import types

import fixtures
from oslo_serialization import jsonutils

from nova_vmrun.host import processor
from nova_vmrun.host import resources
from nova_vmrun.server import layout
from tests.unit import base

GI = 1 << 30
UUID = 'b5c7f1ae-6a6e-4f0f-9d0c-8a3c1b2d4e5f'


class HostTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.layout = layout.Layout(
            self.useFixture(fixtures.TempDir()).path, '_base')
        self.host = resources.Host(self.layout)
        self.patch('psutil.cpu_count', lambda logical=True:
                   8 if logical else 4)
        self.patch('psutil.virtual_memory', lambda: types.SimpleNamespace(
            total=16 * GI, available=10 * GI, used=3 * GI, free=GI))
        self.patch('nova_vmrun.host.processor.read',
                   lambda: processor.Processor(
                       'AMD', 'Ryzen', frozenset(['fpu', 'aes']), 2))
        self.disk_asked = []
        self.patch('shutil.disk_usage', self._disk_usage)

    def patch(self, name, new):
        self.useFixture(fixtures.MockPatch(name, new))

    def _disk_usage(self, path):
        self.disk_asked.append(path)
        return types.SimpleNamespace(total=100 * GI + 5, used=41 * GI,
                                     free=50 * GI - 1)

    def test_processors(self):
        self.assertEqual(8, self.host.vcpus)

    def test_available_memory_is_not_used(self):
        """Do not count the file cache as used memory."""
        self.assertEqual((16 * 1024, 6 * 1024),
                         (self.host.memory_mb, self.host.memory_mb_used))

    def test_disk_is_the_file_system_of_the_instances(self):
        self.assertEqual(
            (100, 41, 49), (self.host.disk_gb, self.host.disk_gb_used,
                            self.host.largest_disk_gb_free))
        self.assertEqual({self.layout.root}, set(self.disk_asked))

    def write(self, folder, name):
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, name)
        with open(path, 'wb') as file:
            file.write(bytes(3 << 20))
            file.flush()
            os.fsync(file.fileno())
        return os.stat(path).st_blocks * 512

    def test_disks_of_servers_are_not_used_by_others(self):
        disks = (self.write(self.layout.folder(UUID), 'root.vmdk') +
                 self.write(self.layout.folder(UUID), 'disk.eph0.vmdk') +
                 self.write(self.layout.kept(UUID), 'root.vmdk'))
        # No flavor asks for a server's memory on the disk.
        self.write(self.layout.folder(UUID), UUID + '.vmem')
        self.write(os.path.join(self.layout.cache, UUID), 'base.vmdk')
        for others, expected in ((50 * GI, 50), (50 * GI + 1, 51)):
            self.patch('shutil.disk_usage', lambda path: types.SimpleNamespace(
                total=100 * GI, used=40 * GI,
                free=50 * GI - disks - others % GI))
            self.assertEqual(expected, self.host.disk_gb_used_by_others)

    def test_server_deleted_concurrently(self):
        self.patch('shutil.disk_usage', lambda path: types.SimpleNamespace(
            total=100 * GI, used=40 * GI, free=50 * GI))
        self.layout.folders = lambda: [(UUID, self.layout.folder(UUID))]
        self.assertEqual(50, self.host.disk_gb_used_by_others)

    def test_architecture(self):
        for machine, name in (('x86_64', 'x86_64'), ('AMD64', 'x86_64'),
                              ('arm64', 'aarch64'), ('aarch64', 'aarch64')):
            self.patch('platform.machine', lambda: machine)
            self.assertEqual(name, self.host.architecture)

    def test_cpu_info_is_serializable(self):
        self.patch('psutil.cpu_freq', lambda: types.SimpleNamespace(
            max=0.0, current=2400.5))
        info = self.host.cpu_info
        self.assertEqual(info, jsonutils.loads(jsonutils.dumps(info)))
        self.assertEqual({'sockets': 2, 'cores': 2, 'threads': 2},
                         info['topology'])
        self.assertEqual(('AMD', 'Ryzen', ['aes', 'fpu']), (
            info['vendor'], info['model'], info['features']))
        self.assertEqual({'HW_CPU_X86_AESNI'}, self.host.cpu_traits)
        self.assertEqual(2400, info['mhz'])

    def test_unknown_frequency(self):
        self.patch('psutil.cpu_freq', lambda: None)
        self.assertIsNone(self.host.cpu_info['mhz'])

    def test_uptime(self):
        self.patch('time.time', lambda: 1000000.0)
        self.patch('psutil.boot_time',
                   lambda: 1000000.0 - (3 * 24 + 4) * 3600 - 5 * 60)
        self.patch('psutil.getloadavg', lambda: (0.5, 1.25, 2))
        self.assertIn(' up 3 days, 4:05, load average: 0.50, 1.25, 2.00',
                      self.host.uptime())
