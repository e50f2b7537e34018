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

"""An operation, with what it finds and what it must leave.

It is interrupted at every step. Then Nova starts, which does what it does
with a server in that state; and then the user repeats what he wanted, or
deletes the server.
"""

from nova.compute import power_state
from nova.compute import task_states
from nova.compute import vm_states

from tests.crash import novas_start

OTHER_HOST = '10.0.0.2'
RUNNING, PAUSED = power_state.RUNNING, power_state.PAUSED
SUSPENDED, SHUTDOWN = power_state.SUSPENDED, power_state.SHUTDOWN


class Operation:
    """Something that Nova asks of the driver for a server that exists.

    :cvar is_running: whether the server runs before
    :cvar task_state: what Nova has in its database meanwhile
    :cvar vm_state: the same for the state of the VM
    :cvar ends: the power state that the operation leads to
    :ivar instance: nova.objects.Instance
    """

    is_running = True
    task_state = None
    vm_state = vm_states.ACTIVE
    ends = RUNNING
    # Whether the server's disk must be there after the crash.
    keeps_disk = True

    def prepare(self, host):
        """Makes what is kept; runs no VM."""
        self.image_id = host.glance.add_image()
        self.instance = self.make(host)
        if self.keeps_disk:
            self.content = host.content(self.instance.uuid)

    def make(self, host):
        return host.add_server(self.image_id)

    def before(self, host):
        """Starts what runs when the operation begins."""
        self.instance.vm_state = self.vm_state
        self.instance.task_state = self.task_state
        self.instance.power_state = RUNNING if self.is_running else SHUTDOWN
        if self.is_running:
            host.driver.power_on(None, self.instance, [])

    def run(self, host):
        """What is interrupted."""
        raise NotImplementedError()

    def start(self, host):
        """What Nova does when it starts again."""
        novas_start.init_instance(host.driver, self.instance,
                                  self.migration(host))

    def migration(self, host):
        return None

    def check_started(self, host):
        """What must be true then, whatever the moment was."""
        if self.keeps_disk:
            self.require_disk(host)

    def repeat(self, host):
        """What the user does then."""
        self.run(host)

    def complete(self, host):
        """What follows when it has succeeded."""

    def check(self, host):
        """What must be true after that."""
        require_equal(self.ends, host.driver.get_info(
            self.instance, use_cache=False).state, 'power state')
        self.require_disk(host)

    def delete(self, host):
        """What the user does in the end."""
        self.instance.task_state = task_states.DELETING
        host.driver.destroy(None, self.instance, [])

    def require_disk(self, host):
        require(self.content == host.content(self.instance.uuid),
                'the disk has another content')


def require(condition, what):
    if not condition:
        raise AssertionError(what)


def require_equal(wanted, found, what):
    require(wanted == found, '%s: %r instead of %r' % (what, found, wanted))
