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

"""Frozen guests, as Operations."""

from tests.crash import operation


class Freeze(operation.Operation):
    """Nova has a guest frozen while Cinder makes snapshots."""

    def make(self, host):
        return host.add_server(self.image_id, system_metadata={
            'image_hw_qemu_guest_agent': 'True'})

    def run(self, host):
        host.driver.quiesce(None, self.instance, self.instance.image_meta)
        host.driver.unquiesce(None, self.instance, self.instance.image_meta)

    def check_started(self, host):
        super().check_started(host)
        if host.hypervisor.states.is_running(self.instance.uuid):
            self.require_thawed(host)
        self.require_no_mark(host)

    def repeat(self, host):
        host.power_on_if_off(self.instance)
        self.run(host)

    def check(self, host):
        super().check(host)
        self.require_thawed(host)
        self.require_no_mark(host)

    def require_thawed(self, host):
        asked = [command for command, _ in host.vmware.asked_agents()
                 if command.startswith('guest-fsfreeze')]
        operation.require(asked[-1:] in ([], ['guest-fsfreeze-thaw']),
                          'the guest is frozen')

    def require_no_mark(self, host):
        operation.require(
            'frozen.json' not in host.files_of(self.instance.uuid),
            'the guest is still marked as frozen')
