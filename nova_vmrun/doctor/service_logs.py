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

"""What the services' logs on this machine say about a server.

Users and guests influence what is in a log: some messages repeat texts of
theirs. So only the service's own line about this very server counts, and only
a short part of it is repeated.
"""

import dataclasses
import re

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import log_files
from nova_vmrun.doctor import server_facts

# Bytes to read from the end of a log.
_TAIL = 4 * 1024 * 1024
# Characters of a message to repeat.
_MOST = 1000
_START = r'^\S+ \S+ \d+ (?:WARNING|ERROR) '
_DRIVER = (_START + r'nova_vmrun\S* \[[^\]\n]*\] \[instance: %s\] +'
           r'(\S.{,%d})')
_REFUSAL = (_START + r'nova_vmrun\.ml2\S* \[[^\]\n]*\] Port \S+ of server '
            r'%s in project %s cannot be bound on host (\S+): (\S.{,%d})')
_ELSEWHERE = re.compile(
    r'the network \S+ is on host (\S+(?:, \S+)*), and a network of type local')


@dataclasses.dataclass(frozen=True)
class Said:
    """What the logs say.

    :ivar instances: folder of the servers, if the server may be on this
        machine
    :ivar logged: what the driver has logged about it last
    :ivar refusal: why the mechanism driver did not bind its port last
    """

    instances: str | None = None
    logged: str = ''
    refusal: server_facts.Refusal | None = None


def read(layout: aio_layout.Layout, server_id: str, project_id: str) -> Said:
    """Return what the logs say about a server of the control plane here.

    :param project_id: of the server
    """
    if not layout.exists:
        return Said()
    refusal = _refusal(_text(layout, 'neutron'), server_id, project_id)
    # With a message bus, the driver is in a process of its own.
    text = _text(layout, 'nova', 'compute')
    if server_id not in text:
        return Said(refusal=refusal)
    found = re.findall(_DRIVER % (re.escape(server_id), _MOST), text,
                       re.MULTILINE)
    return Said(str(layout.instances), found[-1] if found else '', refusal)


def _refusal(text: str, server_id: str,
             project_id: str) -> server_facts.Refusal | None:
    found = re.findall(_REFUSAL % (
        re.escape(server_id), re.escape(project_id), _MOST), text,
        re.MULTILINE)
    if not found:
        return None
    host, message = found[-1]
    elsewhere = _ELSEWHERE.match(message)
    return server_facts.Refusal(
        host, message.partition('. ')[0].rstrip('.') + '.',
        tuple(elsewhere.group(1).split(', ')) if elsewhere else ())


def _text(layout: aio_layout.Layout, *services: str) -> str:
    return '\n'.join(line for service in services for line in
                     log_files.tail(layout.log(service), size=_TAIL))
