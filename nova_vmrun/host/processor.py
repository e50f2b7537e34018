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

"""Who made the host's processor, and what it can."""

import dataclasses

from nova_vmrun import system


@dataclasses.dataclass(frozen=True)
class Processor:
    """The first of the host's processors; the others are the same.

    :ivar vendor: GenuineIntel, or None
    :ivar model: as its maker calls it, or None
    :ivar flags: names of features, as Linux has them
    :ivar sockets: how many such processors there are
    """

    vendor: str | None = None
    model: str | None = None
    flags: frozenset = frozenset()
    sockets: int = 1


def read(path: str | None = None) -> Processor:
    """Returns the host's Processor.

    :param path: of a file like Linux's /proc/cpuinfo; None: what this system
        has. Where there is none, the maker and the model may be known.
    """
    path = path or system.here().processor_file
    if path is None:
        return Processor(*system.here().processor())
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            lines = [line.partition(':')[::2] for line in file]
    except OSError:
        return Processor()
    facts, sockets = {}, set()
    for name, value in lines:
        name, value = name.strip(), value.strip()
        facts.setdefault(name, value)
        if name == 'physical id':
            sockets.add(value)
    return Processor(facts.get('vendor_id'), facts.get('model name'),
                     frozenset(facts.get('flags', '').split()),
                     len(sockets) or 1)
