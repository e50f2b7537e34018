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


from unittest import mock

from nova import context as nova_context
from nova import exception as nova_exception
from nova.scheduler.client import report

from nova_vmrun.aio import no_valid_host
from tests.unit.aio import base
from tests.unit.aio import test_providers


class SchedulerTestCase(base.TestCase):
    """Through the scheduler's client, with Placement's answers."""

    def setUp(self):
        super().setUp()
        client = report.SchedulerReportClient
        self.found = []
        self.patch(client, no_valid_host._FLAG, False)
        self.patch(client, 'get_allocation_candidates',
                   lambda *_: (self.found, {}, '1.36'))
        no_valid_host.install()
        no_valid_host.install()
        self.client = client.__new__(client)
        self.answers = {
            '/resource_providers': {'resource_providers': [{'uuid': 'u'}]},
            '/resource_providers/u/inventories': {
                'inventories':
                test_providers.provider().inventories},
            '/resource_providers/u/usages': {'usages': {'VCPU': 32}},
            '/resource_providers/u/traits': {'traits': []}}
        self.client.get = lambda path, **_: mock.Mock(
            json=lambda: self.answers[path])
        self.resources = mock.Mock(
            cpu_pinning_requested=False, _root_required=set(), _rg_by_id={})
        self.resources.merged_resources.return_value = {'VCPU': 1}

    def ask(self):
        return self.client.get_allocation_candidates(
            nova_context.get_admin_context(), self.resources)

    def test_reason_reaches_the_fault(self):
        error = self.assertRaises(nova_exception.NoValidHost, self.ask)
        self.assertEqual('No valid host was found. '
                         'It needs 1 VCPU; 0 of 32 are free.', str(error))

    def test_candidates_are_passed_on(self):
        self.found = ['candidate']
        self.assertEqual((['candidate'], {}, '1.36'), self.ask())

    def test_placement_that_does_not_answer_changes_nothing(self):
        del self.answers['/resource_providers/u/traits']
        self.assertEqual(([], {}, '1.36'), self.ask())
