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

"""Guest operating systems by the os_distro and os_version of an image.

The ids come without the ``-64`` that marks 64 bits; the caller adds it if
VMware has such an id.
"""

import re

from nova_vmrun.formats.guestos import rows

# Other names of systems in the table.
_SAME = {
    'kali': 'debian', 'devuan': 'debian', 'raspbian': 'debian',
    'proxmox': 'debian', 'redhat': 'rhel', 'red hat': 'rhel',
    'centos-stream': 'centos', 'ol': 'oraclelinux', 'oracle': 'oraclelinux',
    'sled': 'sles', 'amzn': 'amazonlinux', 'amazon': 'amazonlinux',
    'sunos': 'solaris', 'oraclesolaris': 'solaris', 'osx': 'macos',
    'macosx': 'macos', 'darwin': 'macos', 'vmkernel': 'esxi',
    'vmware-esxi': 'esxi', 'esx': 'esxi', 'win': 'windows',
    'windowsserver': 'windows', 'windows-server': 'windows',
    'microsoft': 'windows',
}
# Derivatives whose version numbers are not Debian's.
_OWN_VERSIONS = frozenset(['kali', 'devuan', 'proxmox'])
# The id of a Windows whose version is unknown.
WINDOWS = 'windows9'


def _by_system() -> dict[str, list[tuple[int, str]]]:
    found: dict[str, list[tuple[int, str]]] = {}
    for row in rows.ROWS:
        for name, version in row.systems.items():
            found.setdefault(name, []).append((version or 0, row.stem))
    return {name: sorted(versions) for name, versions in found.items()}


# Names of systems to the first major versions and the ids, oldest first.
_BY_SYSTEM = _by_system()
_BY_WINDOWS = [(pattern, row.stem)
               for row in rows.ROWS for pattern in row.windows]


def find(distro: str, version: str) -> str | None:
    """Return the id for a distribution.

    :param distro: os_distro; it may end in the version, as libosinfo writes
        it (rhel9.2, win2k19)
    :param version: os_version, or an empty text
    :returns: an id without ``-64``, or None if the name is unknown
    """
    distro = distro.strip().lower()
    found = _find(distro, version)
    if found is None:
        match = re.fullmatch('([a-z][a-z -]*?)[ -]?([0-9].*)', distro)
        if match:
            found = _find(match.group(1), match.group(2))
        elif distro.startswith('win'):
            found = _find('windows', distro.removeprefix('win'))
    return found


def _find(distro: str, version: str) -> str | None:
    name = _SAME.get(distro, distro)
    if name == 'windows':
        return _windows(version)
    if name == 'macos' and re.match(r'10\.[0-9]', version):
        # OS X 10.6 is Darwin 10.
        return 'darwin%d' % max(10, int(version.split('.')[1]) + 4)
    if name not in _BY_SYSTEM:
        return None
    return _by_version(_BY_SYSTEM[name],
                       '' if distro in _OWN_VERSIONS else version)


def _by_version(known: list[tuple[int, str]], version: str) -> str:
    match = re.match('[0-9]{1,4}', version.strip())
    wanted = int(match.group()) if match else known[-1][0]
    fitting = [guest for number, guest in known if number <= wanted]
    return fitting[-1] if fitting else known[0][1]


def _windows(version: str) -> str:
    version = version.strip().lower().removeprefix('windows').strip(' -')
    version = version.removeprefix('server').strip(' -')
    version = re.sub('^2k([0-9]{2})', r'20\1', version)
    version = re.sub('^2k([0-9])', r'200\1', version)
    version = re.sub('^2k', '2000', version)
    return next((guest for pattern, guest in _BY_WINDOWS
                 if re.search(pattern, version)), WINDOWS)
