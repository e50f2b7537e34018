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

"""Rescue and unrescue, as Operations."""

from nova.compute import task_states
from nova.compute import vm_states

from tests.crash import disk_content
from tests.crash import operation


class Rescue(operation.Operation):
    task_state = task_states.RESCUING
    is_running = False
    changes = {}

    def make(self, host):
        self.rescue_id = host.glance.add_image()
        return host.add_server(self.image_id, **self.changes)

    def run(self, host):
        host.driver.rescue(None, self.instance, [],
                           host.image_meta(self.rescue_id), 'secret', None,
                           None)

    def repeat(self, host):
        """Stop the server first, as Nova does."""
        host.driver.power_off(self.instance)
        self.run(host)

    def require_disk(self, host):
        """Check the disk, which a server in rescue does not boot from."""
        operation.require(
            self.content == disk_content.read(host.root_disk(
                self.instance.uuid)), 'the disk has another content')


class RescueWithConfigDrive(Rescue):
    changes = {'config_drive': 'True'}


class RescueAgain(Rescue):
    """The previous rescue was not ended."""

    def before(self, host):
        super().before(host)
        self.run(host)
        host.driver.power_off(self.instance)


class Unrescue(Rescue):
    task_state = task_states.UNRESCUING
    vm_state = vm_states.RESCUED

    def before(self, host):
        super().before(host)
        super().run(host)

    def run(self, host):
        host.driver.unrescue(None, self.instance)

    def repeat(self, host):
        self.run(host)

    def check(self, host):
        super().check(host)
        operation.require(self.content == host.content(self.instance.uuid),
                          'the server boots from another disk')
        left = [name for name in host.files_of(self.instance.uuid)
                if 'rescue' in name]
        operation.require_equal([], left, 'files of the rescue')
