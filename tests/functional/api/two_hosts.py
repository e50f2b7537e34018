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

"""Two compute nodes in one process, each with servers of its own."""

import os

from nova.virt import node
from oslo_utils import uuidutils

from tests.functional.api import base
from tests.functional import fake_ssh


class TwoHosts(base.TestCase):

    """A base of tests.

    :cvar share_storage: whether both have the same instances_path
    """

    addresses = ('10.0.0.1', '10.0.0.2')
    share_storage = False

    def _setup_services(self):
        self.flags(my_ip=self.addresses[0])
        super()._setup_services()
        self.paths = {
            'compute': self.instances_path,
            'second': self.instances_path if self.share_storage else
            os.path.join(self.folder, 'second')}
        programs = self.useFixture(fake_ssh.FakeSsh(
            dict(zip(self.addresses, self.paths.values()))))
        # The first host has read no option of these yet.
        self.flags(ssh_path=programs.ssh, group='vmrun')
        node.LOCAL_NODE_UUID = uuidutils.generate_uuid()
        self.flags(my_ip=self.addresses[1],
                   instances_path=self.paths['second'])
        self.second = self._start_compute('second')

    def at(self, host, server, *names):
        return os.path.join(self.paths[host], server['id'], *names)

    def where(self, server):
        return self.admin_api.get_server(
            server['id'])['OS-EXT-SRV-ATTR:host']

    def assertRunsAt(self, host, server):
        self.assertEqual(host, self.where(server))
        vmx = self.at(host, server, server['id'] + '.vmx')
        self.assertEqual([os.path.realpath(vmx)],
                         list(map(os.path.realpath, self.vmware.running())))
