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

import dataclasses

from nova import exception as nova_exception
from oslo_utils import units

from nova_vmrun.doctor import reasons
from nova_vmrun.doctor import server_facts
from nova_vmrun import exception
from nova_vmrun.host import kernel_modules
from nova_vmrun.storage import folder_choice
from tests.unit import base
from tests.unit.doctor import test_cloud

SERVER = server_facts.Server(
    'an-id', 'web', 'ACTIVE', addresses=('10.0.0.4',), age=100,
    resources=(('VCPU', 1), ('MEMORY_MB', 64), ('DISK_GB', 20)))
PORT = server_facts.Port('a-port', 'vmnet8', addresses=('10.0.0.4',))
FACTS = server_facts.Facts(
    SERVER, server_facts.Action('create', False, age=100), (PORT,),
    'login: 10.0.0.4')


class TestCase(base.TestCase):

    def explain(self, fault='', **changes):
        """Explain a server that has the given fault."""
        facts = dataclasses.replace(FACTS, **changes)
        if fault:
            facts = dataclasses.replace(facts, server=dataclasses.replace(
                facts.server, status='ERROR', fault=fault))
        return reasons.explain(facts)

    def server(self, **changes):
        return dataclasses.replace(SERVER, **changes)


class FaultTestCase(TestCase):

    def check(self, fault, cause, advice, **changes):
        found = self.explain(fault, **changes)
        self.assertEqual('web is in ERROR: ' + cause, found.cause)
        self.assertIn(advice, found.advice)

    def test_no_disk(self):
        self.check(
            'No valid host was found. It needs 20 GB of disk; 13 of 40 are '
            'free.', 'the flavor needs 20 GB of disk, 13 of 40 are free.',
            'Take a smaller flavor, or free space in /vms.', instances='/vms')

    def test_no_memory(self):
        self.check(
            'No valid host was found. It needs 8192 MiB of memory; 512 of '
            '4096 are free.', 'the flavor needs 8192 MiB of memory, 512 of '
            '4096 are free.', 'Take a smaller flavor, or delete servers.')

    def test_no_vcpu(self):
        self.check(
            'No valid host was found. It needs 1 VCPU; 0 of 32 are free.',
            'the flavor needs 1 vCPU, 0 of 32 are free.', 'smaller flavor')

    def test_more_than_the_host_has_at_all(self):
        self.assertEqual('Take a smaller flavor.', self.explain(
            'No valid host was found. It needs 20 GB of disk; one server can '
            'have 10.').advice)

    def test_several_at_once(self):
        self.check(
            'No valid host was found. It needs 20 GB of disk; 13 of 40 are '
            'free. It needs 99 VCPUs; one server can have 2.',
            'the flavor needs 20 GB of disk, 13 of 40 are free; the flavor '
            'needs 99 vCPUs, and one server can have at most 2.',
            'free space in the folder of the servers')

    def test_figures_that_only_an_administrator_is_told(self):
        fault = 'No valid host was found. There are not enough hosts.'
        self.check(fault, 'the flavor needs 20 GB of disk, 10 of 40 are free.',
                   'Take a smaller flavor', nodes=(test_cloud.NODE,))
        self.check(fault, 'no compute host suits it, and Nova does not say '
                   'why.', 'administrator')

    def test_trait(self):
        self.check(
            'No valid host was found. No host has the trait '
            'HW_CPU_X86_AVX.',
            'no compute host has what the image or the flavor asks for: '
            'HW_CPU_X86_AVX.', 'remove the property')

    def test_trait_of_a_tpm(self):
        self.check(
            'No valid host was found. No host has the trait '
            'COMPUTE_SECURITY_TPM_2_0, COMPUTE_SECURITY_TPM_CRB. A virtual '
            'TPM needs ...',
            'no compute host has what the image or the flavor asks for: '
            'COMPUTE_SECURITY_TPM_2_0, COMPUTE_SECURITY_TPM_CRB. A virtual '
            'TPM needs an encrypted VM, which can only be created in the '
            'VMware user interface.', 'Windows 11 runs without a TPM')

    def test_tpm_in_a_cloud_that_gives_no_reason(self):
        fault = 'No valid host was found. There are not enough hosts.'
        reason = (' A virtual TPM needs an encrypted VM, which can only be '
                  'created in the VMware user interface.')
        for place, properties, what in (
                ('image', {'hw_tpm_version': '2.0'}, 'hw_tpm_version=2.0'),
                ('flavor', {'hw:tpm_version': '1.2'}, 'hw:tpm_version=1.2'),
                ('flavor', {'trait:COMPUTE_SECURITY_TPM_2_0': 'required'},
                 'trait:COMPUTE_SECURITY_TPM_2_0=required')):
            server = self.server(
                status='ERROR', fault=fault,
                image_properties=properties if place == 'image' else {},
                extra_specs=properties if place == 'flavor' else {})
            found = self.explain(server=server, nodes=(test_cloud.NODE,))
            self.assertEqual(
                'web is in ERROR: no host with VMware has what it asks for: '
                '%s of the %s.%s' % (what, place, reason), found.cause)
            self.assertIn('doc/source/windows.rst', found.advice)

    def test_property_without_advice(self):
        server = self.server(
            status='ERROR', fault='No valid host was found. ',
            image_properties={'img_hv_type': 'kvm'})
        found = self.explain(server=server)
        self.assertIn('img_hv_type=kvm of the image. The hypervisor of this '
                      'host is VMware.', found.cause)
        self.assertIn('Take another image', found.advice)

    def test_no_compute_host(self):
        self.check('No valid host was found. No compute host has registered '
                   'yet.', 'no compute host has registered yet.',
                   'Start nova-compute')

    def test_image_refused(self):
        self.check(
            'Build of instance an-id aborted: Image 12 is unacceptable: It is '
            'a child.', 'the image 12 was refused: It is a child.',
            'nova-vmrun image inspect')

    def test_small_disk(self):
        self.check(
            "Build of instance an-id aborted: Flavor's disk is too small for "
            'requested image.', 'the disk of the flavor is smaller than the '
            'image.', 'larger disk')

    def test_property_refused(self):
        self.check(
            "Build of instance an-id aborted: Invalid input received: "
            "Property hw_x has the value 'a. b', which cannot be used. Use c.",
            "the property hw_x of the image or flavor has the value 'a. b', "
            'which cannot be used.', 'openstack image set --property')

    def test_vm_that_somebody_has_encrypted(self):
        self.check(
            'vmrun start failed for x.vmx: A password is required for this '
            'operation', 'VMware wants a password, because somebody has '
            'encrypted the VM in the VMware window.', 'Remove the encryption')

    def test_port_not_bound(self):
        self.check(
            'Build of instance an-id aborted: Failed to allocate the '
            'network(s), not rescheduling.',
            'its port on vmnet8 was not bound: Neutron has no mechanism '
            'driver "vmrun" for that host.', '[ml2_vmrun] hosts')

    def test_port_that_neutron_says_is_not_bound(self):
        port = dataclasses.replace(PORT, vif_type='binding_failed')
        self.check('Something else.', 'its port on vmnet8 was not bound: '
                   'Neutron has no mechanism driver "vmrun" for that host.',
                   'its log says why', ports=(port,))

    def test_port_that_nova_has_deleted(self):
        self.check(
            'Binding failed for port a-port', 'its port was not bound: '
            'Neutron has no mechanism driver "vmrun" for that host, or the '
            'port is on a project network that has servers on another host.',
            'names the host', ports=())

    def test_second_host_of_a_project_network(self):
        port = dataclasses.replace(PORT, network='private', is_shared=False,
                                   neighbours=1)
        fault = 'Binding failed for port a-port'
        self.check(
            fault, 'its port on the project network private was not bound. '
            'Such a network ends at the host of its first server, and this '
            'server was sent to another host.', 'server create --host',
            ports=(port,))
        self.check(
            fault, 'its port on the project network private was not bound. '
            'Such a network ends at the host of its first server (one), and '
            'this server was sent to another host.', 'server create --host',
            ports=(dataclasses.replace(port, hosts=('one',)),))
        self.check(
            fault, 'its port on private was not bound: Neutron has no '
            'mechanism driver "vmrun" for that host.', 'ml2_vmrun',
            ports=(dataclasses.replace(port, neighbours=0),))

    def test_missing_modules(self):
        for fault in (kernel_modules.describe(['/dev/vmmon']),
                      'A VMware kernel module is not loaded'):
            self.check(fault, "VMware's kernel modules are not loaded on the "
                       'compute host.', 'vmware-modconfig')

    def test_no_storage_folder(self):
        candidates = [folder_choice.Candidate(
            'fast', frozenset(['fast', 'ssd']), 1, 5 * units.Gi)]
        for wish, cause in (
                (folder_choice.Wish('hdd', 1), "has the tag 'hdd'."),
                (folder_choice.Wish('ssd', 20 * units.Gi),
                 'has 20 GiB free for the disks of a server.')):
            error = self.assertRaises(
                exception.NoStorageFolder, folder_choice.choose, candidates,
                [wish])
            self.check('Build of instance an-id was re-scheduled: %s' %
                       nova_exception.ComputeResourcesUnavailable(
                           reason=str(error)),
                       'no storage folder of the compute host ' + cause,
                       'Take another flavor')

    def test_tool_that_hangs(self):
        self.check(
            'vmrun did not end within 300 seconds and was killed. Command: x.',
            'vmrun did not end within 300 seconds and was killed.',
            'nova-vmrun doctor')

    def test_an_evacuation_from_a_host_that_may_run(self):
        reason = self.explain(action=server_facts.Action(
            'evacuate', True, details=(
                'Server the-id cannot be evacuated: host h1 may still write '
                'to its disks. Switch that host off')))
        self.assertIn('failed: the host h1 may still write', reason.cause)
        self.assertIn('nova-vmrun node fenced', reason.advice)

    def test_an_evacuation_that_would_lose_a_volume(self):
        reason = self.explain(action=server_facts.Action(
            'evacuate', True, details=(
                'Server the-id cannot be evacuated: its volume v1 is in a '
                'file of host h1. Start that host again.')))
        self.assertIn('failed: its volume v1 is in a file of host h1.',
                      reason.cause)
        self.assertEqual('Start that host again.', reason.advice)

    def test_many_hosts(self):
        self.check('Exceeded maximum number of retries. Exhausted all hosts '
                   'available for retrying build failures for instance an-id.',
                   'the build failed on every host that was tried, and Nova '
                   'does not say why.', 'max_attempts = 1')

    def test_refusal_in_the_log_of_neutron(self):
        refusal = server_facts.Refusal(
            'two', 'the network n is on host one, and a network of type local '
            'ends at its host.', ('one',))
        cause = ('its port was not bound on host two: the network n is on '
                 'host one, and a network of type local ends at its host.')
        for fault in ('Binding failed for port p, please check neutron logs.',
                      'Failed to allocate the network(s), not rescheduling.'):
            for ports in ((), (PORT,), None):
                self.check(fault, cause, 'Create it on one (an administrator '
                           'can: openstack server create --host)',
                           ports=ports, refusal=refusal)
        exhausted = 'Exceeded maximum number of retries. Exhausted all hosts'
        self.check(exhausted, 'the build failed on every host that was '
                   'tried; on one of them, ' + cause, 'Create it on one',
                   refusal=refusal)
        self.check(exhausted, 'the build failed on every host that was '
                   'tried; on one of them, its port was not bound on host '
                   'two: its '
                   'vnic_type is direct.', 'Correct the port',
                   refusal=server_facts.Refusal(
                       'two', 'its vnic_type is direct.'))
        # A port that was refused once does not explain other faults.
        self.check('Cannot boil an egg.', 'cannot boil an egg.', 'grep an-id',
                   refusal=refusal)

    def test_administrator_is_told_the_name_of_the_network(self):
        port = dataclasses.replace(PORT, network='private', is_shared=False,
                                   neighbours=1, hosts=('one',))
        refusal = server_facts.Refusal('two', 'the network n is on host one.',
                                       ('one',))
        fault = 'Binding failed for port a-port'
        for hosts, cause in ((('one',), 'the project network private was'),
                             ((), 'not bound on host two: the network n')):
            self.assertIn(cause, self.explain(
                fault, refusal=refusal, ports=(
                    dataclasses.replace(port, hosts=hosts),)).cause)

    def test_unknown_faults(self):
        self.check('Cannot boil an egg.', 'cannot boil an egg.',
                   'grep an-id')
        self.check('Cannot boi', 'cannot boil an egg: no water.', 'grep an-id',
                   logged='Cannot boil an egg: no water.')
        self.check('VMware is sad.', 'VMware is sad.', 'grep an-id')

    def test_server_without_a_fault(self):
        self.assertEqual('web is in ERROR: Nova says nothing.', self.explain(
            server=self.server(status='ERROR')).cause)

    def test_action_that_failed_and_left_the_server_as_it_was(self):
        found = self.explain(action=server_facts.Action(
            'resize', True, 'Error', 'Cannot grow the disk.'))
        self.assertEqual('web is ACTIVE, but "resize" failed: cannot grow the '
                         'disk.', found.cause)


class StateTestCase(TestCase):

    def test_build(self):
        building = self.server(status='BUILD', task_state='spawning')
        found = self.explain(server=building)
        self.assertEqual('web is being built; that began 100 seconds ago.',
                         found.cause)
        self.assertIn('nova-vmrun doctor', found.advice)
        found = self.explain(server=building, action=server_facts.Action(
            'create', False, age=5))
        self.assertEqual('Wait a minute.', found.advice)

    def test_other_tasks(self):
        self.assertIn('busy with "rebooting"', self.explain(
            server=self.server(task_state='rebooting')).cause)

    def test_off(self):
        off = self.server(status='SHUTOFF')
        self.assertIn('its guest shut down',
                      self.explain(server=off).cause)
        found = self.explain(server=off,
                             action=server_facts.Action('stop', False))
        self.assertIn('"openstack server stop"', found.cause)
        self.assertEqual('openstack server start an-id', found.advice)

    def test_healthy(self):
        found = self.explain()
        self.assertEqual('web is ACTIVE, and nothing is known to be wrong '
                         'with it.', str(found))
        self.assertEqual([found.cause], list(reasons.lines(found)))


class AddressTestCase(TestCase):

    def test_no_port(self):
        found = self.explain(server=self.server(addresses=()), ports=())
        self.assertEqual('web has no address, because it has no port.',
                         found.cause)

    def test_network_without_a_subnet(self):
        found = self.explain(server=self.server(addresses=()))
        self.assertEqual('web has no address, because its network vmnet8 has '
                         'no subnet.', found.cause)

    def not_here(self, **port):
        return self.explain(
            server=self.server(host='n1'),
            ports=(PORT, dataclasses.replace(
                PORT, id='p2', network='private', **port)))

    def test_port_that_is_bound_to_another_host(self):
        found = self.not_here(vif_type='vmrun', host='n2', is_local=True)
        self.assertEqual(
            'web may have no connection to its network private: its port p2 '
            'is bound to host n2, but the server is on host n1. The network '
            'is of type local, which ends at its host. So the adapter is '
            'unplugged when the server starts.', found.cause)
        self.assertEqual('openstack port set --host n1 p2, then stop the '
                         'server and start it.', found.advice)

    def test_port_of_a_network_on_another_host(self):
        found = self.not_here(vif_type='binding_failed', host='n1',
                              is_local=True, hosts=('n1', 'n2'))
        self.assertIn('port p2 is not bound (binding_failed).', found.cause)
        self.assertIn('other servers of it are on host n2.', found.cause)
        self.assertIn('Shelve those servers. Then: openstack port set --host '
                      'n1 p2', found.advice)

    def test_port_of_a_shared_network_that_is_not_bound(self):
        found = self.not_here(vif_type='unbound')
        self.assertIn('its port p2 is not bound (unbound).', found.cause)
        self.assertIn('log of neutron-server', found.advice)

    def test_ports_that_are_where_they_should_be(self):
        for port in ({'host': 'n1', 'is_local': True}, {'host': 'n2'},
                     {'is_local': True}):
            self.assertIn('nothing is known to be wrong', self.not_here(
                vif_type='vmrun', **port).cause)

    def test_hard_reboot_that_was_refused_because_of_a_port(self):
        fault = str(nova_exception.VirtualInterfacePlugException(
            'Port p2 is bound to host n2, not to this one, and its'))
        found = self.explain(fault)
        self.assertIn('its port p2 is bound to host n2, where its network '
                      'ends', found.cause)
        self.assertIn('reboot it hard', found.advice)

    def test_guest_that_does_not_use_its_address(self):
        found = self.explain(console='login:')
        self.assertEqual(
            'web has the address 10.0.0.4 in Neutron, but its guest does not '
            'mention it on its console.', found.cause)
        self.assertIn('cloud-init', found.advice)
        self.assertEqual(2, len(list(reasons.lines(found))))

    def test_guest_that_prints_nothing(self):
        self.assertIn('has printed nothing',
                      self.explain(console='\n').cause)

    def test_what_is_unknown_is_no_reason(self):
        found = self.explain(console=None, ports=None,
                             server=self.server(addresses=()))
        self.assertIn('nothing is known', found.cause)
