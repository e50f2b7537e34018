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

"""Devices and switches that one row describes completely.

To add one, add its row, its test and a golden file. The choice of hardware,
the check of a Machine, the .vmx, the table of its keys and the documentation
all read the row.
"""

from collections.abc import Mapping
import dataclasses
import enum
from typing import Any
from typing import Generic
from typing import Protocol
from typing import TypeVar

from nova_vmrun.catalog import kinds
from nova_vmrun.catalog import obeyed
from nova_vmrun.catalog import properties as props
from nova_vmrun.catalog import row
from nova_vmrun import exception

T = TypeVar('T')
# Keys of a .vmx and their values, before they are escaped.
Lines = Mapping[str, bool | int | str]

_BOOT_MENU_MS = 5000
_MIB = 1024 * 1024


class OnArm(enum.Enum):
    """What happens to a property on Apple silicon."""

    OBEYED = 'it is obeyed as elsewhere'
    REFUSED = 'VMs cannot have anything but the default'
    FIXED = "it is checked, and the guest's default is used all the same"


class Writer(Protocol):
    """Turns a value into lines of the .vmx."""

    @property
    def keys(self) -> frozenset[str]:
        """All keys that any value leads to."""

    def lines(self, value: Any) -> Lines:
        """Return the lines that a value leads to."""

    def kind_of(self, key: str) -> str:
        """Return the type of a key, as nova_vmrun.formats.vmx.keys has it."""


@dataclasses.dataclass(frozen=True)
class Fixed(Generic[T]):
    """Writes the lines that are listed for each value."""

    table: Mapping[T, Lines]

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(key for lines in self.table.values()
                         for key in lines)

    def lines(self, value: T) -> Lines:
        return self.table[value]

    def kind_of(self, key: str) -> str:
        values = [lines[key] for lines in self.table.values() if key in lines]
        if all(isinstance(value, bool) for value in values):
            return 'bool'
        if all(isinstance(value, int) for value in values):
            return 'int'
        words = dict.fromkeys(map(str, values))
        return '|'.join(words) if len(set(words)) > 1 else 'text'


@dataclasses.dataclass(frozen=True)
class Scaled:
    """Writes a number in VMware's unit, and other lines beside it.

    Without a number it writes nothing.

    :ivar key: key that has the number
    :ivar factor: how many of VMware's units one unit of the property is
    :ivar beside: the other lines
    """

    key: str
    factor: int
    beside: Lines

    @property
    def keys(self) -> frozenset[str]:
        return frozenset([*self.beside, self.key])

    def lines(self, value: int | None) -> Lines:
        if value is None:
            return {}
        return {**self.beside, self.key: value * self.factor}

    def kind_of(self, key: str) -> str:
        return 'bool' if isinstance(self.beside.get(key), bool) else 'int'


@dataclasses.dataclass(frozen=True, kw_only=True)
class Option(row.Obeyed[Any]):
    """A property that leads to lines of the .vmx and to nothing else.

    :ivar field: its name in Hardware.options
    :ivar group: group of the .vmx that its lines stand in
    :ivar writer: makes the lines of a value
    :ivar default: the value if nobody asks for one; a guest's profile may
        have another
    :ivar since: first virtualHW.version that has it
    :ivar on_arm: what Apple silicon makes of it
    :ivar limit: property of a flavor that an image's value must not exceed;
        without that property it is 0. None: an image may have any value.
    """

    field: str
    group: str
    writer: Writer
    default: Any
    since: int = 0
    on_arm: OnArm = OnArm.OBEYED
    limit: row.Obeyed[int] | None = None

    def read(self, name: str, text: str, hw_version: int,
             is_arm: bool) -> Any:
        """Return the value that an image or a flavor asks for.

        :raises InvalidProperty: it is outside its range, or this host does
            not have it
        """
        value = self.kind.read(name, text)
        if value == self.default:
            return value
        if is_arm and self.on_arm == OnArm.REFUSED:
            raise exception.InvalidProperty(
                name, text, 'It is not available on Apple silicon.',
                'Remove the property.')
        if hw_version < self.since:
            raise exception.InvalidProperty(
                name, text, 'It needs virtual hardware %d.' % self.since,
                'Remove the property, or use a newer product.')
        return value

    def allows(self, value: object) -> bool:
        """Return whether a Machine can have a value."""
        return value == self.default or self.kind.allows(value)


def _switch(key: str, on: bool | int = True) -> Fixed[bool]:
    """Return the writer of a key that is left out unless it is on."""
    return Fixed({False: {}, True: {key: on}})


def _usb(usb3: bool) -> Lines:
    return {'usb.present': usb3, 'ehci.present': usb3,
            'usb_xhci.present': usb3}


def _sound(device: str) -> Lines:
    return {'sound.present': True, 'sound.virtualDev': device,
            'sound.fileName': '-1', 'sound.autodetect': True}


ROWS = (
    Option(
        field='nested', image=props.names('nested_hypervisor'),
        kind=kinds.BOOLEAN, section=obeyed.CPU, group='cpu', default=False,
        writer=Fixed({False: {'vhv.enable': False},
                      True: {'vhv.enable': True}}),
        about='Lets the guest run its own VMs.'),
    Option(
        field='pmu', image=('hw_pmu',), flavor=('hw:pmu',),
        kind=kinds.BOOLEAN, section=obeyed.CPU, group='cpu', default=False,
        writer=_switch('vpmc.enable'),
        about='Give the guest the performance counters of the CPU.'),
    Option(
        field='hide_hypervisor', image=('img_hide_hypervisor_id',),
        flavor=('hide_hypervisor_id', 'hw:hide_hypervisor_id'),
        kind=kinds.BOOLEAN, section=obeyed.CPU, group='cpu', default=False,
        writer=_switch('hypervisor.cpuid.v0', False),
        about='Hide from the guest that it runs in a VM.'),
    Option(
        field='viommu', image=('hw_viommu_model',),
        flavor=('hw:viommu_model',),
        kind=kinds.Word({'intel': 'intel', 'auto': 'intel'}),
        section=obeyed.CPU, group='cpu', default=None, since=14,
        on_arm=OnArm.REFUSED,
        writer=Fixed({None: {}, 'intel': {'vvtd.enable': True}}),
        about="Give the guest a virtual IOMMU. VMware's is an Intel VT-d; it "
        'needs virtual hardware 14.'),
    Option(
        field='boot_menu', image=('hw_boot_menu',), flavor=('hw:boot_menu',),
        kind=kinds.BOOLEAN, section=obeyed.FIRMWARE, group='firmware',
        default=False, writer=_switch('bios.bootDelay', _BOOT_MENU_MS),
        about='Wait five seconds for a key press to enter the boot menu.'),
    Option(
        field='hpet', image=('hw_time_hpet',), flavor=('hw:time_hpet',),
        kind=kinds.BOOLEAN, section=obeyed.CPU, group='firmware',
        default=True,
        writer=Fixed({False: {'hpet0.present': False},
                      True: {'hpet0.present': True}}),
        about='High precision event timer; on by default. Nova itself only '
        'knows the image property: its API accepts the extra spec up to '
        'microversion 2.85.'),
    Option(
        field='video_ram_mb', image=('hw_video_ram',),
        kind=kinds.Integer(1, 256), section=obeyed.DEVICES, group='console',
        default=None, limit=obeyed.MAX_VIDEO_RAM,
        writer=Scaled('svga.vramSize', _MIB, {'svga.autodetect': False}),
        about="Video memory in MiB, up to the flavor's "
        '``hw_video:ram_max_mb``.'),
    Option(
        field='usb', image=('hw_usb_model',), flavor=('hw:usb_model',),
        kind=kinds.Word(props.USB), section=obeyed.DEVICES, group='devices',
        # The keyboard of Apple silicon's VMs is on USB 3: without it, nobody
        # can type on the console.
        default='none', on_arm=OnArm.FIXED,
        writer=Fixed({'none': _usb(False), 'xhci': _usb(True)}),
        about="USB controller. Both models give VMware's xHCI."),
    Option(
        field='sound', image=('hw_sound_model',), flavor=('hw:sound_model',),
        kind=kinds.Word(props.SOUND), section=obeyed.DEVICES, group='devices',
        default=None,
        writer=Fixed({None: {'sound.present': False},
                      'hdaudio': _sound('hdaudio'),
                      'es1371': _sound('es1371'), 'sb16': _sound('sb16')}),
        about="Sound card. ``es1370`` is VMware's es1371, ``ich6`` and "
        '``ich9`` are its hdaudio.'),
)
FIELDS = {each.field: each for each in ROWS}
# The row that writes each key of a .vmx.
BY_KEY = {key: each for each in ROWS for key in each.writer.keys}


def defaults() -> dict[str, Any]:
    """Return what a Machine has if nobody asks for anything."""
    return {each.field: each.default for each in ROWS}
