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

"""Attaching and detaching of network adapters, as Operations."""

from unittest import mock

from nova.network import model
from nova.objects import instance_info_cache

from tests.crash import operation

_MAC = 'fa:16:3e:00:00:01'


class AttachInterface(operation.Operation):
    """An adapter of a stopped server."""

    is_running = False
    ends = operation.SHUTDOWN
    is_attached = True

    def prepare(self, host):
        super().prepare(host)
        self.vif = model.VIF(id='port', address=_MAC, type='vmrun',
                             network=model.Network(id='net'))

    def run(self, host):
        self.change(host.driver.attach_interface, host)

    def change(self, method, host):
        known = mock.Mock(network_info=[self.vif])
        with mock.patch.object(instance_info_cache.InstanceInfoCache,
                               'get_by_instance_uuid', return_value=known):
            if method == host.driver.attach_interface:
                method(None, self.instance, None, self.vif)
            else:
                method(None, self.instance, self.vif)

    def check(self, host):
        super().check(host)
        operation.require_equal(
            [_MAC] if self.is_attached else [],
            host.mac_addresses(self.instance.uuid), 'adapters')


class DetachInterface(AttachInterface):
    is_attached = False

    def before(self, host):
        super().before(host)
        super().run(host)

    def run(self, host):
        self.change(host.driver.detach_interface, host)
