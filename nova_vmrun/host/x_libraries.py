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

"""Check for the X11 libraries that VMware needs even without a window.

Hosts without a desktop often lack them, and every start fails.
"""

from collections.abc import Iterable
import os

from nova_vmrun import system

# Libraries that vmware-vmx of Workstation 17.6 is linked with, and their
# packages in Debian and Ubuntu.
_LIBRARIES = {
    'libXi.so.6': 'libxi6', 'libXinerama.so.1': 'libxinerama1',
    'libXcursor.so.1': 'libxcursor1', 'libXtst.so.6': 'libxtst6',
    'libXrender.so.1': 'libxrender1'}
# The dynamic linker's list of libraries.
_CACHE = 'etc/ld.so.cache'


def has(name: str, root: str = '/') -> bool | None:
    """Return whether the dynamic linker knows a library.

    :param name: such as libXi.so.6
    :param root: root of the host's file system
    :returns: None if the system does not list its libraries
    """
    try:
        with open(os.path.join(root, _CACHE), 'rb') as file:
            # Each name ends with a zero: libaio.so.1t64 is not libaio.so.1.
            return name.encode('ascii') + b'\0' in file.read()
    except OSError:
        return None


def missing_libraries(root: str = '/',
                      platform: str | None = None) -> list[str]:
    """Return the names of the libraries that this Linux host lacks.

    :param root: root of the host's file system
    :param platform: a value of sys.platform; None: this host's
    :returns: empty if the system does not list its libraries
    """
    if (platform or system.here().name) == system.MACOS:
        return []
    return [name for name in _LIBRARIES if has(name, root) is False]


def packages(libraries: Iterable[str]) -> list[str]:
    """Return the packages of Debian and Ubuntu that hold libraries."""
    return [_LIBRARIES[name] for name in libraries]


def describe(libraries: list[str]) -> str:
    """Return a message about missing libraries that says what to do."""
    return ('VMware needs libraries that this host does not have: %s. On '
            'Debian and Ubuntu: sudo apt-get install %s' % (
                ', '.join(libraries), ' '.join(packages(libraries))))
