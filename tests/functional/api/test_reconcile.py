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

"""A start updates the .vmx to Nova's data, whatever was refused before."""

from nova import context
from nova.network import model
from nova import objects

from tests.functional.api import test_networks


class TestCase(test_networks.TestCase):

    # A cast would bring the errors of refused calls back to the API.
    CAST_AS_CALL = False

    def setUp(self):
        super().setUp()
        self.flags(allow_resize_to_same_host=True)
        self.first = self.add_port('physnet-nat')

    def boot_beside(self, count):
        """Boot a server with ports beside its first."""
        ports = [self.add_port('physnet-private') for _ in range(count)]
        self.server = self.boot_with(self.first, *ports)
        return ports

    def delete_port(self, port):
        """Delete a port as Neutron does, and wait until Nova knows."""
        count = len(self.addresses())
        self.neutron.delete_port(port)
        self.admin_api.create_server_external_events([{
            'name': 'network-vif-deleted', 'tag': port,
            'server_uuid': self.server['id']}])
        self.wait_for(lambda: len(self.addresses()) == count - 1,
                      'the address to go')

    def addresses(self):
        """Return the addresses of the server that the API shows."""
        shown = self.admin_api.get_server(self.server['id'])['addresses']
        return [address for network in shown.values() for address in network]

    def disconnected(self):
        """Return the devices whose cables were pulled."""
        return [call['argv'][-1] for call in self.vmware.calls()
                if 'disconnectNamedDevice' in call['argv']]

    def action(self, body, status):
        self.admin_api.post_server_action(self.server['id'], body)
        self._wait_for_state_change(self.server, status)

    def restart(self):
        self._stop_server(self.server)
        self._start_server(self.server)

    def macs(self, server):
        return [address for address, _, _ in self.adapters(server).values()]


class DeletedPortTestCase(TestCase):

    def test_another_tenant_gets_its_address(self):
        port, = self.boot_beside(1)
        address = self.mac(port)
        self.delete_port(port)
        # No guest answers at the address any more.
        self.assertEqual(['ethernet1'], self.disconnected())
        self.assertRunning(self.server)

        other = self.api_fixture.other_api
        again = self.add_port('physnet-private', address=address)
        self.neutron._ports[again]['tenant_id'] = other.project_id
        body = self._build_server(
            image_uuid=self.add_image(), flavor_id=self.add_flavor(),
            networks=[{'port': again}])
        theirs = self._wait_for_state_change(
            other.post_server({'server': body}), 'ACTIVE')
        self.restart()
        self.assertEqual([self.mac(self.first)], self.macs(self.server))
        self.assertEqual([address], self.macs(theirs))

    def test_a_user_who_wants_to_remove_one_is_refused(self):
        port, = self.boot_beside(1)
        self.api.detach_interface(self.server['id'], port)
        self._wait_for_action_fail_completion(
            self.server, 'detach_interface', 'compute_detach_interface')
        self.assertEqual([], self.disconnected())
        self.assertEqual([self.first, port], self.ports_of(self.server))

    def test_a_suspended_server_keeps_it_until_it_is_off(self):
        port, = self.boot_beside(1)
        self._suspend_server(self.server)
        self.delete_port(port)
        self.assertEqual([], self.disconnected())
        self.action({'resume': None}, 'ACTIVE')
        self.assertRunning(self.server)
        self.assertEqual(2, len(self.adapters(self.server)))
        # No guest answers at the address any more.
        self.assertEqual(['ethernet1'], self.disconnected())
        self.restart()
        self.assertEqual([self.mac(self.first)], self.macs(self.server))


class EveryStartTestCase(TestCase):
    """A port is deleted before the server starts."""

    def in_window(self, *words):
        self.vmware.run('-T', 'ws', words[0], self.vmx_path(self.server),
                        *words[1:])
        self.driver._hypervisor.states.changed()

    def test_each(self):
        def stop_and_start():
            self.restart()

        def reboot_hard():
            self._reboot_server(self.server, hard=True)

        def reboot_soft_a_vm_that_is_off():
            self.in_window('stop', 'hard')
            self._reboot_server(self.server)

        def resume_a_vm_that_is_off():
            self._suspend_server(self.server)
            self.in_window('start', 'nogui')
            self.in_window('stop', 'hard')
            self.action({'resume': None}, 'ACTIVE')

        def rescue():
            self.action({'rescue': {
                'rescue_image_ref': self.add_image()}}, 'RESCUE')

        def unrescue():
            self.action({'unrescue': None}, 'ACTIVE')

        def resize():
            self.action({'resize': {'flavorRef': self.add_flavor(
                memory_mb=128)}}, 'VERIFY_RESIZE')

        def revert():
            self.action({'revertResize': None}, 'ACTIVE')

        starts = (stop_and_start, reboot_hard, reboot_soft_a_vm_that_is_off,
                  resume_a_vm_that_is_off, rescue, unrescue, resize, revert)
        ports = self.boot_beside(len(starts))
        for start in starts:
            if start is resize:
                # Nova's scheduler asks for the ports that Nova remembers.
                self.delete_port(ports.pop())
            else:
                # The event is lost.
                self.neutron.delete_port(ports.pop())
            start()
            self.assertTrue(self.is_running(self.server), start)
            self.assertEqual(
                [self.mac(port) for port in [self.first, *ports]],
                self.macs(self.server), start)

    def test_with_the_host(self):
        self.flags(resume_guests_state_on_host_boot=True)
        port, = self.boot_beside(1)
        self.delete_port(port)
        self.in_window('stop', 'hard')
        self.compute = self.restart_compute_service(self.compute)
        self.assertRunning(self.server)
        self.assertEqual([self.mac(self.first)], self.macs(self.server))

    def test_a_hand_edit_stays(self):
        port, = self.boot_beside(1)
        self._stop_server(self.server)
        with open(self.vmx_path(self.server), 'a') as file:
            file.write('mine.key = "1"\n')
        self.neutron.delete_port(port)
        self._start_server(self.server)
        self.assertEqual('1', self.vmx(self.server)['mine.key'])
        self.assertEqual([self.mac(self.first)], self.macs(self.server))


class EmptyCacheTestCase(TestCase):
    """Nova has lost the ports of a server from its cache."""

    def setUp(self):
        super().setUp()
        self.port, = self.boot_beside(1)
        self._stop_server(self.server)
        cache = objects.InstanceInfoCache.get_by_instance_uuid(
            context.get_admin_context(), self.server['id'])
        cache.network_info = model.NetworkInfo()
        cache.save()
        self.assertEqual([], self.addresses())

    def test_neutron_is_asked_before_all_adapters_go(self):
        self._start_server(self.server)
        self.assertEqual([self.mac(self.first), self.mac(self.port)],
                         self.macs(self.server))
        self.assertEqual(2, len(self.addresses()))

    def test_neutron_has_none_either(self):
        for port in (self.first, self.port):
            self.neutron.delete_port(port)
        self._start_server(self.server)
        self.assertEqual([], self.macs(self.server))
