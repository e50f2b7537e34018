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

"""Which guest operating system a server is said to have."""

from collections.abc import Iterator
from collections.abc import Mapping
import dataclasses

from nova_vmrun import exception
from nova_vmrun.formats.guestos import distros
from nova_vmrun.formats.guestos import profiles
from nova_vmrun.formats.guestos import table

X86_64 = 'x86_64'
AARCH64 = 'aarch64'

# Properties that name an id, the strongest first. os_distro is among them
# since Nova hands vmware_ostype on under that name.
_ID_PROPERTIES = ('vmrun_guestos', 'vix_guestos', 'vmware_ostype')
_X86_32 = frozenset(['i386', 'i486', 'i586', 'i686', 'x86'])
_X86_64 = frozenset([X86_64, 'amd64', 'x86-64'])
_ARM_64 = frozenset([AARCH64, 'arm64', 'armv8'])

# Spellings that VMware accepts for an id that it writes differently.
_ALIASES = {
    'nt4': 'winNT', 'win2000': 'win2000Pro', 'whistler': 'winXPPro',
    'mandrake-64': 'mandriva-64', 'linux': 'otherlinux',
    'os2experimental': 'os2',
}
_SERVER_2008 = (
    'Cluster', 'Datacenter', 'DatacenterCore', 'Enterprise', 'EnterpriseCore',
    'EnterpriseItanium', 'SmallBusiness', 'SmallBusinessPremium', 'Standard',
    'StandardCore', 'MediumManagement', 'MediumMessaging', 'MediumSecurity',
    'ForSmallBusiness', 'StorageEnterprise', 'StorageExpress',
    'StorageStandard', 'StorageWorkgroup', 'Web')
_VISTA = ('Ultimate', 'HomePremium', 'HomeBasic', 'Enterprise', 'Business',
          'Starter')

# Ids that need a virtual hardware generation, and the closest id for older
# ones. 20 is Workstation 17 and Fusion 13, 22 is 25H2.
_TOO_NEW = {
    'windows12-64': (22, 'windows11-64'),
    'windows11-64': (20, 'windows9-64'),
    'windows2022srvNext-64': (22, 'windows2019srvNext-64'),
    'windows2019srvNext-64': (18, 'windows2019srv-64'),
    'windows2019srv-64': (16, 'windows9srv-64'),
    'debian13': (22, 'debian12'),
    'debian13-64': (22, 'debian12-64'),
    'debian12': (20, 'debian11'),
    'debian12-64': (20, 'debian11-64'),
    'debian11': (20, 'debian10'),
    'debian11-64': (20, 'debian10-64'),
    'rhel10-64': (22, 'rhel9-64'),
    'rhel9-64': (20, 'rhel8-64'),
    'oraclelinux10-64': (22, 'oraclelinux9-64'),
    'sles16-64': (22, 'sles15-64'),
    'freeBSD15': (22, 'freeBSD14'),
    'freeBSD15-64': (22, 'freeBSD14-64'),
    'other7xlinux': (22, 'other6xlinux'),
    'other7xlinux-64': (22, 'other6xlinux-64'),
    'other6xlinux': (20, 'other5xlinux'),
    'other6xlinux-64': (20, 'other5xlinux-64'),
    'other5xlinux': (18, 'other4xlinux'),
    'other5xlinux-64': (18, 'other4xlinux-64'),
    'other4xlinux': (14, 'otherlinux'),
    'other4xlinux-64': (14, 'otherlinux-64'),
    'vmkernel9': (22, 'vmkernel8'),
    'arm-debian13-64': (22, 'arm-debian12-64'),
    'arm-rhel10-64': (22, 'arm-rhel9-64'),
}


@dataclasses.dataclass(frozen=True)
class GuestOS:
    """A guest operating system.

    :ivar id: as it stands in a .vmx: ubuntu-64
    :ivar profile: key of nova_vmrun.formats.guestos.profiles.PROFILES
    :ivar vsphere: vSphere's spelling, or None
    :ivar origin: a phrase that says what chose it
    """

    id: str
    profile: str
    vsphere: str | None = None
    origin: str = 'default'

    @property
    def family(self) -> str:
        """Name of the template."""
        return profiles.PROFILES[self.profile].family

    @property
    def arch(self) -> str:
        return AARCH64 if self.id.startswith('arm-') else X86_64

    @property
    def options(self) -> Mapping[str, object]:
        """Defaults for fields of catalog.options that its profile lacks."""
        return {'nested': True} if self.id == 'winHyperV' else {}


def _read_table() -> tuple[dict[str, GuestOS], dict[str, str]]:
    guests: dict[str, GuestOS] = {}
    spellings: dict[str, str] = {}
    for profile, rows in table.GUESTS.items():
        for row in rows.split('\n'):
            if not row:
                continue
            vsphere, hosted = row.split()
            guests[hosted] = GuestOS(
                hosted, profile, None if vsphere == '-' else vsphere)
    for hosted, guest in guests.items():
        # VIX wrote 64 bits without a dash: otherLinux64.
        spellings.setdefault(hosted.lower().replace('-64', '64'), hosted)
        spellings.setdefault(hosted.lower().replace('-64', '_64'), hosted)
        if guest.vsphere:
            vsphere = guest.vsphere.lower()
            spellings[vsphere] = hosted
            spellings.setdefault(vsphere.replace('guest', ''), hosted)
    # What VMware itself writes takes precedence over made-up spellings.
    spellings.update((hosted.lower(), hosted) for hosted in guests)
    for alias, hosted in _aliases():
        spellings.setdefault(alias.lower(), hosted)
    return guests, spellings


def _aliases() -> Iterator[tuple[str, str]]:
    yield from _ALIASES.items()
    for bits, server, vista in (('-32', 'longhorn', 'winvista'),
                                ('-64', 'longhorn-64', 'winvista-64')):
        for edition in _SERVER_2008:
            yield 'winServer2008%s%s' % (edition, bits), server
        for edition in _VISTA:
            yield 'winVista%s%s' % (edition, bits), vista


_GUESTS, _SPELLINGS = _read_table()


def all_guests() -> dict[str, GuestOS]:
    """Every id that VMware knows, as a mapping of ids to GuestOS."""
    return dict(_GUESTS)


def find(spelling: str) -> GuestOS | None:
    """Looks an id up.

    :param spelling: as in a .vmx, vSphere or VIX; the case does not matter
    :returns: a GuestOS, or None
    """
    hosted = _SPELLINGS.get(spelling.strip().lower())
    return _GUESTS[hosted] if hosted else None


def available(guest_id: str, hw_version: int | None) -> str:
    """Tells the id that a product can run in the place of a newer one.

    :param guest_id: as in a .vmx
    :param hw_version: newest virtualHW.version of the product, or None to
        take every id for available
    :returns: the id itself, or its fall-back
    """
    while hw_version is not None and guest_id in _TOO_NEW:
        needed, fallback = _TOO_NEW[guest_id]
        if hw_version >= needed:
            break
        guest_id = fallback
    return guest_id


def choose(properties: Mapping[str, str], default: str = 'otherlinux-64',
           arch: str = X86_64, hw_version: int | None = None) -> GuestOS:
    """Chooses the guest operating system of a server.

    An id that a property names is used as it is or refused. One that is made
    of os_distro, os_type or the default gives way to an older id if the
    product does not know it yet.

    :param properties: mapping of image properties to text
    :param default: [vmrun] default_guestos
    :param arch: of the host, x86_64 or aarch64
    :param hw_version: newest virtualHW.version of the product, or None
    :returns: a GuestOS
    :raises UnknownGuestOS: an id that VMware or this product does not know
    :raises InvalidProperty: an architecture that this host does not run
    """
    bits32 = _check_architecture(properties, arch)
    for name in _ID_PROPERTIES + ('os_distro',):
        value = properties.get(name, '')
        if not value or (name == 'os_distro' and not _is_vsphere_id(value)):
            continue
        guest = _by_id(name, value, arch, hw_version)
        return dataclasses.replace(
            guest, origin='image property %s=%s' % (name, guest.id))
    guest_id, origin = _by_description(properties)
    if guest_id is None:
        return _default(default, arch, hw_version)
    return _resolve(guest_id, bits32, arch, hw_version, origin)


def _check_architecture(properties: Mapping[str, str], arch: str) -> bool:
    name = 'hw_architecture'
    if name not in properties:
        name = 'architecture'
    value = properties.get(name, '').lower()
    allowed = _ARM_64 if arch == AARCH64 else _X86_64 | _X86_32
    if value and value not in allowed:
        raise exception.InvalidProperty(
            name, value, 'This host runs %s only.' % arch,
            'Boot the image on a host of its own architecture.')
    return value in _X86_32


def _is_vsphere_id(value: str) -> bool:
    return value.lower().endswith(('guest', 'guest64'))


def _by_id(name: str, value: str, arch: str,
           hw_version: int | None) -> GuestOS:
    guest = find(value)
    if guest is not None and guest.arch != arch and arch == AARCH64:
        guest = find('arm-' + guest.id)
    if guest is None or guest.arch != arch:
        raise exception.UnknownGuestOS(
            name, value, 'VMware has no such guest operating system on %s.'
            % arch, 'Use an id of the guest operating system table in the '
            'documentation, for example %s.' % (
                'arm-other6xlinux-64' if arch == AARCH64 else 'ubuntu-64'))
    usable = available(guest.id, hw_version)
    if usable != guest.id:
        raise exception.UnknownGuestOS(
            name, value, 'The installed product (virtual hardware %s) does '
            'not know it yet.' % hw_version,
            'Use %s, or a newer product.' % usable)
    return guest


def _by_description(properties: Mapping[str, str]) -> tuple[str | None, str]:
    distro = properties.get('os_distro', '')
    version = properties.get('os_version', '')
    guest_id = distros.find(distro, version) if distro else None
    if guest_id is not None:
        used = 'os_distro and os_version' if version else 'os_distro'
        return guest_id, 'image property %s' % used
    kind = properties.get('os_type', '').lower()
    if kind == 'windows':
        guest_id = distros.find('windows', version)
    elif kind == 'linux':
        guest_id = distros.MODERN_LINUX
    return guest_id, 'image property os_type'


def _default(default: str, arch: str, hw_version: int | None) -> GuestOS:
    guest = find(default)
    if guest is None:
        raise exception.UnknownGuestOS(
            '[vmrun] default_guestos', default,
            'VMware has no such guest operating system.',
            'Correct the option in nova.conf.')
    return _resolve(guest.id.removesuffix('-64'), not guest.id.endswith('-64'),
                    arch, hw_version, 'option default_guestos')


def _arm(guest_id: str) -> str:
    """Finds the closest id for Apple silicon, without ``-64``."""
    same = find('arm-%s-64' % guest_id)
    if same is not None:
        return same.id.removesuffix('-64')
    if guest_id == distros.WINDOWS:
        return 'arm-windows10'
    known = find(guest_id + '-64') or find(guest_id)
    family = known.family if known else 'other'
    if family.startswith('windows'):
        return 'arm-windows11'
    return 'arm-other6xlinux' if family.startswith('linux') else 'arm-other'


def _resolve(guest_id: str, bits32: bool, arch: str, hw_version: int | None,
             origin: str) -> GuestOS:
    """Completes an id that nobody spelled out."""
    if arch == AARCH64:
        guest_id, bits32 = _arm(guest_id), False
    wanted = guest_id if bits32 else guest_id + '-64'
    if wanted not in _GUESTS:
        wanted = guest_id if guest_id in _GUESTS else guest_id + '-64'
    usable = available(wanted, hw_version)
    if usable != wanted:
        origin = '%s; %s is too new for this product' % (origin, wanted)
    return dataclasses.replace(_GUESTS[usable], origin=origin)
