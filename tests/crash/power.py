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

"""Changes of the power state of a server, as Operations."""

from nova.compute import task_states
from nova.compute import vm_states

from tests.crash import operation


class PowerOn(operation.Operation):
    is_running = False
    vm_state = vm_states.STOPPED
    task_state = task_states.POWERING_ON

    def run(self, host):
        host.driver.power_on(None, self.instance, [])

    def check_started(self, host):
        self.check(host)


class PowerOff(operation.Operation):
    ends = operation.SHUTDOWN
    task_state = task_states.POWERING_OFF

    def run(self, host):
        host.driver.power_off(self.instance)

    def check_started(self, host):
        self.check(host)


class ShutDown(PowerOff):

    def run(self, host):
        host.driver.power_off(self.instance, 30)


class RebootSoft(operation.Operation):
    task_state = task_states.REBOOT_STARTED

    def run(self, host):
        host.driver.reboot(None, self.instance, [], 'SOFT')

    def check_started(self, host):
        self.check(host)


class RebootHard(operation.Operation):
    task_state = task_states.REBOOT_STARTED_HARD

    def run(self, host):
        host.driver.reboot(None, self.instance, [], 'HARD')

    def check_started(self, host):
        self.check(host)


class RebootHardSuspended(RebootHard):
    """The saved memory is discarded."""

    def before(self, host):
        super().before(host)
        host.driver.suspend(None, self.instance)


class Pause(operation.Operation):
    task_state = task_states.PAUSING
    ends = operation.PAUSED

    def run(self, host):
        host.driver.pause(self.instance)

    def repeat(self, host):
        host.power_on_if_off(self.instance)
        self.run(host)


class Unpause(operation.Operation):
    vm_state = vm_states.PAUSED
    task_state = task_states.UNPAUSING

    def before(self, host):
        super().before(host)
        host.driver.pause(self.instance)

    def run(self, host):
        host.driver.unpause(self.instance)

    def repeat(self, host):
        host.power_on_if_off(self.instance)
        self.run(host)


class Suspend(operation.Operation):
    task_state = task_states.SUSPENDING
    ends = operation.SUSPENDED

    def run(self, host):
        host.driver.suspend(None, self.instance)

    def repeat(self, host):
        host.power_on_if_off(self.instance)
        self.run(host)


class Resume(operation.Operation):
    vm_state = vm_states.SUSPENDED
    task_state = task_states.RESUMING

    def before(self, host):
        super().before(host)
        host.driver.suspend(None, self.instance)

    def run(self, host):
        host.driver.resume(None, self.instance, [])
