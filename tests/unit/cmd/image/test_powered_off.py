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

"""Unit tests for the check that a VM is off."""

import os

import fixtures

from nova_vmrun.cmd.image import powered_off
from nova_vmrun.cmd.image import vm
from nova_vmrun import exception
from tests.unit import base
from tests.unit.cmd.image import vms
from tests.unit import locks


class PoweredOffTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path

    def vm(self, **changes):
        return vm.load(vms.write_vm(self.folder, **changes))

    def refused(self, text, **changes):
        error = self.assertRaises(exception.InvalidInput, powered_off.require,
                                  self.vm(**changes))
        self.assertIn(text, error.details)
        self.assertIn('web.vmx', error.brief)
        self.assertTrue(error.resolution)

    def _lock(self, pid):
        locks.lock(os.path.join(self.folder, 'web.vmdk'), pid=pid)

    def test_off(self):
        powered_off.require(self.vm(**{'checkpoint.vmState': ''}))

    def test_suspended(self):
        self.refused('suspended', **{'checkpoint.vmState': 'web-1.vmss'})

    def test_encrypted(self):
        for key in ('encryption.keySafe', 'encryption.data',
                    'encryptedVM.guid'):
            self.refused('encrypted', **{key: 'vmware:key/'})

    def test_running(self):
        self._lock(os.getpid())
        self.refused('running')

    def test_lock_of_a_dead_process(self):
        # No process has a number beyond the largest that Linux gives.
        self._lock(2 ** 22 + 1)
        powered_off.require(self.vm())
