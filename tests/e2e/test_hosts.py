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

"""Three compute hosts: a network of type local never spans two of them."""

import subprocess
import sys

import psutil

from tests.functional import fake_ssh
from tests.functional.split import base
from tests.functional.split import compute

_HOSTS = ('compute1', 'compute2', 'compute3')
_CIDR = '10.40.0.0/24'
_ADDRESS = '10.0.0.%d'


class HostsTestCase(base.TestCase):

    NEUTRON_CONF = '[ml2_vmrun]\nhosts = %s\n' % ','.join(_HOSTS)

    def start_compute(self):
        """Start a nova-compute for each host, with a VMware of its own."""
        self.ssh = self.useFixture(fake_ssh.FakeSsh({
            _ADDRESS % number: str(self.folder / name / 'instances')
            for number, name in enumerate(_HOSTS, 1)})).ssh
        self.computes = {
            name: self.start_host(name, _ADDRESS % number)
            for number, name in enumerate(_HOSTS, 1)}
        for nova_compute in self.computes.values():
            self.wait_until(nova_compute.has_started,
                            '%s has started' % nova_compute.config.parent.name)
        self.wait_until(
            lambda: len(list(self.cloud.compute.hypervisors())) == len(_HOSTS),
            'the scheduler knows the hosts')

    def start_host(self, name, address):
        folder = self.folder / name
        folder.mkdir()
        nova_compute = self.useFixture(compute.NovaCompute(
            folder, {'FAKE_VMRUN_STATE': str(folder / 'vmware')}))
        compute.write_config(
            self.layout.config_dir('nova') / 'nova.conf', nova_compute.config,
            {('DEFAULT', 'host'): name,
             ('DEFAULT', 'state_path'): str(folder),
             ('DEFAULT', 'instances_path'): str(folder / 'instances'),
             ('vmrun', 'migration_address'): address,
             ('vmrun', 'ssh_path'): self.ssh,
             ('oslo_concurrency', 'lock_path'): str(folder / 'lock')})
        nova_compute.start()
        return nova_compute

    def test_local_network_stays_on_its_host(self):
        network = self.cloud.network.create_network(name='lab')
        self.cloud.network.create_subnet(
            network_id=network.id, name='lab', ip_version=4, cidr=_CIDR)
        image = self.upload_image()

        def request(host, name):
            return self.request_boot(
                image, name=name, networks=[{'uuid': network.id}],
                availability_zone='nova:' + host)

        first = request('compute1', 'first')
        self.wait_for_status(first, 'ACTIVE')
        for host in ('compute2', 'compute3'):
            self.assert_refused(request(host, 'on-' + host), network, host)
        second = request('compute1', 'second')
        self.wait_for_status(second, 'ACTIVE')
        self.move((first, second), 'compute2')
        self.lose('compute2')
        # The first one moves while Neutron still has the second one's port
        # on the host that is lost.
        for server in (first, second):
            self.evacuate(server, 'compute3')

        # Without servers, the network is on no host.
        for server in self.cloud.compute.servers():
            self.cloud.compute.delete_server(server)
            self.cloud.compute.wait_for_delete(server, interval=0.2,
                                               wait=base.TIMEOUT)
        moved = request('compute1', 'moved')
        self.wait_for_status(moved, 'ACTIVE')
        self.assertEqual('compute1', self.cloud.compute.get_server(
            moved).compute_host)
        self.cloud.compute.delete_server(moved)
        self.cloud.compute.wait_for_delete(moved, interval=0.2,
                                           wait=base.TIMEOUT)

    def move(self, servers, host):
        """Move servers and their network as the error message says."""
        nova, (first, second) = self.cloud.compute, servers
        nova.migrate_server(first, host=host)
        self.wait_until(lambda: 'other servers on its network' in
                        self.failure(first), 'the move is refused')
        self.wait_for_status(first, 'ACTIVE')
        nova.shelve_server(second)
        self.wait_for_status(second, 'SHELVED_OFFLOADED')
        nova.migrate_server(first, host=host)
        self.wait_for_status(first, 'VERIFY_RESIZE')
        self.revert_too_late(first, second, host)
        nova.migrate_server(first, host=host)
        self.wait_for_status(first, 'VERIFY_RESIZE')
        nova.confirm_server_resize(first)
        self.wait_for_status(first, 'ACTIVE')
        nova.unshelve_server(second, host=host)
        for server in servers:
            self.wait_for_status(server, 'ACTIVE')
            self.assert_bound(server, host)

    def revert_too_late(self, first, second, host):
        """Bring a server back whose network stays, and then the network."""
        nova = self.cloud.compute
        nova.unshelve_server(second, host=host)
        self.wait_for_status(second, 'ACTIVE')
        nova.revert_server_resize(first)
        self.wait_for_status(first, 'ERROR')
        # Nova ends the task last, when it has stored the fault.
        self.assertIn('is not bound to this host. Is its network',
                      nova.get_server(first).fault['message'])
        nova.shelve_server(second)
        self.wait_for_status(second, 'SHELVED_OFFLOADED')
        nova.stop_server(first)
        self.wait_until(
            lambda: nova.get_server(first).status == 'SHUTOFF',
            'a server in ERROR is stopped')
        port, = nova.server_interfaces(first)
        nova.delete_server_interface(port, first)
        self.wait_until(lambda: not list(nova.server_interfaces(first)),
                        'the port is gone')
        nova.create_server_interface(first, net_id=port.net_id)
        nova.start_server(first)
        self.wait_for_status(first, 'ACTIVE')
        self.assert_bound(first, 'compute1')

    def failure(self, server):
        """Return why the last action on a server failed, or ''."""
        nova = self.cloud.compute
        last = next(nova.server_actions(server))
        events = nova.get_server_action(last.request_id, server).events
        return ''.join(event['details'] or '' for event in events or ())

    def lose(self, host):
        """Cut the power of a host, and say that it is off."""
        self.computes[host].kill()
        folder = str(self.folder / host)
        for process in psutil.process_iter(['cmdline']):
            if any(folder in word for word in process.info['cmdline'] or ()):
                process.kill()
        service, = self.cloud.compute.services(binary='nova-compute',
                                               host=host)
        self.cloud.compute.update_service_forced_down(service, forced=True)

    def evacuate(self, server, host):
        self.cloud.compute.evacuate_server(server, host)
        self.wait_until(
            lambda: self.cloud.compute.get_server(server).compute_host == host,
            '%s is on %s' % (server.name, host))
        # Nova leaves it stopped.
        self.wait_for_status(server, 'SHUTOFF')
        self.cloud.compute.start_server(server)
        self.wait_for_status(server, 'ACTIVE')
        self.assert_bound(server, host)

    def assert_bound(self, server, host):
        for port in self.cloud.network.ports(device_id=server.id):
            self.assertEqual((host, 'vmrun'),
                             (port.binding_host_id, port.binding_vif_type))

    def assert_refused(self, server, network, host):
        """Neutron's log names the host, and so does "nova-vmrun why".

        After a failed build, a port no longer says whose it was.
        """
        self.wait_for_status(server, 'ERROR')
        reason = ('cannot be bound on host %s: the network %s is on host '
                  'compute1, and a network of type local ends at its host'
                  % (host, network.id))
        log = self.layout.log('neutron').read_text()
        self.assertIn(reason, log)
        why = subprocess.run(
            [sys.executable, '-m', 'nova_vmrun.cmd.main', 'why', server.name,
             '--state-dir', str(self.layout.root)],
            capture_output=True, text=True, timeout=base.TIMEOUT)
        self.assertIn(reason.replace('cannot be bound', 'was not bound'),
                      ' '.join(why.stdout.split()))
