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

from nova_vmrun.aio import guests
from nova_vmrun.aio.services import nova
from nova_vmrun.aio import vmware
from nova_vmrun import exception
from nova_vmrun.host import product
from nova_vmrun.tools import vmrun
from tests.unit.aio import base


class GuestsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.settings.save(self.layout)
        nova.write_config(
            self.layout, self.settings, self.passwords,
            vmware=vmware.Programs('/opt/vmrun', None, False))
        self.patch(product, 'detect', self.detect)
        self.patch(vmrun.Vmrun, 'list', lambda _: self.listed)
        self.patch(vmrun.Vmrun, 'stop', self.stop)
        self.listed = []
        self.stopped = []

    def detect(self, runner, conf):
        self.asked = conf.vmrun_path
        return types.SimpleNamespace(vmrun=conf.vmrun_path, kind='ws')

    def stop(self, path, hard=True):
        self.stopped.append((path, hard))
        raise exception.NotPoweredOn('It is off.')

    def test_vmrun_is_that_of_nova_conf(self):
        guests.Guests(self.layout)
        self.assertEqual('/opt/vmrun', self.asked)

    def test_only_vms_below_our_instances_are_ours(self):
        ours = str(self.layout.instances / 'uuid' / 'a.vmx')
        self.listed = ['/home/me/vmware/Windows.vmx', ours,
                       '%s-old/b.vmx' % self.layout.instances]
        self.assertEqual([ours], guests.Guests(self.layout).running())

    def test_stopping_what_is_off_is_no_error(self):
        guests.Guests(self.layout).stop('/a.vmx')
        self.assertEqual([('/a.vmx', True)], self.stopped)

    def test_guest_that_cannot_be_asked_to_shut_down(self):
        self.assertRaises(exception.NotPoweredOn,
                          guests.Guests(self.layout).shut_down, '/a.vmx')
        self.assertEqual([('/a.vmx', False)], self.stopped)
