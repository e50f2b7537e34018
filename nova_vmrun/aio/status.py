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

"""The status of the services: state, process, ports and memory."""

import dataclasses

from nova_vmrun.aio import health
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio.tls import probe

COLUMNS = ('Service', 'State', 'PID', 'Ports', 'Memory MiB', 'Log')


@dataclasses.dataclass(frozen=True)
class Service:
    """The process of a service.

    :ivar state: 'ready', 'down', what it is doing, or what is wrong with it
    :ivar pid: process number, or None
    :ivar memory: resident size in bytes
    """
    name: str
    state: str
    pid: int | None
    ports: str
    memory: int
    log: str

    @property
    def ready(self) -> bool:
        return self.state == processes.READY

    def row(self) -> tuple[str, str, int | None, str, int, str]:
        return (self.name, self.state, self.pid, self.ports,
                round(self.memory / 1024 ** 2), self.log)


def services(layout: aio_layout.Layout,
             settings: aio_settings.Settings) -> list[Service]:
    """Return all services, running or not, with their current status."""
    pids = {name: processes.find(layout, name)
            for name in settings.services}
    states = {name: _process_state(layout, name, pid)
              for name, pid in pids.items()}
    if states['keystone'] == processes.READY:
        wrong = health.ask(settings, aio_settings.passwords(layout))
        well = [name for name in settings.services if not wrong[name]]
        wrong.update(probe.complaints(layout, settings, well))
    else:
        # The others cannot check a token without keystone.
        wrong = dict.fromkeys(states, 'needs keystone')
    states.update(
        (name, wrong[name] or state) for name, state in states.items()
        if state == processes.READY)
    return [_service(layout, settings, name, states[name], pids[name])
            for name in settings.services]


def _process_state(layout: aio_layout.Layout, name: str,
                   pid: int | None) -> str:
    if pid is None:
        return 'down'
    if processes.is_stopped(pid):
        return 'stopped by a signal; kill -CONT %d' % pid
    return processes.phase(layout, name, pid) or 'starting'


def _service(layout: aio_layout.Layout, settings: aio_settings.Settings,
             name: str, state: str, pid: int | None) -> Service:
    return Service(
        name=name, state=state, pid=pid,
        ports=' '.join('%s:%d' % (owner, settings.ports[owner])
                       for owner in aio_settings.PORT_OWNERS[name]),
        memory=_memory(name, pid) if pid else 0,
        log=str(layout.log(name)))


def _memory(name: str, pid: int) -> int:
    """Return the bytes in use; RabbitMQ's are those of its children, too."""
    children = (processes.children(pid) if name == aio_settings.OWN_BUS
                else ())
    return sum(map(processes.resident, (pid, *children)))
