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

"""The choice of a server's guest operating system."""

from collections.abc import Mapping
import dataclasses

from nova_vmrun.catalog import obeyed
from nova_vmrun import exception
from nova_vmrun.formats.guestos import distros
from nova_vmrun.formats.guestos import profiles
from nova_vmrun.formats.guestos import rows

X86_64 = 'x86_64'
AARCH64 = 'aarch64'

# Properties with an id, strongest first. os_distro is among them because Nova
# passes vmware_ostype on under that name.
_ID_PROPERTIES = obeyed.GUEST_ID.image + obeyed.OS_DISTRO.image
_X86_32 = frozenset(['i386', 'i486', 'i586', 'i686', 'x86'])
_X86_64 = frozenset([X86_64, 'amd64', 'x86-64'])
_ARM_64 = frozenset([AARCH64, 'arm64', 'armv8'])


@dataclasses.dataclass(frozen=True)
class GuestOS:
    """A guest operating system.

    :ivar id: id in a .vmx (ubuntu-64)
    :ivar profile: key of nova_vmrun.formats.guestos.profiles.PROFILES
    :ivar vsphere: vSphere's id, or None
    :ivar is_hypervisor: whether it runs VMs, whatever its profile says
    :ivar origin: a phrase that says how it was chosen
    """

    id: str
    profile: str
    vsphere: str | None = None
    is_hypervisor: bool = False
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
        return {'nested': True} if self.is_hypervisor else {}


_ROWS = {row.id: row for row in rows.ROWS}
_GUESTS = {row.id: GuestOS(row.id, row.profile, row.vsphere,
                           row.is_hypervisor) for row in rows.ROWS}


def _read_spellings() -> dict[str, str]:
    """Return all spellings of the ids, in lower case."""
    spellings: dict[str, str] = {}
    for row in rows.ROWS:
        # VIX wrote 64 bits without a dash: otherLinux64.
        spellings.setdefault(row.id.lower().replace('-64', '64'), row.id)
        spellings.setdefault(row.id.lower().replace('-64', '_64'), row.id)
        if row.vsphere:
            vsphere = row.vsphere.lower()
            spellings[vsphere] = row.id
            spellings.setdefault(vsphere.replace('guest', ''), row.id)
    # VMware's own spelling takes precedence over derived ones.
    spellings.update((row.id.lower(), row.id) for row in rows.ROWS)
    for row in rows.ROWS:
        for alias in row.aliases:
            spellings.setdefault(alias.lower(), row.id)
    return spellings


_SPELLINGS = _read_spellings()


def all_guests() -> dict[str, GuestOS]:
    """Return every guest that VMware knows, by its id."""
    return dict(_GUESTS)


def find(spelling: str) -> GuestOS | None:
    """Return the guest with an id, or None.

    :param spelling: as in a .vmx, vSphere or VIX; the case does not matter
    """
    guest_id = _SPELLINGS.get(spelling.strip().lower())
    return _GUESTS[guest_id] if guest_id else None


def available(guest_id: str, hw_version: int | None) -> str:
    """Return the closest id that a product knows.

    :param guest_id: as in a .vmx
    :param hw_version: newest virtualHW.version of the product; None: it knows
        every id
    :returns: the id itself, or one for an older release
    """
    while (hw_version is not None and guest_id in _ROWS and
           hw_version < _ROWS[guest_id].since):
        guest_id = _ROWS[guest_id].fallback
    return guest_id


def choose(properties: Mapping[str, str], default: str = 'otherlinux-64',
           arch: str = X86_64, hw_version: int | None = None) -> GuestOS:
    """Choose the guest operating system of a server.

    An id in a property is used as it is or refused. An id that follows from
    os_distro, os_type or the default is replaced with an older one if the
    product does not know it.

    :param properties: properties of the image
    :param default: [vmrun] default_guestos
    :param arch: architecture of the host, x86_64 or aarch64
    :param hw_version: newest virtualHW.version of the product, or None
    :raises UnknownGuestOS: VMware or this product does not know the id
    :raises InvalidProperty: this host does not run the architecture
    """
    bits32 = _check_architecture(properties, arch)
    for name in _ID_PROPERTIES:
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
            name, value, 'This host only runs %s.' % arch,
            'Boot the image on a host with the same architecture.')
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
            % arch, "Use one of VMware's guest ids, for example %s." % (
                'arm-other6xlinux-64' if arch == AARCH64 else 'ubuntu-64'))
    usable = available(guest.id, hw_version)
    if usable != guest.id:
        raise exception.UnknownGuestOS(
            name, value, 'The installed product (virtual hardware %s) does '
            'not know it.' % hw_version,
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
        guest_id = distros.find('linux', '')
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
    """Return the closest id for Apple silicon, without ``-64``."""
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
    """Return the guest for a derived id, which lacks the number of bits."""
    if arch == AARCH64:
        guest_id, bits32 = _arm(guest_id), False
    wanted = guest_id if bits32 else guest_id + '-64'
    if wanted not in _GUESTS:
        wanted = guest_id if guest_id in _GUESTS else guest_id + '-64'
    usable = available(wanted, hw_version)
    if usable != wanted:
        origin = '%s; %s is too new for this product' % (origin, wanted)
    return dataclasses.replace(_GUESTS[usable], origin=origin)
