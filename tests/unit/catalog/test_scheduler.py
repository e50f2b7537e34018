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

"""Nova's scheduler keeps away what the catalog says that it keeps away."""

import types

from nova import objects
from nova.scheduler.filters import image_props_filter
from nova.scheduler import request_filter
from nova.scheduler import utils
import testscenarios

from nova_vmrun.catalog import refused
from nova_vmrun import driver
from tests.unit import base

FILTERS = (request_filter.accelerators_filter,
           request_filter.packed_virtqueue_filter,
           request_filter.ephemeral_encryption_filter)
# What must be asked for together, by the name of the first.
TOGETHER = {
    'hw_mem_encryption': {'hw_mem_encryption': 'true',
                          'hw_firmware_type': 'uefi',
                          'hw_machine_type': 'q35'},
    'hw_maxphysaddr_mode': {'hw_maxphysaddr_mode': 'passthrough'},
    'hw_pci_numa_affinity_policy': {'hw_pci_numa_affinity_policy': 'socket'},
    'hw_tpm_model': {'hw_tpm_model': 'tpm-crb', 'hw_tpm_version': '2.0'},
    'hw_tpm_version': {'hw_tpm_model': 'tpm-crb', 'hw_tpm_version': '2.0'},
    'hw_firmware_stateless': {'hw_firmware_stateless': 'true',
                              'hw_firmware_type': 'uefi'},
    'hw_vm_mode': {'hw_vm_mode': 'xen'},
    'img_hv_type': {'img_hv_type': 'kvm'},
}


def asked(image, extra_specs):
    """Returns a RequestSpec, as Nova makes one of a boot."""
    return objects.RequestSpec(
        flavor=objects.Flavor(
            name='flavor', vcpus=2, memory_mb=2048, root_gb=1, ephemeral_gb=0,
            swap=0, extra_specs=extra_specs),
        image=objects.ImageMeta(
            id='image', name='image', disk_format='qcow2', min_ram=0,
            min_disk=0,
            properties=objects.ImageMetaProps.from_dict(dict(image))),
        is_bfv=False, requested_resources=[],
        request_level_params=objects.RequestLevelParams())


class SchedulerTestCase(testscenarios.WithScenarios, base.TestCase):

    scenarios = [((row.image + row.flavor)[0], {'row': row})
                 for row in refused.ROWS if row.scheduler]

    def setUp(self):
        super().setUp()
        objects.register_all()
        name = (self.row.image + self.row.flavor)[0]
        self.spec = asked(
            TOGETHER.get(name, {name: 'true'}) if self.row.image else {},
            {} if self.row.image else {name: 'true'})

    def test_our_hosts_are_excluded(self):
        if self.row.scheduler == 'ImagePropertiesFilter':
            self.assertFalse(
                image_props_filter.ImagePropertiesFilter().host_passes(
                    types.SimpleNamespace(
                        supported_instances=[('x86_64', 'vmware', 'hvm')],
                        hypervisor_version=17006000), self.spec))
            return
        for function in FILTERS:
            function(None, self.spec)
        request = utils.ResourceRequest.from_request_spec(self.spec)
        required = {*self.spec.root_required, *request.all_required_traits,
                    *request.merged_resources()}
        kept = {name for name in required
                if name.startswith(self.row.scheduler.rstrip('*'))}
        self.assertTrue(kept, required)
        offered = driver.VmrunDriver(None).capabilities_as_traits()
        self.assertFalse(kept & {name for name, has in offered.items() if has})
