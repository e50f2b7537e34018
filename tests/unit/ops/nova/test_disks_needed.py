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

import types
from unittest import mock

from nova_vmrun import exception
from nova_vmrun.ops.nova import disks_needed
from nova_vmrun.ops.nova import errors
from nova_vmrun.storage import server_storage
from tests.unit import base

INSTANCE = types.SimpleNamespace(uuid='u')


class Driver:

    def __init__(self):
        self._hypervisor = types.SimpleNamespace(storage=mock.create_autospec(
            server_storage.ServerStorage, instance=True))
        self.done = []

    @disks_needed.disks_needed
    def work(self, context, instance, number=1):
        """Do work."""
        self.done.append(number)
        return number


class DisksNeededTestCase(base.TestCase):

    def test_disks_that_are_there(self):
        driver = Driver()
        self.assertEqual(2, driver.work('context', INSTANCE, 2))
        self.assertEqual(1, driver.work('context', instance=INSTANCE))
        driver._hypervisor.storage.require.assert_called_with('u')
        self.assertEqual(('work', 'Do work.'),
                         (driver.work.__name__, driver.work.__doc__))

    def test_disks_that_are_not(self):
        driver = Driver()
        driver._hypervisor.storage.require.side_effect = (
            exception.StorageFolderMissing('gone'))
        self.assertRaises(errors.OperationFailed, driver.work, 'context',
                          INSTANCE)
        self.assertEqual([], driver.done)
