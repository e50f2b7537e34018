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

"""Operations that are interrupted by a crash.

After the crash nova-compute starts, and Nova handles the server as usual. Then
the user repeats the operation or deletes the server.
"""

from nova.compute import power_state
from nova.compute import task_states
from nova.compute import vm_states

from tests.crash import novas_start

OTHER_HOST = '10.0.0.2'
RUNNING, PAUSED = power_state.RUNNING, power_state.PAUSED
SUSPENDED, SHUTDOWN = power_state.SUSPENDED, power_state.SHUTDOWN


class Operation:
    """An operation of the driver on a server.

    :cvar is_running: whether the server runs before the operation
    :cvar task_state: in Nova's database during the operation
    :cvar vm_state: in Nova's database during the operation
    :cvar ends: the power state after the operation
    :ivar instance: nova.objects.Instance
    """

    is_running = True
    task_state = None
    vm_state = vm_states.ACTIVE
    ends = RUNNING
    # Names of the storage folders of the host.
    storage = ()
    # Whether the server's disk must be there after the crash.
    keeps_disk = True

    def prepare(self, host):
        """Make the server, without starting a VM."""
        self.image_id = host.glance.add_image()
        self.instance = self.make(host)
        if self.keeps_disk:
            self.content = host.content(self.instance.uuid)

    def make(self, host):
        return host.add_server(self.image_id)

    def before(self, host):
        """Start the VM, if the operation needs a running server."""
        self.instance.vm_state = self.vm_state
        self.instance.task_state = self.task_state
        self.instance.power_state = RUNNING if self.is_running else SHUTDOWN
        if self.is_running:
            self.power_on(host)

    def power_on(self, host):
        host.driver.power_on(None, self.instance, [])

    def run(self, host):
        """Run the operation, which a crash may interrupt."""
        raise NotImplementedError()

    def start(self, host):
        """Do what Nova does when it starts again."""
        novas_start.init_instance(host.driver, self.instance,
                                  self.migration(host))

    def migration(self, host):
        return None

    def check_started(self, host):
        """Check the server after the start."""
        if self.keeps_disk:
            self.require_disk(host)

    def repeat(self, host):
        """Repeat the operation, as a user does."""
        self.run(host)

    def complete(self, host):
        """Do what Nova does after the operation has succeeded."""

    def check(self, host):
        """Check the server after the operation."""
        require_equal(self.ends, host.driver.get_info(
            self.instance, use_cache=False).state, 'power state')
        self.require_disk(host)

    def delete(self, host):
        """Delete the server."""
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
