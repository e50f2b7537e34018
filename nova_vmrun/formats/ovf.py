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

"""What an OVF descriptor says of the VM that was exported.

The words are DMTF's (DSP0243, CIM resource types) and, for sub-types and the
firmware, those that VMware's products write. They are told as the settings of
a .vmx, so that one place makes image properties of both.
"""

from nova_vmrun.formats import guestos
from nova_vmrun.formats import vmx

_OVF = '{http://schemas.dmtf.org/ovf/envelope/1}'
_RASD = ('{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/'
         'CIM_ResourceAllocationSettingData}')
_VMW = '{http://www.vmware.com/schema/ovf}'

_IDE, _SCSI, _NIC, _DISK, _OTHER_STORAGE = '5', '6', '10', '17', '20'
_SCSI_MODELS = {'buslogic': 'buslogic', 'lsilogic': 'lsilogic',
                'lsilogicsas': 'lsisas1068', 'virtualscsi': 'pvscsi'}
_NICS = {'pcnet32': 'vlance', 'e1000': 'e1000', 'e1000e': 'e1000e',
         'vmxnet3': 'vmxnet3'}


def read(envelope):
    """Reads a descriptor.

    :param envelope: its root, an Element
    :returns: (Vmx, bus of the first disk): guestOS, firmware and the model of
        the first network adapter, as far as they are told; the bus is one of
        machine.BUSES or None
    """
    keys = vmx.Vmx()
    guest = guestos.find(_guest(envelope))
    if guest:
        keys['guestOS'] = guest.id
    for setting in envelope.iter(_VMW + 'Config'):
        if setting.get(_VMW + 'key') == 'firmware':
            keys['firmware'] = setting.get(_VMW + 'value', '')
    items = [{child.tag.removeprefix(_RASD): (child.text or '').strip()
              for child in item} for item in envelope.iter(_OVF + 'Item')]
    nics = [_NICS[item['ResourceSubType'].lower()]
            for item in items if item.get('ResourceType') == _NIC and
            item.get('ResourceSubType', '').lower() in _NICS]
    if nics:
        keys['ethernet0.virtualDev'] = nics[0]
    return keys, _bus(items)


def _guest(envelope):
    for section in envelope.iter(_OVF + 'OperatingSystemSection'):
        return section.get(_VMW + 'osType', '')
    return ''


def _bus(items):
    controllers = {item.get('InstanceID'): item for item in items}
    for item in items:
        if item.get('ResourceType') == _DISK:
            return _bus_of(controllers.get(item.get('Parent'), {}))
    return None


def _bus_of(controller):
    kind = controller.get('ResourceType')
    model = controller.get('ResourceSubType', '').lower()
    if kind == _IDE:
        return 'ide'
    if kind == _SCSI:
        return _SCSI_MODELS.get(model)
    if kind == _OTHER_STORAGE:
        return 'sata' if 'ahci' in model else 'nvme' if 'nvme' in model else (
            None)
    return None
