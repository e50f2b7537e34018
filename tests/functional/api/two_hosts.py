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
import subprocess

from nova.virt import node
from oslo_utils import uuidutils

from tests.functional.api import base
from tests.functional import fake_ssh


class TwoHosts(base.TestCase):

    """A base of tests.

    :cvar share_storage: whether both have the same instances_path
    :cvar own_vmware: whether each lists the VMs that it has started, as on two
        machines
    """

    addresses = ('10.0.0.1', '10.0.0.2')
    share_storage = False
    own_vmware = False

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
        self.node_ids = {'compute': node.LOCAL_NODE_UUID,
                         'second': uuidutils.generate_uuid()}
        self.vmruns = {'compute': self.vmware.vmrun,
                       'second': self.vmware.vmrun}
        if self.own_vmware:
            folder = os.path.join(self.folder, 'vmware')
            os.mkdir(folder)
            self.vmruns['second'] = self.vmware.of_another_machine(folder)
            self.addCleanup(self._end_vms, self.vmruns['second'])
        self.use('second')
        self.second = self._start_compute('second')

    def use(self, host):
        """Let the next nova-compute that starts be that of a host."""
        node.LOCAL_NODE_UUID = self.node_ids[host]
        self.flags(my_ip=self.addresses[host == 'second'],
                   instances_path=self.paths[host])
        self.flags(vmrun_path=self.vmruns[host], group='vmrun')

    def running(self, host):
        """Return the .vmx paths of the VMs that run on a host."""
        return [line for line in subprocess.run(
            [self.vmruns[host], 'list'], check=True, text=True,
            stdout=subprocess.PIPE).stdout.splitlines()
            if line.startswith('/')]

    def _end_vms(self, vmrun):
        for vmx in self.running('second'):
            subprocess.run([vmrun, 'stop', vmx, 'hard'], check=True)

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
