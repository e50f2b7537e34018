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

import os
from unittest import mock

import fixtures

from nova_vmrun.doctor import gather_vmware
from nova_vmrun.doctor import options as doctor_options
from nova_vmrun.host import product
from nova_vmrun.tools import process
from tests.unit import base

_LIST = '''\
Total host networks: 2
INDEX  NAME         TYPE         DHCP         SUBNET           MASK
0      vmnet0       bridged      false        empty            empty
8      vmnet8       nat          true         10.9.8.0         255.255.255.0
'''


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        self.kernel = os.uname().release

    def write(self, path, data=b''):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            file.write(data)
        return path

    def gatherer(self, **options):
        return gather_vmware.VmwareGatherer(
            doctor_options.Options(**options), process.Runner(), self.root)

    def program(self, name, text):
        path = self.write('bin/' + name, b'#!/bin/sh\n' + text.encode())
        os.chmod(path, 0o755)
        return path


class ModulesTestCase(TestCase):

    def test_host_without_vmware(self):
        self.assertFalse(self.gatherer().modules().is_needed)
        self.assertFalse(self.gatherer().libraries().is_needed)

    def test_nothing_is_built_or_loaded(self):
        os.makedirs(self.root + '/etc/vmware')
        found = self.gatherer().modules()
        self.assertEqual(('/dev/vmmon', '/dev/vmnet0', '/dev/vmci'),
                         found.missing_devices)
        self.assertEqual(('vmmon', 'vmnet'), found.not_built)
        self.assertFalse(found.has_headers)
        self.assertFalse(found.has_secure_boot)

    def test_modules_that_fit(self):
        os.makedirs(self.root + '/etc/vmware')
        for name in ('vmmon', 'vmnet0', 'vmci'):
            self.write('dev/' + name)
        folder = 'lib/modules/%s/' % self.kernel
        self.write(folder + 'misc/vmmon.ko')
        self.write(folder + 'updates/vmnet.ko.zst')
        self.write(folder + 'build/Makefile')
        self.write('sys/firmware/efi/efivars/SecureBoot-8be4df61',
                   b'\6\0\0\0\1')
        found = self.gatherer().modules()
        self.assertEqual(((), ()), (found.missing_devices, found.not_built))
        self.assertTrue(found.has_headers)
        self.assertTrue(found.has_secure_boot)

    def test_libraries(self):
        os.makedirs(self.root + '/etc/vmware')
        self.write('etc/ld.so.cache', b'libaio.so.1t64\0libXi.so.6\0')
        found = self.gatherer().libraries()
        self.assertIn('libXtst.so.6', found.missing)
        self.assertNotIn('libXi.so.6', found.missing)
        self.assertFalse(found.has_aio)


class ProductTestCase(TestCase):

    def test_no_vmrun(self):
        with mock.patch.object(product, 'find_program',
                               side_effect=gather_vmware.exception
                               .InvalidConfiguration('vmrun is missing.')):
            found = self.gatherer().product()
            self.assertIsNone(found.vmrun)
            found = self.gatherer(vmrun_path='/opt/vmrun').product()
        self.assertEqual('/opt/vmrun', found.vmrun)
        self.assertEqual('vmrun is missing.', found.refusal[0])

    def test_vmrun_that_hangs(self):
        vmrun = self.program('vmrun', 'exec sleep 60')
        found = self.gatherer(vmrun_path=vmrun, list_timeout=1).product()
        self.assertIsNone(found.found)
        self.assertIn('did not end within 1 seconds', found.refusal[0])
        self.assertFalse(self.gatherer().networks(found).is_known)

    def test_vmrun_that_works(self):
        vmrun = self.program(
            'vmrun', 'case "$*" in *listHostNetworks) cat <<"X"\n%sX\n;;'
            '*) echo "Total running VMs: 0";; esac' % _LIST)
        self.program('vmware', 'echo "VMware Workstation 17.6.4 build-1"')
        self.write('etc/vmware/license-ws-170-e1')
        gatherer = self.gatherer(vmrun_path=vmrun)
        found = gatherer.product()
        self.assertEqual((17, 6, 4), found.found.version)
        self.assertTrue(found.has_licence_file)
        networks = gatherer.networks(found)
        self.assertEqual({'vmnet0', 'vmnet8'}, set(networks.known))
        self.assertEqual(('/dev/vmnet8',), networks.missing_devices)

    def test_subnets_of_other_adapters(self):
        adapters = {
            'lo': [mock.Mock(address='127.0.0.1', netmask='255.0.0.0')],
            'vmnet8': [mock.Mock(address='10.1.1.1', netmask='255.0.0.0')],
            'eth0': [mock.Mock(address='10.2.3.4', netmask='255.255.0.0'),
                     mock.Mock(address='fe80::1', netmask='ffff::'),
                     mock.Mock(address='02:00:00:00:00:00', netmask=None)]}
        with mock.patch('psutil.net_if_addrs', return_value=adapters):
            self.assertEqual({'eth0': '10.2.0.0/16'}, {
                name: str(subnet) for name, subnet
                in gather_vmware._host_subnets().items()})
