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

"""A machine that is, or becomes, a node."""

import fixtures

from nova_vmrun.cluster.node import files as node_files
from nova_vmrun.cluster.node import membership
from tests.unit.aio import base


class NodeCase(base.TestCase):
    """A test with the state directory of a node."""

    def setUp(self):
        super().setUp()
        self.files = node_files.Files(self.layout)
        self.files.folder.mkdir()
        self.member = membership.Membership(
            name='lab-2', user='tester', addresses=['192.0.2.1'], port=2222,
            services={'keystone': 5000, 'rabbitmq': 5672}, first_port=20100,
            knobs={})
        # sshd itself need not be installed.
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.aio.gateway.sshd.find', return_value='/sbin/sshd'))
