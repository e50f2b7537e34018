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

"""A vmrun outlives nova-compute, and the next nova-compute waits for it."""

from nova import test

from tests.crash import builds
from tests.crash import host as hosts
from tests.crash import invariants
from tests.unit import forks

# Much longer than the test needs until nova-compute starts again.
_LATENCY = 'start=5'


class SurvivorTestCase(test.NoDBTestCase):

    REQUIRES_LOCKING = True

    def setUp(self):
        super().setUp()
        self.host = self.useFixture(hosts.Host(self))
        self.invariants = invariants.Invariants(self.host)
        self.operation = builds.Spawn()
        self.operation.prepare(self.host)

    def kill_while_vmrun_starts(self):
        self.host.vmware.set_knobs(LATENCY=_LATENCY)
        child = self.useFixture(forks.Fork(
            lambda reached: self.operation.run(self.host)))
        self.host.wait_for_tool('start')
        child.kill()

    def test_the_start_waits_for_it(self):
        self.kill_while_vmrun_starts()
        self.assertEqual([], self.host.vms())
        self.host.restart()
        # That vmrun has read them by now.
        self.host.vmware.set_knobs()
        instance = self.operation.instance
        self.assertEqual([self.host.layout.vmx(instance.uuid)],
                         self.host.vms())
        self.operation.start(self.host)
        self.operation.delete(self.host)
        self.invariants.check_nothing_left()
