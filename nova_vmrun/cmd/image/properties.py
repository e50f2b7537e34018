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

"""Image properties that make a disk boot as it did in its own VM."""

from nova_vmrun.formats import guestos
from nova_vmrun.formats import vmdk
from nova_vmrun.formats import vmx
from nova_vmrun.machine import snapshot_image

# VMware's names of network cards to Nova's.
_NICS = {'vlance': 'pcnet', 'vmxnet': 'vmxnet', 'e1000': 'e1000',
         'e1000e': 'e1000e', 'vmxnet3': 'vmxnet3'}
# Only hosts with VMware can use a VMDK.
_FOR_VMWARE = {'img_hv_type': 'vmware'}


def from_vm(keys: vmx.Vmx, bus: str | None) -> dict[str, str]:
    """Return the properties for the disk of a VM.

    :param keys: content of the .vmx
    :param bus: of the disk, one of nova_vmrun.machine.model.BUSES; None if it
        is unknown
    """
    found: dict[str, str] = dict(_FOR_VMWARE)
    described = snapshot_image.describe(keys, bus or 'lsilogic', {})
    if bus is None:
        del described['vmware_adaptertype']
    found.update(described)
    nic = _NICS.get(keys.get('ethernet0.virtualDev', '').lower())
    if nic:
        found['hw_vif_model'] = nic
    if found['hw_firmware_type'] == 'uefi':
        found['os_secure_boot'] = 'required' if keys.get_bool(
            'uefi.secureBoot.enabled') else 'disabled'
    guest = guestos.find(keys.get('guestOS', ''))
    if guest is None:
        return found
    kind = guest.profile.removeprefix('arm-').partition('-')[0]
    if kind in ('linux', 'windows'):
        found['os_type'] = kind
    if guest.arch == guestos.AARCH64:
        found['hw_architecture'] = guestos.AARCH64
    return found


def from_disk(adapter: str | None) -> dict[str, str]:
    """Return the properties for a VMDK without its VM.

    :param adapter: ide or buslogic if it was made for that, else None
    """
    found = dict(_FOR_VMWARE, vmware_disktype=vmdk.STREAM_OPTIMIZED)
    if adapter:
        found['vmware_adaptertype'] = adapter
    return found
