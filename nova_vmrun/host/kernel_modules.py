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

"""Check by their device files whether VMware's kernel modules are loaded.

They are often missing after a kernel update. vmrun then fails every start with
"The operation was canceled", and only the VMware window shows why.
"""

import os

from nova_vmrun import system

# vmmon runs VMs and vmnet connects them; each creates a device file.
_DEVICES = ('dev/vmmon', 'dev/vmnet0')
# Exists if a product is installed. Without one there are no modules to load,
# for example if vmrun is a script that runs vmrun on another host.
_INSTALLED = 'etc/vmware'

REMEDY = ('Run "sudo vmware-modconfig --console --install-all" (which needs '
          'the headers of the running kernel), then "sudo systemctl restart '
          'vmware".')


def is_installed(root: str = '/') -> bool:
    """Return whether VMware is installed on this host itself."""
    return os.path.isdir(os.path.join(root, _INSTALLED))


def missing_devices(root: str = '/',
                    platform: str | None = None) -> list[str]:
    """Return the paths of missing device files that a VM needs.

    :param root: root of the host's file system
    :param platform: a value of sys.platform; None: this host's
    :returns: empty on macOS, where the modules have no device files
    """
    platform = platform or system.here().name
    if platform == system.MACOS or not is_installed(root):
        return []
    return [path for path in (os.path.join(root, name) for name in _DEVICES)
            if not os.path.exists(path)]


def describe(devices: list[str]) -> str:
    """Return the beginning of a message about missing device files."""
    return 'VMware\'s kernel modules are not loaded: %s %s missing' % (
        ' and '.join(devices), 'is' if len(devices) == 1 else 'are')
