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

"""The start of nova-compute itself, as an Operation."""

from tests.crash import leftovers
from tests.crash import operation


class Start(operation.Operation):
    """The previous nova-compute was killed during several operations."""

    is_running = False
    ends = operation.SHUTDOWN

    def prepare(self, host):
        super().prepare(host)
        leftovers.delete_half(host, host.add_server(self.image_id))
        leftovers.begin_conversion(host, self.image_id)
        leftovers.begin_snapshot(host, self.instance)

    def run(self, host):
        host.restart()

    def check_started(self, host):
        super().check_started(host)
        operation.require_equal([], host.snapshots(self.instance.uuid),
                                'snapshots')
