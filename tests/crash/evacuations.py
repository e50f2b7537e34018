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

"""The adoption of a server of a host that is down, as an Operation."""

import dataclasses
import os
from unittest import mock

from nova.compute import task_states

from nova_vmrun.ops.nova import evacuations
from nova_vmrun.server import activity
from nova_vmrun.server import records as records_module
from tests.crash import operation
from tests.unit import locks

ENDED = 99999999


class Adopt(operation.Operation):
    """The server had been running when the power of its host was cut."""

    is_running = False
    # Until it is adopted, this host has no record of the server.
    keeps_disk = False
    theirs = 'their-node'

    def prepare(self, host):
        super().prepare(host)
        self.content = host.content(self.instance.uuid)
        self.disk = host.root_disk(self.instance.uuid)

    def before(self, host):
        super().before(host)
        self.instance.host = 'second'
        self.instance.task_state = task_states.REBUILD_SPAWNING
        record = host.hypervisor.records.get(self.instance.uuid)
        host.hypervisor.records.write_copy(
            dataclasses.replace(record, compute_id=self.theirs),
            host.layout.folder(self.instance.uuid))
        lock = locks.lock(self.disk, machine='B' * 16, pid=ENDED)
        self.lock = os.path.join(lock, 'M12345.lck')

    def run(self, host):
        with mock.patch.object(evacuations, 'is_fenced', return_value=True), \
                mock.patch.object(evacuations, 'host_of',
                                  return_value='second'), \
                mock.patch.object(activity, 'SECONDS', 0):
            operation.require(
                not host.driver.instance_exists(self.instance),
                'Nova would not evacuate the server')
            operation.require(
                host.hypervisor.evacuation.examine(None, self.instance),
                'the disks are not adopted')
            host.driver.spawn(
                None, self.instance, host.image_meta(self.image_id), [], None,
                {}, [])

    def start(self, host):
        """Do nothing: Nova has the server on the other host."""

    def check_started(self, host):
        owner = self.owner(host)
        operation.require(
            owner == self.theirs or not os.path.exists(self.lock),
            'a lock of the other host is beside an adopted disk')
        if host.vms():
            operation.require(owner != self.theirs,
                              'the VM of the other host is started')

    def owner(self, host):
        return host.hypervisor.records.of_any_node(
            self.instance.uuid).compute_id

    def complete(self, host):
        self.instance.host = 'host'
        self.instance.task_state = None

    def check(self, host):
        operation.require_equal(
            self.theirs, host.hypervisor.records.get(
                self.instance.uuid).adopted_from, 'former owner')
        super().check(host)

    def delete(self, host):
        if self.owner(host) == self.theirs:
            # That host deletes it when it is back.
            records_module.Records(
                host.layout, host.hypervisor.records.get(
                    host.driver.list_instance_uuids()[0]).compute_id
            ).take_over(host.hypervisor.records.of_any_node(
                self.instance.uuid))
        super().delete(host)
