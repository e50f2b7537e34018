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
import threading

from nova_vmrun.aio import errors
from nova_vmrun.aio import lock
from tests.unit.aio import base


class HoldTestCase(base.TestCase):

    def test_second_command_is_refused_and_names_the_first(self):
        with lock.hold(self.layout):
            error = self.assertRaises(
                errors.AioError, lock.hold(self.layout).__enter__)
        self.assertIn('It is process %d' % os.getpid(), error.details)

    def test_a_longer_process_id_of_an_earlier_command_is_overwritten(self):
        self.layout.lock.write_text('123456789\n')
        with lock.hold(self.layout):
            self.assertEqual('%d\n' % os.getpid(),
                             self.layout.lock.read_text())

    def test_it_is_free_after_a_failure(self):
        try:
            with lock.hold(self.layout):
                raise RuntimeError()
        except RuntimeError:
            pass
        with lock.hold(self.layout):
            self.assertEqual('%d\n' % os.getpid(),
                             self.layout.lock.read_text())

    def test_a_node_is_not_waited_for(self):
        with lock.hold(self.layout, lock.NODE):
            error = self.assertRaises(
                errors.AioError, lock.hold(self.layout).__enter__)
        self.assertEqual('The node in %s runs.' % self.layout.root,
                         error.brief)
        self.assertIn('It is process %d' % os.getpid(), error.details)
        self.assertIn('Ctrl-C', error.resolution)
        with lock.hold(self.layout):
            error = self.assertRaises(
                errors.AioError, lock.hold(self.layout).__enter__)
        self.assertIn('Another command', error.brief)

    def test_a_command_that_ends_soon(self):
        first = lock.hold(self.layout)
        first.__enter__()
        timer = threading.Timer(0.2, first.__exit__, (None, None, None))
        timer.start()
        self.addCleanup(timer.join)
        with lock.hold(self.layout, patience=30):
            pass
