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

"""VMware's kernel modules, as far as their device files tell.

After an update of the kernel they are often missing. vmrun then says "The
operation was canceled" for every start, and only VMware's window says why.
"""

import os

from nova_vmrun import system

# vmmon runs VMs, vmnet connects them; each makes such a file.
_DEVICES = ('dev/vmmon', 'dev/vmnet0')
# What the installation of a product leaves; without it there is nothing to
# load, as where vmrun is a script that runs it elsewhere.
_INSTALLED = 'etc/vmware'

REMEDY = ('Run "sudo vmware-modconfig --console --install-all" (the headers '
          'of the running kernel are needed), then "sudo systemctl restart '
          'vmware".')


def is_installed(root: str = '/') -> bool:
    """Tells whether VMware is installed on this very host."""
    return os.path.isdir(os.path.join(root, _INSTALLED))


def missing(root: str = '/', platform: str | None = None) -> list[str]:
    """Returns the device files that a VM needs and that are not there.

    :param root: where the host's file system begins
    :param platform: a value of sys.platform; None: this host's
    :returns: paths; empty on macOS, where they have no such files
    """
    platform = platform or system.here().name
    if platform == system.MACOS or not is_installed(root):
        return []
    return [path for path in (os.path.join(root, name) for name in _DEVICES)
            if not os.path.exists(path)]


def complaint(devices: list[str]) -> str:
    """Returns what to say of missing device files."""
    return 'VMware\'s kernel modules are not loaded: %s %s missing' % (
        ' and '.join(devices), 'is' if len(devices) == 1 else 'are')
