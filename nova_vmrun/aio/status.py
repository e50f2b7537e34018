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

"""What runs, where, and how much memory it takes."""

import dataclasses

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings

COLUMNS = ('Service', 'State', 'PID', 'Ports', 'Memory MiB', 'Log')


@dataclasses.dataclass(frozen=True)
class Service:
    """One process.

    :param state: what it says that it does: 'ready', or 'down'
    :param pid: process number, or None
    :param memory: resident size in bytes
    """
    name: str
    state: str
    pid: int | None
    ports: str
    memory: int
    log: str

    @property
    def ready(self):
        return self.state == processes.READY

    def row(self):
        return (self.name, self.state, self.pid, self.ports,
                round(self.memory / 1024 ** 2), self.log)


def services(layout, settings):
    """All services, running or not.

    :returns: list of Service
    """
    return [_service(layout, settings, name) for name in aio_layout.SERVICES]


def _service(layout, settings, name):
    pid = processes.find(layout, name)
    return Service(
        name=name,
        state=(processes.phase(layout, name, pid) or 'starting'
               if pid else 'down'),
        pid=pid,
        ports=' '.join('%s:%d' % (owner, settings.ports[owner])
                       for owner in aio_settings.PORT_OWNERS[name]),
        memory=processes.resident(pid) if pid else 0,
        log=str(layout.log(name)))
