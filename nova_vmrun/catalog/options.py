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

To add one, add its row, its test and a golden file: the choice of hardware,
the check of a Machine, the .vmx, the table of its keys and the documentation
read the row.
"""

import dataclasses
import typing

from nova_vmrun.catalog import kinds
from nova_vmrun.catalog import obeyed
from nova_vmrun.catalog import properties as props
from nova_vmrun.catalog import row
from nova_vmrun import exception

_BOOT_MENU_MS = 5000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Option(row.Obeyed):
    """A property that leads to fixed lines of the .vmx.

    :ivar field: its name in Machine.options
    :ivar group: of the .vmx, where its lines stand
    :ivar keys: each value that it can have, to the keys and values of the
        .vmx that it leads to
    :ivar default: the value if nobody asks for one
    :ivar since: first virtualHW.version that has it
    :ivar on_arm: whether Apple silicon has it
    """

    field: str
    group: str
    keys: typing.Mapping[typing.Any, typing.Mapping[str, typing.Any]]
    default: typing.Any
    since: int = 0
    on_arm: bool = True

    def read(self, name: str, text: str, hw_version: int,
             is_arm: bool) -> typing.Any:
        """Reads a value that an image or a flavor has.

        :raises InvalidProperty: it is outside its range, or this host does
            not have it
        """
        value = self.kind.read(name, text)
        if value == self.default:
            return value
        if is_arm and not self.on_arm:
            raise exception.InvalidProperty(
                name, text, 'Apple silicon does not have it.',
                'Remove the property.')
        if hw_version < self.since:
            raise exception.InvalidProperty(
                name, text, 'It needs virtual hardware %d.' % self.since,
                'Remove the property, or use a newer product.')
        return value


def _sound(device: str) -> dict[str, typing.Any]:
    return {'sound.present': True, 'sound.virtualDev': device,
            'sound.fileName': '-1', 'sound.autodetect': True}


ROWS = (
    Option(
        field='pmu', image=('hw_pmu',), flavor=('hw:pmu',),
        kind=kinds.BOOLEAN, section=obeyed.CPU, group='cpu', default=False,
        keys={False: {}, True: {'vpmc.enable': True}},
        about='Give the guest the performance counters of the CPU.'),
    Option(
        field='hide_hypervisor', image=('img_hide_hypervisor_id',),
        flavor=('hide_hypervisor_id', 'hw:hide_hypervisor_id'),
        kind=kinds.BOOLEAN, section=obeyed.CPU, group='cpu', default=False,
        keys={False: {}, True: {'hypervisor.cpuid.v0': False}},
        about='Hide from the guest that it runs in a VM.'),
    Option(
        field='boot_menu', image=('hw_boot_menu',), flavor=('hw:boot_menu',),
        kind=kinds.BOOLEAN, section=obeyed.FIRMWARE, group='firmware',
        default=False,
        keys={False: {}, True: {'bios.bootDelay': _BOOT_MENU_MS}},
        about='Wait five seconds for a key press to enter the boot menu.'),
    Option(
        field='hpet', image=('hw_time_hpet',), flavor=('hw:time_hpet',),
        kind=kinds.BOOLEAN, section=obeyed.CPU, group='firmware',
        default=True,
        keys={False: {'hpet0.present': False}, True: {'hpet0.present': True}},
        about='High precision event timer; on by default. Nova itself only '
        'knows the image property: its API accepts the extra spec up to '
        'microversion 2.85.'),
    Option(
        field='sound', image=('hw_sound_model',), flavor=('hw:sound_model',),
        kind=kinds.Word(props.SOUND), section=obeyed.DEVICES, group='devices',
        default=None,
        keys={None: {'sound.present': False},
              'hdaudio': _sound('hdaudio'), 'es1371': _sound('es1371'),
              'sb16': _sound('sb16')},
        about="Sound card. ``es1370`` is VMware's es1371, ``ich6`` and "
        '``ich9`` are its hdaudio.'),
)
FIELDS = {each.field: each for each in ROWS}
# All keys of a .vmx that they write.
KEYS = frozenset(key for each in ROWS for lines in each.keys.values()
                 for key in lines)


def defaults() -> dict[str, typing.Any]:
    """Returns what a Machine has if nobody asks for anything."""
    return {each.field: each.default for each in ROWS}
