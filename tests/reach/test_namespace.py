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


"""An ordinary user reaches a guest in a network namespace."""

import ipaddress
import pathlib

import testtools

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import reach
from tests.e2e.engine import vms
from tests.e2e.guest import console
from tests.e2e.guest import images

_MAC = 'fa:16:3e:00:00:01'


class NamespaceTestCase(vms.EngineCase):

    # Nothing else will do.
    environ = {'FAKE_VMRUN_NET': 'namespace'}

    @testtools.testcase.attr('sample')
    def test_guest_answers_at_its_address(self):
        vm = self.vm({**vms.disk_keys(), **vms.nic_keys(
            0, addressType='static', address=_MAC, checkMACAddress='FALSE')},
            images.image(kernel='cloud'))
        address, = console.addresses(vm.boot(), _MAC)
        layout = aio_layout.Layout(self.folder)
        layout.fakes.mkdir()
        layout.fake_state = pathlib.Path(self.folder) / 'state'
        with reach.connect(layout, ipaddress.ip_address(address),
                           80) as sock:
            sock.settimeout(60)
            sock.sendall(b'GET / HTTP/1.0\r\n\r\n')
            with sock.makefile('rb') as answer:
                self.assertTrue(answer.read().endswith(b'\r\n\r\nguest\n'))
