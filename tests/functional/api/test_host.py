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

"""What the API shows of the host, and what a boot asks of it."""

from unittest import mock

from tests.functional.api import base


class HypervisorTestCase(base.TestCase):

    def _setup_services(self):
        self.flags(my_ip='192.0.2.7')
        super()._setup_services()

    @base.sample
    def test_hypervisor(self):
        shown, = self.admin_api.api_get(
            '/os-hypervisors/detail').body['hypervisors']
        self.assertIn(' up ', shown['uptime'])
        self.assertEqual('192.0.2.7', shown['host_ip'])
        self.assertEqual('up', shown['state'])

    def test_traits_of_the_processor(self):
        for found in ({'HW_CPU_X86_AVX2', 'HW_CPU_X86_AESNI'},
                      {'HW_CPU_X86_AESNI'}):
            self.driver._hypervisor.resources.cpu_traits = found
            self._run_periodics()
            self.assertEqual(found, self.traits_of_processor())

    def traits_of_processor(self):
        return {trait for trait in self.of_provider('traits')
                if trait.startswith('HW_CPU_X86')}

    def of_provider(self, what):
        provider, = self.placement.get(
            '/resource_providers').body['resource_providers']
        return self.placement.get(
            '/resource_providers/%s/%s' % (provider['uuid'], what),
            version='1.6').body[what]

    def test_disk_that_other_files_have_is_reserved(self):
        resources = self.driver._hypervisor.resources
        self.flags(reserved_host_disk_mb=1024)
        for others in (3, 7):
            with mock.patch.object(type(resources), 'disk_gb_used_by_others',
                                   others):
                self._run_periodics()
            disk = self.of_provider('inventories')['DISK_GB']
            self.assertEqual((others + 1, resources.disk_gb),
                             (disk['reserved'], disk['total']))


class BootTestCase(base.TestCase):

    def test_uefi(self):
        server = self.boot(self.add_image(
            properties={'hw_firmware_type': 'uefi'}))
        self.assertRunning(server)
        self.assertEqual('efi', self.vmx(server)['firmware'])

    def test_trusted_certificates_come_to_the_download(self):
        ids = ['0b5d2c72-12cc-4ba6-a8d7-3ff5cc1d8cb8']
        with mock.patch.object(self.glance, 'download',
                               wraps=self.glance.download) as download:
            server = self.boot(trusted_image_certificates=ids)
        self.assertRunning(server)
        self.assertEqual(ids, list(
            download.call_args.kwargs['trusted_certs'].ids))
