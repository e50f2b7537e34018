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

"""Saved states: .vmss (suspend) and .vmsn (snapshot) files.

They begin as the real ones do (D2 BE D2 BE); what follows is the fakes' own:
JSON with the configuration and the hardware that the memory depends on. The
guest's memory, which the engine writes, is in a .vmem beside it.
"""

from __future__ import annotations

import json
import os

from vmwarefake import devices
from vmwarefake import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from vmwarefake import dictionary
    from vmwarefake import vm as vms

MAGIC = b'\xd2\xbe\xd2\xbe\x08\0\0\0'


def memory_path(path: str) -> str:
    """Return the path of the guest's memory for a .vmss or .vmsn."""
    return os.path.splitext(path)[0] + '.vmem'


def write(path: str, content: dict[str, Any]) -> None:
    """Write a state file."""
    data = json.dumps(content, sort_keys=True).encode('ascii')
    files.replace(path, MAGIC + len(data).to_bytes(8, 'little') + data)


def read(path: str) -> dict[str, Any]:
    """Return the content of a state file, {} if the fakes did not write it."""
    try:
        with open(path, 'rb') as f:
            if f.read(len(MAGIC)) != MAGIC:
                return {}
            content: dict[str, Any] = json.loads(
                f.read(int.from_bytes(f.read(8), 'little')))
            return content
    except (OSError, ValueError):
        return {}


def belongs_to_snapshot(config: dictionary.Dictionary) -> bool:
    return (config.true('checkpoint.vmState.readOnly')
            or config.get('checkpoint.vmState', '').endswith('.vmsn'))


def discard(vm: vms.VM) -> None:
    """Remove the suspended state of a VM."""
    state = vm.config.get('checkpoint.vmState')
    if state and not belongs_to_snapshot(vm.config):
        path = vm.path(state)
        files.remove(path)
        files.remove(memory_path(path))
    vm.config['checkpoint.vmState'] = ''
    vm.config.pop('checkpoint.vmState.readOnly')


#: Keys that must not change while a VM is suspended.
FROZEN = ('memsize', 'numvcpus', 'cpuid.coresPerSocket', 'firmware',
          'virtualHW.version')


def hardware(config: dictionary.Dictionary, directory: str) -> dict[str, str]:
    """Return the hardware that the memory of a suspended VM needs."""
    found = {key: config.get(key, '') for key in FROZEN}
    found['drives'] = ','.join(
        '%s=%s' % (d.node, d.get('deviceType', 'disk'))
        for d in devices.drives(config, directory))
    found['nics'] = ','.join(
        'ethernet%d=%s' % (n, config.get('ethernet%d.virtualDev' % n, ''))
        for n in devices.nics(config))
    return found
