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

"""The rows of nova_vmrun.formats.guestos.table, read."""

from collections.abc import Iterable
from collections.abc import Iterator
import dataclasses
import re

from nova_vmrun.formats.guestos import table


@dataclasses.dataclass(frozen=True)
class Row:
    """A guest operating system.

    :ivar id: id in a .vmx (ubuntu-64)
    :ivar profile: key of nova_vmrun.formats.guestos.profiles.PROFILES
    :ivar vsphere: vSphere's id, or None
    :ivar since: first virtualHW.version that knows the id; 0: all do
    :ivar fallback: closest id for older versions; empty if all know the id
    :ivar systems: names in os_distro to the first major version that the id
        is for; None: it is for all versions
    :ivar windows: patterns to find in an os_version of Windows
    :ivar aliases: other spellings that VMware accepts
    :ivar virtualbox: VirtualBox's words, in lower case and without the bits
    :ivar cim: values of CIM_OperatingSystem.OSType
    :ivar is_hypervisor: whether its guests are VMs, unlike its profile's
    """

    id: str
    profile: str
    vsphere: str | None
    since: int
    fallback: str
    systems: dict[str, int | None]
    windows: tuple[str, ...]
    aliases: tuple[str, ...]
    virtualbox: tuple[str, ...]
    cim: tuple[int, ...]
    is_hypervisor: bool

    @property
    def stem(self) -> str:
        """The id without the ``-64`` that marks 64 bits."""
        return self.id.removesuffix('-64')


def _read(profile: str, text: str) -> Row:
    guest_id, vsphere, *words = text.split()
    entries: dict[str, list[str]] = {}
    for word in words:
        name, _, value = word.partition('=')
        entries.setdefault(name, []).extend(value.split(','))
    since, _, fallback = entries.get('since', ['0:'])[0].partition(':')
    return Row(
        id=guest_id, profile=profile,
        vsphere=None if vsphere == '-' else vsphere,
        since=int(since), fallback=fallback,
        systems=dict(map(_system, entries.get('os', ()))),
        windows=tuple(entries.get('win', ())),
        aliases=tuple(_spell_out(entries.get('aka', ()))),
        virtualbox=tuple(entries.get('vbox', ())),
        cim=tuple(map(int, entries.get('cim', ()))),
        is_hypervisor='nested' in entries)


def _system(text: str) -> tuple[str, int | None]:
    name, _, version = text.partition(':')
    return name, int(version) if version else None


def _spell_out(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        match = re.search('{(.*)}', name)
        if match is None:
            yield name
        else:
            for edition in table.EDITIONS[match.group(1)]:
                yield name.replace(match.group(), edition)


ROWS: tuple[Row, ...] = tuple(
    _read(profile, text) for profile, texts in table.GUESTS.items()
    for text in re.sub(r'\n\s+', ' ', texts.strip()).splitlines())
