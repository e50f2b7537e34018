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

import contextlib
import types

from nova_vmrun import exception
from nova_vmrun.ops.nova import disks_needed
from nova_vmrun.ops.nova import errors
from tests.unit import base

INSTANCE = types.SimpleNamespace(uuid='u')


class Storage:
    """Says whether the disks are there, and what is done meanwhile."""

    def __init__(self):
        self.error = None
        self.steps = []

    @contextlib.contextmanager
    def hold(self, name, uuid):
        self.steps.append('%s %s' % (name, uuid))
        if self.error:
            raise self.error
        yield
        self.steps.append('released')

    def in_use(self, uuid):
        return self.hold('in use', uuid)

    def held(self, uuid):
        return self.hold('held', uuid)


class Driver:

    def __init__(self):
        self._hypervisor = types.SimpleNamespace(storage=Storage())

    @property
    def storage(self):
        return self._hypervisor.storage

    @disks_needed.disks_needed
    def work(self, context, instance, number=1):
        """Do work."""
        self.storage.steps.append(number)
        return number

    @disks_needed.server_held
    def describe(self, instance):
        self.storage.steps.append('described')


class DisksNeededTestCase(base.TestCase):

    def test_disks_that_are_there(self):
        driver = Driver()
        self.assertEqual(2, driver.work('context', INSTANCE, 2))
        self.assertEqual(1, driver.work('context', instance=INSTANCE))
        self.assertEqual(['in use u', 2, 'released', 'in use u', 1,
                          'released'], driver.storage.steps)
        self.assertEqual(('work', 'Do work.'),
                         (driver.work.__name__, driver.work.__doc__))

    def test_disks_that_are_not(self):
        driver = Driver()
        driver.storage.error = exception.StorageFolderMissing('gone')
        self.assertRaises(errors.OperationFailed, driver.work, 'context',
                          INSTANCE)
        self.assertEqual(['in use u'], driver.storage.steps)

    def test_a_server_that_is_held(self):
        driver = Driver()
        driver.describe(INSTANCE)
        self.assertEqual(['held u', 'described', 'released'],
                         driver.storage.steps)
        driver.storage.error = exception.ServerInUse('moving')
        self.assertRaises(errors.OperationFailed, driver.describe, INSTANCE)
