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

"""The power state for Nova, derived from its vm_state and the VM's state.

Every ten minutes, Nova compares the two and stops servers that it thinks
should be off. The table below makes sure that this ends: Nova never stops a
server again that it has just stopped.
"""

import dataclasses
import enum

from nova.compute import power_state
from nova.compute import task_states
from nova.compute import vm_states
from nova.objects import instance as nova_instance

from nova_vmrun.server import states

_RUNNING = states.State.RUNNING
_PAUSED = states.State.PAUSED
_SUSPENDED = states.State.SUSPENDED
_OFF = states.State.OFF
_UNKNOWN = states.State.UNKNOWN

POWER_STATES = {
    _RUNNING: power_state.RUNNING,
    _PAUSED: power_state.PAUSED,
    _SUSPENDED: power_state.SUSPENDED,
    _OFF: power_state.SHUTDOWN,
    _UNKNOWN: power_state.NOSTATE,
}


class Sync(enum.Enum):
    """The one change, if any, that Nova's power sync makes to a server."""

    NOTHING = 'nothing'
    STOP = 'stops it'


@dataclasses.dataclass(frozen=True)
class Pair:
    """The consequences of a vm_state together with a state of the VM.

    :ivar power_state: for Nova, one of nova.compute.power_state
    :ivar sync: what Nova's power sync then does
    :ivar way_out: what a user can do; empty if the two states agree
    """

    power_state: int
    sync: Sync = Sync.NOTHING
    way_out: str = ''


def _pair(state: states.State, sync: Sync = Sync.NOTHING, way_out: str = '',
          shown_as: int | None = None) -> Pair:
    return Pair(POWER_STATES[state] if shown_as is None else shown_as, sync,
                way_out)


def _row(**changes: Pair) -> dict[states.State, Pair]:
    """Return the pairs of one vm_state, by the state of the VM."""
    row = {state: _pair(state) for state in states.State}
    row.update({states.State[name.upper()]: pair
                for name, pair in changes.items()})
    row[_UNKNOWN] = _pair(
        _UNKNOWN, way_out='Nova waits until the state can be read.')
    return row


# To Nova, the server is off. If a VM with a memory file were reported as
# SUSPENDED, Nova would stop it again every ten minutes.
_SUSPENDED_AS_OFF = _pair(
    _SUSPENDED, shown_as=power_state.SHUTDOWN,
    way_out='A start resumes it with its memory.')
_STOPPED_WITH_MEMORY = '{} It keeps its memory; a start resumes it.'.format
_STARTED_OUTSIDE = 'Nova stops it, because it was started outside of Nova.'

TABLE = {
    vm_states.ACTIVE: _row(
        paused=_pair(_PAUSED, way_out='Reboot it hard.'),
        suspended=_pair(_SUSPENDED, Sync.STOP, _STOPPED_WITH_MEMORY(
            'Nova says SHUTOFF.')),
        off=_pair(_OFF, Sync.STOP, 'Nova says SHUTOFF. Start it.')),
    vm_states.PAUSED: _row(
        running=_pair(_RUNNING, way_out='Unpause it.'),
        suspended=_pair(_SUSPENDED, Sync.STOP, _STOPPED_WITH_MEMORY(
            'Nova says SHUTOFF.'), power_state.SHUTDOWN),
        off=_pair(_OFF, Sync.STOP, 'Nova says SHUTOFF. Start it.')),
    vm_states.SUSPENDED: _row(
        running=_pair(_RUNNING, way_out='Resume it; it keeps running.'),
        paused=_pair(_PAUSED, way_out='Reboot it hard.'),
        off=_pair(_OFF, way_out='Resume it; it boots from its disks.')),
    vm_states.STOPPED: _row(
        running=_pair(_RUNNING, Sync.STOP, _STARTED_OUTSIDE),
        paused=_pair(_PAUSED, Sync.STOP, _STARTED_OUTSIDE),
        suspended=_SUSPENDED_AS_OFF),
    # Nova's power sync ignores the other states.
    vm_states.RESCUED: _row(
        paused=_pair(_PAUSED, way_out='Unrescue it.'),
        suspended=_pair(_SUSPENDED, way_out='Unrescue it.'),
        off=_pair(_OFF, way_out='Unrescue it.')),
    vm_states.RESIZED: _row(
        paused=_pair(_PAUSED, way_out='Confirm or revert the resize.'),
        suspended=_pair(_SUSPENDED, way_out='Confirm or revert the resize.')),
    vm_states.SHELVED: _row(suspended=_SUSPENDED_AS_OFF),
    vm_states.SHELVED_OFFLOADED: _row(suspended=_SUSPENDED_AS_OFF),
    vm_states.SOFT_DELETED: _row(suspended=_SUSPENDED_AS_OFF),
    vm_states.DELETED: _row(suspended=_SUSPENDED_AS_OFF),
    vm_states.BUILDING: _row(),
    vm_states.ERROR: _row(),
}
_TURNING_OFF = (task_states.POWERING_OFF, task_states.SOFT_DELETING)


def for_nova(instance: nova_instance.Instance, state: states.State) -> int:
    """Return the power state of a server for Nova.

    :param state: of its VM
    """
    vm_state = (vm_states.STOPPED if instance.task_state in _TURNING_OFF
                else instance.vm_state)
    row = TABLE.get(vm_state)
    return row[state].power_state if row else POWER_STATES[state]
