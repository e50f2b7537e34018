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

import collections
import os
import types

import fixtures
from prometheus_client import parser

from nova_vmrun import exception
from nova_vmrun.host import product
from nova_vmrun.ops import metrics
from tests.unit.ops import hosts


_PAGE = os.path.join(os.path.dirname(__file__), '..', '..', '..', 'doc',
                     'source', 'monitoring.rst')


class Folder:
    """A storage folder that is there or not."""

    def __init__(self, name, free, there=True):
        self.name = name
        self.free = free
        self.there = there

    def require(self):
        if not self.there:
            raise exception.StorageFolderMissing('It is not there.')

    def space(self):
        return types.SimpleNamespace(total=100, free=self.free)


class MetricsTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.path = self.useFixture(fixtures.TempDir()).path + '/vmrun.prom'
        self.runner = types.SimpleNamespace(
            started=collections.Counter({'vmrun': 7, 'qemu-img': 1}),
            failed=collections.Counter({'vmrun': 2}))
        self.folders = [Folder('default', 40)]

    def metrics(self, path=None):
        return metrics.Metrics(
            types.SimpleNamespace(metrics_file=path or self.path),
            self.servers, types.SimpleNamespace(all=self.folders),
            self.runner, product.Product(
                product.WORKSTATION, (17, 6, 3), '/usr/bin/vmrun', None))

    def read(self):
        """The figures by name and value of their label."""
        with open(self.path) as file:
            return {(sample.name.removeprefix('nova_vmrun_'),
                     *sample.labels.values()): sample.value
                    for family in parser.text_fd_to_metric_families(file)
                    for sample in family.samples}

    def test_servers_are_counted_by_state(self):
        self.add_server(running=True)
        self.metrics().write()
        found = self.read()
        self.assertEqual((1, 0, 0), (
            found['servers', 'running'], found['servers', 'off'],
            found['servers', 'unknown']))

    def test_servers_whose_state_is_unknown_are_counted(self):
        self.add_server()
        self.vmrun.tool.list.side_effect = exception.ToolRefused('No.')
        self.metrics().write()
        self.assertEqual(1, self.read()['servers', 'unknown'])

    def test_one_process_is_started(self):
        self.add_server(running=True)
        self.vmrun.tool.list.reset_mock()
        self.metrics().write()
        self.assertEqual(1, self.vmrun.tool.list.call_count)

    def test_programs(self):
        self.metrics().write()
        found = self.read()
        self.assertEqual((7, 1, 2), (
            found['programs_started_total', 'vmrun'],
            found['programs_started_total', 'qemu-img'],
            found['programs_failed_total', 'vmrun']))

    def test_space_of_folders_and_a_missing_one(self):
        self.folders.append(Folder('usb', 10, there=False))
        self.metrics().write()
        found = self.read()
        self.assertEqual((1, 40, 100, 0), (
            found['storage_available', 'default'],
            found['storage_free_bytes', 'default'],
            found['storage_size_bytes', 'default'],
            found['storage_available', 'usb']))
        self.assertNotIn(('storage_free_bytes', 'usb'), found)

    def test_product(self):
        self.metrics().write()
        self.assertEqual(
            1, self.read()['product_info', 'VMware Workstation', '17.6.3'])

    def test_documentation_has_each_figure(self):
        with open(_PAGE) as file:
            page = file.read()
        self.add_server()
        self.metrics().write()
        for name, *_label in self.read():
            self.assertIn('``nova_vmrun_%s``' % name, page)

    def test_nothing_is_written_by_default(self):
        self.vmrun.tool.list.reset_mock()
        made = metrics.Metrics(
            types.SimpleNamespace(metrics_file=None), self.servers,
            types.SimpleNamespace(all=self.folders), self.runner, None)
        made.check()
        made.write()
        self.assertFalse(os.path.exists(self.path))
        self.vmrun.tool.list.assert_not_called()

    def test_file_that_cannot_be_written_is_refused_at_the_start(self):
        for path in ('vmrun.prom', '/does/not/exist/vmrun.prom'):
            error = self.assertRaises(exception.InvalidConfiguration,
                                      self.metrics(path).check)
            self.assertIn(path, error.details)
        self.metrics().check()

    def test_file_that_cannot_be_written_later_is_logged(self):
        os.rmdir(os.path.dirname(self.path))
        self.metrics().write()
        self.assertIn('The metrics could not be written to %s' % self.path,
                      self.log.output)
