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

"""From os_distro and os_version to VMware's ids of guest operating systems.

Ids are given without the ``-64`` that marks 64 bits; it is added where VMware
has such an id.
"""

import re

MODERN_LINUX = 'other6xlinux'

# Distributions for which VMware has one id.
SINGLE = {
    'ubuntu': 'ubuntu', 'linuxmint': 'ubuntu', 'pop': 'ubuntu',
    'elementary': 'ubuntu', 'neon': 'ubuntu', 'zorin': 'ubuntu',
    'fedora': 'fedora', 'fedora-coreos': 'fedora', 'silverblue': 'fedora',
    'coreos': 'coreos', 'flatcar': 'flatcar', 'photon': 'vmware-photon',
    'rocky': 'rockylinux', 'rockylinux': 'rockylinux',
    'alma': 'almalinux', 'almalinux': 'almalinux',
    'opensuse': 'opensuse', 'opensuse-leap': 'opensuse',
    'opensuse-tumbleweed': 'opensuse', 'suse': 'opensuse',
    'mandriva': 'mandriva', 'mandrake': 'mandrake', 'mageia': MODERN_LINUX,
    'turbolinux': 'turbolinux', 'miraclelinux': 'miraclelinux',
    'prolinux': 'prolinux', 'kylin': 'kylinlinux', 'kylinlinux': 'kylinlinux',
    'pardus': 'pardus', 'fusionos': 'fusionos',
    'arch': MODERN_LINUX, 'archlinux': MODERN_LINUX, 'gentoo': MODERN_LINUX,
    'alpine': MODERN_LINUX, 'alpinelinux': MODERN_LINUX,
    'cirros': MODERN_LINUX, 'nixos': MODERN_LINUX, 'void': MODERN_LINUX,
    'slackware': MODERN_LINUX, 'clearlinux': MODERN_LINUX,
    'linux': MODERN_LINUX, 'talos': MODERN_LINUX, 'openwrt': MODERN_LINUX,
    'openbsd': 'other', 'netbsd': 'other', 'dragonflybsd': 'other',
    'haiku': 'other', 'reactos': 'other', 'freedos': 'dos', 'msdos': 'dos',
    'dos': 'dos', 'os2': 'os2', 'hyperv': 'winHyperV',
    'hyper-v': 'winHyperV', 'opensolaris': 'solaris11',
    'openindiana': 'solaris11', 'omnios': 'solaris11',
    'smartos': 'solaris11', 'illumos': 'solaris11',
}

# Distributions with an id for each major version, the oldest first.
VERSIONED = {
    'debian': [(n, 'debian%d' % n) for n in range(4, 14)],
    'rhel': [(n, 'rhel%d' % n) for n in range(2, 11)],
    'centos': [(4, 'centos'), (6, 'centos6'), (7, 'centos7'), (8, 'centos8'),
               (9, 'centos9')],
    'oraclelinux': [(4, 'oraclelinux')] + [
        (n, 'oraclelinux%d' % n) for n in range(6, 11)],
    'sles': [(9, 'sles'), (10, 'sles10'), (11, 'sles11'), (12, 'sles12'),
             (15, 'sles15'), (16, 'sles16')],
    'amazonlinux': [(2, 'amazonlinux2'), (2023, 'amazonlinux3')],
    'asianux': [(3, 'asianux3'), (4, 'asianux4'), (5, 'asianux5'),
                (7, 'asianux7'), (8, 'asianux8'), (9, 'asianux9')],
    'freebsd': [(1, 'freeBSD')] + [
        (n, 'freeBSD%d' % n) for n in range(11, 16)],
    'solaris': [(n, 'solaris%d' % n) for n in range(6, 12)],
    'netware': [(4, 'netware4'), (5, 'netware5'), (6, 'netware6')],
    # Darwin 20 is macOS 11.
    'macos': [(10, 'darwin19')] + [
        (n, 'darwin%d' % (n + 9)) for n in range(11, 15)],
    'esxi': [(4, 'vmkernel'), (5, 'vmkernel5'), (6, 'vmkernel65'),
             (7, 'vmkernel7'), (8, 'vmkernel8'), (9, 'vmkernel9')],
}

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
# Of these the version says nothing about Debian's.
_OWN_VERSIONS = frozenset(['kali', 'devuan', 'proxmox'])

# What an os_version of Windows contains, and the id; the first row that is
# found wins.
_WINDOWS = (
    ('hyper-?v', 'winHyperV'), ('2025', 'windows2022srvNext'),
    ('2022', 'windows2019srvNext'), ('2019', 'windows2019srv'),
    ('2016', 'windows9srv'), ('2012', 'windows8srv'),
    ('2008 ?-?r2', 'windows7srv'), ('2008', 'longhorn'),
    ('2003', 'winNetEnterprise'), ('2000', 'win2000Serv'),
    ('vista', 'winvista'), ('xp', 'winXPPro'), ('^98', 'win98'),
    ('^95', 'win95'), ('^me$', 'winMe'), ('^nt', 'winNT'),
    ('^12', 'windows12'), ('^11', 'windows11'), ('^10', 'windows9'),
    ('^8', 'windows8'), ('^7', 'windows7'),
)
WINDOWS = 'windows9'


def find(distro: str, version: str) -> str | None:
    """Finds the id for a distribution.

    :param distro: os_distro; also with the version at its end, as libosinfo
        writes it (rhel9.2, win2k19)
    :param version: os_version, or an empty text
    :returns: an id without ``-64``, or None if the name is not known
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
    if name in SINGLE:
        return SINGLE[name]
    if name in VERSIONED:
        known = VERSIONED[name]
        return _by_version(known, '' if distro in _OWN_VERSIONS else version)
    return None


def _by_version(known: list[tuple[int, str]], version: str) -> str:
    match = re.match('[0-9]{1,4}', version.strip())
    wanted = int(match.group()) if match else known[-1][0]
    best = known[0][1]
    for number, guest in known:
        if number <= wanted:
            best = guest
    return best


def _windows(version: str) -> str:
    version = version.strip().lower().removeprefix('windows').strip(' -')
    version = version.removeprefix('server').strip(' -')
    version = re.sub('^2k([0-9]{2})', r'20\1', version)
    version = re.sub('^2k([0-9])', r'200\1', version)
    version = re.sub('^2k', '2000', version)
    for pattern, guest in _WINDOWS:
        if re.search(pattern, version):
            return guest
    return WINDOWS
