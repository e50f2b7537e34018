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

"""Evacuation: from a host that is down to one that shares its folder or not.

The machine of the host that is lost is this one. It is switched off by killing
its VMs, which leaves VMware's locks beside their disks.
"""

import ipaddress
import os
import shutil
import signal
import subprocess

import fixtures

from nova_vmrun.formats import vmnets
from nova_vmrun.server import activity
from nova_vmrun.server import vm_process
from tests.functional.api import two_hosts


class TestCase(two_hosts.TwoHosts):

    CAST_AS_CALL = False
    own_vmware = True
    # Later ones leave an evacuated server stopped.
    microversion = '2.94'

    def setUp(self):
        super().setUp()
        self.image_id = self.add_image()
        self.server = self.make_server()
        self.vmx = {host: os.path.realpath(self.at(
            host, self.server, self.server['id'] + '.vmx'))
            for host in self.paths}
        # There is no network between the hosts and the folder.
        self.useFixture(fixtures.MockPatchObject(activity, 'SECONDS', 0))
        self.lost = set()
        self.fenced = False
        # Nova takes a minute to notice.
        self.useFixture(fixtures.MockPatch(
            'nova.servicegroup.api.API.service_is_up',
            lambda _self, service: service['host'] not in self.lost))

    def make_server(self):
        """Make a server on the first host."""
        return self.boot(self.image_id, self.add_flavor(disk=0),
                         host='compute')

    def lose(self, fenced, is_off=True):
        """Lose the first host.

        :param fenced: whether an operator says that it is off
        :param is_off: whether it is
        """
        self.compute.stop()
        if is_off:
            self.cut_power()
        self.lost.add('compute')
        if fenced:
            self.force_down(True)

    def cut_power(self, host='compute'):
        """End the VM as a power cut does, which leaves its locks."""
        vmx = self.vmx[host]
        process = vm_process.identity(vmx)
        if process:
            os.kill(process[0], signal.SIGKILL)
            self.wait_for(lambda: not vm_process.is_alive(vmx),
                          'the end of the VM')

    def force_down(self, is_down, host='compute'):
        service, = self.admin_api.get_services(binary='nova-compute',
                                               host=host)
        self.admin_api.put_service_force_down(service['id'], is_down)
        self.fenced = is_down

    def evacuate_back(self):
        """Evacuate the server to the first host; its VM runs only there."""
        self.admin_api.post_server_action(self.server['id'],
                                          {'evacuate': {'host': 'compute'}})
        self.wait_for(lambda: self.where(self.server) == 'compute',
                      'the end of the second evacuation')
        self._wait_for_state_change(self.server, 'ACTIVE')
        self.assertEqual([self.vmx['compute']], self.real_paths('compute'))

    def evacuate(self, status='done', state='ACTIVE'):
        self.admin_api.post_server_action(self.server['id'],
                                          {'evacuate': {'host': 'second'}})
        self.wait_for(lambda: self.migrations()[0] == status,
                      'an evacuation that is ' + status)
        self._wait_for_state_change(self.server, state)
        self.assertEqual('compute' if status == 'failed' else 'second',
                         self.where(self.server))

    def migrations(self):
        """Return the states of the evacuations, the last one first."""
        found = self.admin_api.api_get(
            '/os-migrations?instance_uuid=' + self.server['id']).body[
                'migrations']
        return [each['status'] for each in sorted(
            found, key=lambda each: each['id'], reverse=True)]

    def refuse(self, *words, state='ACTIVE'):
        self.evacuate('failed', state)
        event = self._wait_for_action_fail_completion(
            self.server, 'evacuate', 'compute_rebuild_instance')
        for word in words:
            self.assertIn(word, event['details'])

    def come_back(self):
        """Start nova-compute on the first host again."""
        self.use('compute')
        self.compute = self.restart_compute_service(self.compute)
        self.lost.clear()
        if self.fenced:
            # Nova refuses this before the service has started again.
            self.force_down(False)

    def real_paths(self, host):
        return list(map(os.path.realpath, self.running(host)))

    def root(self, host):
        return self.at(host, self.server, 'root.vmdk')


class NetworksTestCase:
    """The other host lacks a network of the server."""

    def make_server(self):
        return self.boot(
            self.image_id, self.add_flavor(disk=0), host='compute',
            networks=[{'port': self.neutron.port_1['id']}])

    def binding(self):
        bound = self.neutron._port_bindings[self.neutron.port_1['id']]
        return set(bound)

    def test_it_keeps_its_state_and_its_binding(self):
        before = self.binding()
        self.assertIn('compute', before)
        self.lose(fenced=True)
        networks = self.second.manager.driver._hypervisor.networks
        with fixtures.MockPatchObject(networks._host_networks, 'find',
                                      return_value=vmnets.Vmnet(
                                          'vmnet8', 'nat',
                                          subnet=ipaddress.IPv4Network(
                                              '10.99.0.0/24'))):
            self.refuse('cannot be evacuated to this host',
                        'outside the range of vmnet8')
        self.assertEqual(before, self.binding())
        self.assertEqual([], self.running('second'))
        self.evacuate()


class SharedNetworksTestCase(NetworksTestCase, TestCase):

    share_storage = True


class OwnNetworksTestCase(NetworksTestCase, TestCase):
    """The server would be built from its image."""


class SharedFolderTestCase(TestCase):

    share_storage = True

    def test_a_running_server_keeps_its_disk(self):
        inode = os.stat(self.root('compute')).st_ino
        self.lose(fenced=True)
        self.evacuate()
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        self.assertEqual(inode, os.stat(self.root('second')).st_ino)
        self.come_back()
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        self._reboot_server(self.server, hard=True, api=self.admin_api)
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        self._delete_server(self.server)
        self.assertFalse(os.path.exists(self.at('second', self.server)))

    def test_there_and_back(self):
        inode = os.stat(self.root('compute')).st_ino
        self.lose(fenced=True)
        self.evacuate()
        self.come_back()
        self.second.stop()
        self.cut_power()
        self.lost.add('second')
        self.force_down(True, 'second')
        self.evacuate_back()
        self.assertEqual(inode, os.stat(self.root('compute')).st_ino)

    def test_a_host_that_may_still_write_is_not_replaced(self):
        self.lose(fenced=False)
        # Nova keeps the beginning of the list of locks.
        self.refuse('host compute may still write', '.lck',
                    'nova-vmrun node fenced compute')
        self.assertEqual([], self.running('second'))
        self.come_back()
        self._reboot_server(self.server, hard=True, api=self.admin_api)
        self.assertEqual([self.vmx['compute']], self.real_paths('compute'))

    def test_a_vm_that_runs_is_not_started_twice_even_if_fenced(self):
        """On this machine it can be seen that the operator was wrong."""
        self.lose(fenced=True, is_off=False)
        self.refuse('A VM on this host uses')
        self.assertEqual([], self.running('second'))
        self.assertEqual([self.vmx['compute']], self.real_paths('compute'))

    def test_a_stopped_server_needs_no_fence(self):
        self._stop_server(self.server)
        self.lose(fenced=False)
        self.evacuate(state='SHUTOFF')
        self.assertEqual([], self.running('second'))
        self.come_back()
        self._start_server(self.server)
        self.assertEqual([self.vmx['second']], self.real_paths('second'))

    def test_a_resize_that_has_not_ended(self):
        """Between two of its renames there is no folder of the server."""
        self._stop_server(self.server)
        inode = os.stat(self.root('compute')).st_ino
        self.lose(fenced=False)
        folder = self.at('compute', self.server)
        os.rename(folder, folder + '_resize')
        self.refuse('resize or deletion has not ended on host compute',
                    state='SHUTOFF')
        self.assertFalse(os.path.exists(folder))
        os.rename(folder + '_resize', folder)
        self.evacuate(state='SHUTOFF')
        self.assertEqual(inode, os.stat(self.root('second')).st_ino)

    def test_an_instances_path_that_was_unmounted(self):
        self._stop_server(self.server)
        self.lose(fenced=False)
        path = self.paths['second']
        os.rename(path, path + '-aside')
        os.mkdir(path)
        self.refuse('is not the folder that nova-compute has started with',
                    state='SHUTOFF')
        shutil.rmtree(path)
        os.rename(path + '-aside', path)
        self.evacuate(state='SHUTOFF')

    def test_a_vm_that_runs_on_the_host_that_returns_is_stopped(self):
        self.flags(resume_guests_state_on_host_boot=True)
        self.lose(fenced=True)
        self.evacuate()
        self._stop_server(self.server)
        before = os.stat(self.root('second')).st_ino
        subprocess.run([self.vmruns['compute'], 'start',
                        self.vmx['compute'], 'nogui'], check=True)
        self.come_back()
        self.assertEqual([], self.running('compute'))
        self.assertEqual(before, os.stat(self.root('second')).st_ino)
        self._start_server(self.server)
        self.assertEqual([self.vmx['second']], self.real_paths('second'))

    def test_a_vm_that_starts_there_later_is_stopped(self):
        self.lose(fenced=True)
        self.evacuate()
        self.come_back()
        self._stop_server(self.server)
        subprocess.run([self.vmruns['compute'], 'start',
                        self.vmx['compute'], 'nogui'], check=True)

        def look():
            # The first time, the driver may use a list from before the start.
            self.compute.manager.driver.get_available_resource('compute')
            return not self.running('compute')

        self.wait_for(look, 'the end of the VM')

    def test_a_server_that_cannot_be_started_is_given_back(self):
        self._stop_server(self.server)
        self.lose(fenced=False)
        self.vmware.set_knobs(FAULTS='start * refuse Unknown error')
        self.evacuate('failed', 'ERROR')
        self.vmware.set_knobs()
        self.come_back()
        self._reboot_server(self.server, hard=True, api=self.admin_api)
        self.assertEqual([self.vmx['compute']], self.real_paths('compute'))

    def test_an_evacuation_that_was_interrupted_is_repeated(self):
        self.lose(fenced=True)
        start = self.second.manager.driver._hypervisor.evacuation
        with fixtures.MockPatchObject(start, '_start',
                                      side_effect=RuntimeError('Killed.')):
            with fixtures.MockPatchObject(start, '_give_back'):
                self.evacuate('failed', 'ERROR')
        self.evacuate()
        self.assertEqual([self.vmx['second']], self.real_paths('second'))

    def test_an_evacuation_that_was_interrupted_is_taken_back(self):
        self.lose(fenced=True)
        start = self.second.manager.driver._hypervisor.evacuation
        with fixtures.MockPatchObject(start, '_start',
                                      side_effect=RuntimeError('Killed.')):
            with fixtures.MockPatchObject(start, '_give_back'):
                self.evacuate('failed', 'ERROR')
        self.come_back()
        self._reboot_server(self.server, hard=True, api=self.admin_api)
        self.assertEqual([self.vmx['compute']], self.real_paths('compute'))


class OwnFolderTestCase(TestCase):

    def test_a_server_is_built_from_its_image_again(self):
        with open(self.root('compute'), 'rb') as file:
            was_linked = b'parentFileNameHint' in file.read(1 << 16)
        self.assertTrue(was_linked)
        self.lose(fenced=False, is_off=False)
        self.evacuate()
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        # An hour later the host returns, and its VM has run on.
        self.assertEqual([self.vmx['compute']], self.real_paths('compute'))
        self.flags(resume_guests_state_on_host_boot=True)
        self.come_back()
        self.assertEqual([], self.running('compute'))
        self.assertFalse(os.path.exists(self.at('compute', self.server)))
        self.assertEqual([self.vmx['second']], self.real_paths('second'))

    def test_an_image_that_is_gone(self):
        self.lose(fenced=True)
        self.glance.delete(None, self.image_id)
        self.refuse('its image is gone', 'Start that host again')
        self.come_back()
        self._reboot_server(self.server, hard=True, api=self.admin_api)
        self.assertEqual([self.vmx['compute']], self.real_paths('compute'))

    def test_a_host_that_returns_too_early_keeps_the_disks(self):
        """Nova removes servers that another host is just taking over."""
        self.lose(fenced=True)
        evacuation = self.second.manager.driver._hypervisor.evacuation
        with fixtures.MockPatchObject(
                evacuation, 'examine', side_effect=SystemExit):
            self.admin_api.post_server_action(
                self.server['id'], {'evacuate': {'host': 'second'}})
            self.wait_for(
                lambda: self.migrations()[0] == 'pre-migrating',
                'an evacuation that has begun')
            self.come_back()
        self.assertEqual([], self.running('compute'))
        self.assertTrue(os.path.exists(self.root('compute')))
