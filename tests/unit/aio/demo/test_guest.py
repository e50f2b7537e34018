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

import json
import pathlib

import fixtures

from nova_vmrun.aio import assets
from nova_vmrun.aio.demo import guest
from nova_vmrun.aio import errors
from tests.unit import base

FACTS = {
    'hostname': 'demo', 'instance_id': 'uuid', 'kernel': '6.1', 'cpus': 1,
    'memory_kb': 500 * 1024,
    'disks': [{'bytes': 2048, 'driver': 'ahci'},
              {'bytes': 1024 ** 3, 'driver': 'vmw_pvscsi', 'root': True,
               'data': {'boots': 2}}],
    'nics': [{'mac': 'fa:16:3e:00:00:01', 'driver': 'vmxnet3',
              'addresses': ['10.0.0.5/24']}]}
SAID = '@guest facts %s\n' % json.dumps(FACTS)


class FactsTestCase(base.TestCase):

    def test_last_boot_counts(self):
        log = '@guest facts {"hostname": "old"}\n[ 1.0] on\n' + SAID
        self.assertEqual(FACTS, guest.facts(log + '@guest tick 1 9.0\n'))

    def test_incomplete_output_of_a_guest_has_no_facts(self):
        self.assertIsNone(guest.facts(SAID[:-20]))
        self.assertIsNone(guest.facts('[ 1.0] on\n'))

    def test_disk_is_the_one_that_it_runs_from(self):
        self.assertEqual(1024 ** 3, guest.root_disk(FACTS)['bytes'])

    def test_log_for_a_person_has_the_kernel_alone(self):
        self.assertEqual('[ 1.0] on\n[ 2.0] off', guest.without_facts(
            '[ 1.0] on\n' + SAID + '[ 2.0] off\n'))

    def test_summary(self):
        text = '\n'.join(guest.summary(FACTS))
        for word in ('demo', '500 MiB', '1024 MiB, driver vmw_pvscsi',
                     'fa:16:3e:00:00:01, 10.0.0.5/24, driver vmxnet3'):
            self.assertIn(word, text)


class MakeTestCase(base.TestCase):

    def make(self, program):
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (folder / 'make_guest').write_text(program)
        self.patch(assets, 'folder', lambda *_: folder)
        return guest.make(folder)

    def test_image_is_what_the_builder_names(self):
        path = self.make('import sys; print(sys.argv[1] + "/a.qcow2")')
        self.assertEqual('a.qcow2', path.name)

    def test_reason_is_the_builders(self):
        error = self.assertRaises(
            errors.AioError, self.make,
            'import sys; sys.exit("make_guest: apt-get is not installed")')
        self.assertIn('apt-get is not installed', str(error))
