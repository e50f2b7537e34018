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

"""What nova-vmrun why tells the owner of a server about planted causes."""

import functools
import os
from unittest import mock
from urllib import parse

import fixtures
from nova.scheduler.client import report
from nova.tests.functional.api import client as api_client

from nova_vmrun.aio import no_valid_host
from nova_vmrun.doctor import gather_server
from nova_vmrun.doctor import reasons
from nova_vmrun.host import kernel_modules
from tests.functional.api import base

_TAKE_SMALLER = 'Take a smaller flavor.'


class _OwnersApi:
    """What an ordinary user can ask: neither Placement nor how a port is.

    :param compute: client of Nova's API
    :param neutron: Nova's stub of Neutron
    """

    def __init__(self, compute, neutron):
        self._compute = compute
        self._neutron = neutron
        self.networks = {}

    def compute(self, path, body=None):
        try:
            if body is None:
                return self._compute.api_get(path.lstrip('/')).body
            return self._compute.api_post(path.lstrip('/'), body).body
        except api_client.OpenStackApiException:
            return None

    def network(self, path):
        if path.startswith('/networks/'):
            return {'network': self.networks.get(path.split('/')[2], {})}
        query = dict(parse.parse_qsl(path.partition('?')[2]))
        ports = self._neutron.list_ports(False, **query)['ports']
        for port in ports:
            port.pop('binding:vif_type')
        return {'ports': ports}

    def placement(self, path):
        return None


class WhyTestCase(base.TestCase):

    def setUp(self):
        self.flags(cores=-1, ram=-1, group='quota')
        super().setUp()
        # As in the control plane of nova-vmrun aio.
        client = report.SchedulerReportClient
        self.useFixture(fixtures.MonkeyPatch(
            'nova.scheduler.client.report.SchedulerReportClient.'
            'get_allocation_candidates',
            no_valid_host._explaining(client.get_allocation_candidates)))
        self.api_of_owner = _OwnersApi(self.other_tenant, self.neutron)

    def boot_as_owner(self, expected_state='ERROR', image_id=None,
                      networks='none', **flavor):
        body = self._build_server(
            image_uuid=image_id or self.add_image(),
            flavor_id=self.add_flavor(**flavor), networks=networks)
        body['name'] = 'web'
        server = self.other_tenant.post_server({'server': body})
        return self._wait_for_state_change(server, expected_state)

    def why(self, server):
        found = gather_server.find(self.api_of_owner, server['id'])
        return str(reasons.explain(
            gather_server.read(self.api_of_owner, found)))

    def assertBecause(self, expected, server):
        self.assertEqual('web is in ERROR: ' + expected, self.why(server))

    def test_requests(self):
        """Each test boots a control plane, so it plants several causes."""
        self.check_flavors_that_are_too_large()
        self.check_image_that_is_refused()
        self.check_property_that_is_refused()
        self.check_tpm()

    def test_ports(self):
        self._bind_ports('binding_failed')
        self.check_port_that_is_not_bound()
        self.check_second_host_of_a_project_network()

    def test_host(self):
        self.check_guest_without_address()
        self.check_tool_that_hangs()
        self.check_missing_kernel_modules()

    def check_flavors_that_are_too_large(self):
        most = {each: self.most(each)
                for each in ('DISK_GB', 'MEMORY_MB', 'VCPU')}
        self.assertBecause(
            'the flavor needs 900000 GB of disk, and one server can have at '
            'most %d. %s' % (most['DISK_GB'], _TAKE_SMALLER),
            self.boot_as_owner(disk=900000))
        self.assertBecause(
            'the flavor needs 90000000 MiB of memory, and one server can have '
            'at most %d. %s' % (most['MEMORY_MB'], _TAKE_SMALLER),
            self.boot_as_owner(memory_mb=90000000))
        self.assertBecause(
            'the flavor needs 999 vCPUs, and one server can have at most '
            '%d. %s' % (most['VCPU'], _TAKE_SMALLER),
            self.boot_as_owner(vcpu=999))

    def most(self, resource):
        uuid = self._get_provider_uuid_by_host(self.compute.host)
        return self._get_provider_inventory(uuid)[resource]['max_unit']

    def check_image_that_is_refused(self):
        parent = os.path.join(self.folder, 'parent.vmdk')
        base.make_image(parent, 'vmdk')
        image_id = self.add_image(
            'vmdk', options=['-B', parent, '-F', 'vmdk'])
        self.assertBecause(
            'the image %s was refused: The VMDK is the child of another disk; '
            'a snapshot or linked clone must be consolidated before it is '
            'uploaded. Look at its file with "nova-vmrun image inspect", and '
            'upload one that is in order.' % image_id,
            self.boot_as_owner(image_id=image_id))

    def check_property_that_is_refused(self):
        image_id = self.add_image(properties={'vmrun_guestos': 'nonsense'})
        self.assertBecause(
            "the property vmrun_guestos of the image or flavor has the value "
            "'nonsense', which cannot be used. Correct it: openstack image "
            'set --property NAME=VALUE <image>. "nova-vmrun vmx render" tries '
            'properties without a server.',
            self.boot_as_owner(image_id=image_id))

    def check_tpm(self):
        because = (
            'no host with VMware has what it asks for: %s. A virtual TPM '
            'needs an encrypted VM, which can only be created in the VMware '
            'user interface. Remove the property, or take another flavor. '
            'Windows 11 runs without a TPM, and only its installer asks for '
            'one: see doc/source/windows.rst.')
        server = self.boot_as_owner(image_id=self.add_image(
            properties={'hw_tpm_version': '2.0'}))
        self.assertBecause(because % 'hw_tpm_version=2.0 of the image',
                           server)
        self.assertIn('COMPUTE_SECURITY_TPM_TIS. A virtual TPM needs',
                      self.fault(server))
        server = self.boot_as_owner(extra_spec={'hw:tpm_version': '1.2'})
        self.assertBecause(because % 'hw:tpm_version=1.2 of the flavor',
                           server)

    def port_of(self, server):
        """Give a server a port, which Nova deletes when a build fails."""
        port = dict(self.neutron.port_2, device_id=server['id'],
                    project_id=server['tenant_id'],
                    device_owner='compute:nova')
        self.neutron._ports[port['id']] = port
        return port

    def check_port_that_is_not_bound(self):
        server = self.boot_as_owner(networks='auto')
        self.assertBecause(
            'its port was not bound: Neutron has no mechanism driver "vmrun" '
            'for that host, or the port is on a project network that has '
            'servers on another host. The log of neutron-server says which, '
            'and names the host: grep "cannot be bound" in it.', server)

    def check_second_host_of_a_project_network(self):
        server = self.boot_as_owner(networks='auto')
        port = self.port_of(server)
        self.neutron._ports['stranger'] = dict(
            port, id='stranger', project_id='stranger', network_id='theirs')
        self.api_of_owner.networks[port['network_id']] = {
            'name': 'private', 'shared': False}
        self.neutron._ports['other'] = dict(
            port, id='other', device_id='another server')
        self.assertBecause(
            'its port on the project network private was not bound. Such a '
            'network ends at the host of its first server, and this server '
            'was sent to another host. Create it on the host of the others '
            '(an administrator can: openstack server create --host), or on a '
            'shared network.', server)

    def check_missing_kernel_modules(self):
        root = self.useFixture(fixtures.TempDir()).path
        os.makedirs(os.path.join(root, 'etc', 'vmware'))
        self.useFixture(fixtures.MockPatchObject(
            kernel_modules, 'missing_devices', functools.partial(
                kernel_modules.missing_devices, root, 'linux')))
        self.vmware.set_knobs(MODULES_MISSING='vmmon')
        self.assertBecause(
            "VMware's kernel modules are not loaded on the compute host. " +
            kernel_modules.REMEDY, self.boot_as_owner())

    def check_tool_that_hangs(self):
        self.flags(start_timeout=1, retry_count=0, group='vmrun')
        self.vmware.set_knobs(FAULTS='start 1 hang')
        server = self.boot_as_owner()
        self.vmware.set_knobs()
        self.assertBecause(
            'vmrun did not end within 1 seconds and was killed. Run '
            '"nova-vmrun doctor" on the compute host. If that is healthy and '
            'just slow, raise the timeouts in [vmrun] in nova.conf.', server)

    def check_guest_without_address(self):
        server = self.boot_as_owner('ACTIVE')
        self.assertEqual(
            'web has no address, because it has no port. Stop it, then: '
            'openstack server add network %s <network>' % server['id'],
            self.why(server))
        with mock.patch.object(self.api_of_owner, 'network', return_value={
                'ports': [self.port_of(server)]}):
            found = gather_server.find(self.api_of_owner, server['id'])
            found = dict(found, addresses={'private': [{
                'addr': '192.168.1.4'}]})
            self.assertEqual(
                'web has the address 192.168.1.4 in Neutron, but its guest '
                'does not mention it on its console. Read "openstack console '
                'log show %s". The image needs cloud-init, which sets the '
                'address from the config drive; without it, the guest asks '
                "VMware's DHCP server and gets another one." % server['id'],
                str(reasons.explain(
                    gather_server.read(self.api_of_owner, found))))
