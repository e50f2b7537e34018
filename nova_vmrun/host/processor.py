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

"""The vendor, model and features of the host's processor."""

import dataclasses

from nova_vmrun import system


@dataclasses.dataclass(frozen=True)
class Processor:
    """The host's processors, which are all the same.

    :ivar vendor: such as GenuineIntel, or None
    :ivar model: the vendor's name of it, or None
    :ivar flags: names of features, as in /proc/cpuinfo
    :ivar sockets: number of such processors
    """

    vendor: str | None = None
    model: str | None = None
    flags: frozenset[str] = frozenset()
    sockets: int = 1


def read(path: str | None = None) -> Processor:
    """Read the system's information about its processors.

    :param path: a file like Linux's /proc/cpuinfo; None: the one of this
        system. A system without such a file has at most vendor and model.
    """
    path = path or system.here().processor_file
    if path is None:
        return Processor(*system.here().processor())
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            lines = [line.partition(':')[::2] for line in file]
    except OSError:
        return Processor()
    facts: dict[str, str] = {}
    sockets = set()
    for name, value in lines:
        name, value = name.strip(), value.strip()
        facts.setdefault(name, value)
        if name == 'physical id':
            sockets.add(value)
    return Processor(facts.get('vendor_id'), facts.get('model name'),
                     frozenset(facts.get('flags', '').split()),
                     len(sockets) or 1)
