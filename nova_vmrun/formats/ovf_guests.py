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


"""Guests by the names of VirtualBox and by the numbers of CIM.

VMware writes its own id into an OVF. VirtualBox writes a word of its own,
such as Windows10_64, and every product the number of CIM_OperatingSystem,
which has one for all releases of most systems.
"""

import re

from nova_vmrun.formats import guestos

_NAME = re.compile(r'(?P<name>[A-Za-z]+)(?P<release>[0-9]*)x?'
                   r'(?P<kind>(_(?!64$|arm64$)[A-Za-z0-9]+)*)'
                   r'(?P<bits>_64|_arm64)?', re.IGNORECASE)

# VirtualBox's word without its bits, in lower case, and VMware's without
# "-64". "%s" stands for the release.
_BY_VIRTUALBOX = {
    'windows31': 'win31', 'windows95': 'win95', 'windows98': 'win98',
    'windowsme': 'winMe', 'windowsnt3': 'winNT', 'windowsnt4': 'winNT',
    'windowsnt': 'windows9', 'windows2000': 'win2000Pro',
    'windowsxp': 'winXPPro', 'windows2003': 'winNetStandard',
    'windowsvista': 'winvista', 'windows2008': 'longhorn',
    'windows7': 'windows7', 'windows8': 'windows8', 'windows81': 'windows8',
    'windows2012': 'windows8srv', 'windows10': 'windows9',
    'windows11': 'windows11', 'windows2016': 'windows9srv',
    'windows2019': 'windows2019srv', 'windows2022': 'windows2019srvNext',
    'windows2025': 'windows2022srvNext', 'windows': 'windows9',
    'ubuntu': 'ubuntu', 'xubuntu': 'ubuntu', 'lubuntu': 'ubuntu',
    'debian': 'debian%s', 'debian31': 'debian4', 'redhat': 'rhel%s',
    'oracle': 'oraclelinux%s', 'fedora': 'fedora', 'opensuse': 'opensuse',
    'suse': 'sles15', 'mandriva': 'mandriva', 'turbolinux': 'turbolinux',
    'linux24': 'other24xlinux', 'linux': 'otherlinux', 'arch': 'otherlinux',
    'archlinux': 'otherlinux', 'gentoo': 'otherlinux',
    'xandros': 'otherlinux', 'freebsd': 'freeBSD', 'openbsd': 'other',
    'netbsd': 'other', 'solaris10': 'solaris10', 'solaris11': 'solaris11',
    'solaris': 'solaris10', 'opensolaris': 'solaris11', 'dos': 'dos',
    'os': 'os2', 'netware': 'netware6', 'macos': 'darwin19',
    'other': 'other',
}
# Where a release is not named, or VMware has no such one.
_OF_ANY_RELEASE = {'debian%s': 'debian12', 'rhel%s': 'rhel9',
                   'oraclelinux%s': 'oraclelinux'}

# Values of CIM_OperatingSystem.OSType (DMTF) to VMware's ids.
_BY_CIM = {
    16: 'win31', 17: 'win95', 18: 'win98', 20: 'winNT', 29: 'solaris10',
    30: 'solaris10', 36: 'otherlinux', 42: 'freeBSD', 58: 'win2000Pro',
    63: 'win2000Pro', 65: 'winMe', 67: 'winXPPro', 68: 'win31',
    69: 'winNetStandard', 70: 'winNetStandard-64', 71: 'winXPPro-64',
    73: 'winvista', 74: 'winvista-64', 76: 'longhorn', 77: 'longhorn-64',
    78: 'freeBSD-64', 79: 'rhel6', 80: 'rhel9-64', 81: 'solaris10-64',
    82: 'suse', 83: 'suse-64', 84: 'sles', 85: 'sles-64', 88: 'mandriva',
    89: 'mandriva-64', 90: 'turbolinux', 91: 'turbolinux-64', 93: 'ubuntu',
    94: 'ubuntu-64', 95: 'debian12', 96: 'debian12-64', 97: 'other24xlinux',
    98: 'other24xlinux-64', 99: 'other26xlinux', 100: 'other26xlinux-64',
    101: 'otherlinux-64', 103: 'windows7srv-64', 105: 'windows7',
    106: 'centos', 107: 'centos-64', 108: 'oraclelinux',
    109: 'oraclelinux-64', 112: 'windows8srv-64', 113: 'windows8',
    114: 'windows8-64', 115: 'windows8srv-64', 116: 'windows9srv-64',
    117: 'windows8', 118: 'windows8-64', 119: 'windows9', 120: 'windows9-64',
}


def by_virtualbox(word: str) -> guestos.GuestOS | None:
    """Finds a guest by VirtualBox's word for it.

    :param word: such as Ubuntu22_LTS_64; the case does not matter
    """
    match = _NAME.fullmatch(word.strip())
    if match is None:
        return None
    name, release = match.group('name').lower(), match.group('release')
    stem = _BY_VIRTUALBOX.get(name + release) or _BY_VIRTUALBOX.get(name)
    if stem is None:
        return None
    bits = (match.group('bits') or '').lower()
    return _first(bits, [stem.replace('%s', release),
                         _OF_ANY_RELEASE.get(stem, '')])


def _first(bits: str, stems: list[str]) -> guestos.GuestOS | None:
    before, after = {'_64': ('', '-64'), '_arm64': ('arm-', '-64')}.get(
        bits, ('', ''))
    found = (guestos.find(before + stem + end) for stem in stems if stem
             for end in dict.fromkeys((after, '-64' if not before else '')))
    return next(filter(None, found), None)


def by_cim(number: str) -> guestos.GuestOS | None:
    """Finds a guest by its number in CIM, as an OVF has it."""
    name = _BY_CIM.get(int(number)) if re.fullmatch(
        '[0-9]{1,4}', number.strip()) else None
    return guestos.find(name) if name else None
