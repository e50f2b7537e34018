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


"""Events while the driver itself works on a server."""

from nova.virt import event as virtevent

from tests.unit.ops import hosts
from tests.unit.ops import test_lifecycle_events

UUID = hosts.UUID
OTHER = hosts.OTHER
STOPPED = virtevent.EVENT_LIFECYCLE_STOPPED
SUSPENDED = virtevent.EVENT_LIFECYCLE_SUSPENDED


class OursTestCase(test_lifecycle_events.Base):
    """Nova hears nothing of what we do ourselves."""

    def setUp(self):
        super().setUp()
        self.process = self.run_vm()
        self.begin(UUID)

    def test_a_vm_that_we_end(self):
        with self.events.ours(UUID, ends=True):
            self.ends.end(self.end_vm())
            self.assertEqual([], self.heard())
        self.assertEqual([], self.heard())
        self.assertEqual(0, self.lists())

    def test_a_vm_that_ended_before_we_could(self):
        """What is not yet told will not be."""
        with self.events.held(UUID):
            self.ends.end(self.end_vm())
            self.ends.wait_until_idle()
            with self.events.ours(UUID, ends=True):
                pass
        self.assertEqual([], self.heard())

    def test_a_process_that_outlives_our_stop(self):
        with self.events.ours(UUID, ends=True):
            self.vmrun.running.clear()
        self.ends.end(self.end_vm())
        self.assertEqual([], self.heard())

    def test_a_vm_that_we_could_not_end(self):
        def fail():
            with self.events.ours(UUID, ends=True):
                raise hosts.hung()

        self.assertRaises(type(hosts.hung()), fail)
        self.ends.end(self.end_vm())
        self.assertEqual([(UUID, STOPPED)], self.heard())

    def test_a_vm_that_we_start_is_watched(self):
        with self.events.ours(UUID):
            with self.events.ours(UUID, ends=True):
                self.ends.end(self.end_vm())
            self.run_vm(pid=1002)
            # Nova queries the state in between.
            self.events.watch(UUID)
            self.assertEqual(set(), self.ends.watched)
        self.assertEqual([], self.heard())
        self.ends.end(self.end_vm())
        self.assertEqual([(UUID, STOPPED)], self.heard())

    def test_an_operation_that_begins_while_we_look(self):
        def look():
            self.events._forget(UUID)
            return []

        self.vmrun.tool.list.side_effect = look
        self.ends.end(self.end_vm())
        self.assertEqual([], self.heard())
        self.assertEqual(1, self.lists())

    def test_an_operation_on_another_server(self):
        with self.events.ours(OTHER):
            self.ends.end(self.end_vm())
            self.assertEqual([(UUID, STOPPED)], self.heard())


class HeldTestCase(test_lifecycle_events.Base):

    def test_nova_hears_when_the_operation_has_ended(self):
        self.run_vm()
        self.begin(UUID)
        with self.events.held(UUID):
            self.ends.end(self.end_vm())
            self.assertEqual([], self.heard())
            # Another server need not wait.
            self.events.watch(OTHER)
        event = self.told.get(timeout=test_lifecycle_events.PATIENCE)
        self.assertEqual(STOPPED, event.transition)
