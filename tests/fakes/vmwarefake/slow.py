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

"""Work that takes longer the more memory a VM has.

In the products vmware-vmx writes the memory, so the work continues if the tool
is killed. Here a separate process does it.
"""

from __future__ import annotations

import json
import os
import time

from vmwarefake import errors
from vmwarefake import session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from typing import NoReturn
    from vmwarefake import vm as vms


def run(machine: vms.VM, verb: str | None,
        work: abc.Callable[[], object]) -> None:
    """Call ``work`` after the seconds that PER_GB says.

    :param machine: a VM whose lock is held; it stays held until the work is
        done, even if this process is killed.
    :param verb: ``snapshot``, ``suspend`` or ``start``; None for no delay.
    :raises errors.Refused: as ``work`` does.
    """
    knobs = machine.session.knobs
    seconds = verb and (knobs.per_verb('PER_GB', verb)
                        * machine.config.integer('memsize', 32) / 1024)
    if not seconds:
        work()
        return
    reader, writer = os.pipe()
    if not os.fork():
        os.close(reader)
        _work_apart(work, seconds, writer)
    os.close(writer)
    with open(reader, encoding='utf-8') as answer:
        said = answer.read()
    if said:
        raise errors.Refused(*json.loads(said))


def _work_apart(work: abc.Callable[[], object], seconds: float,
                writer: int) -> NoReturn:
    """Detach, do the work, and report errors; never return."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    try:
        time.sleep(seconds)
        work()
    except (errors.Refused, OSError) as e:
        if isinstance(e, OSError):
            e = session.refusal_of(e)
        with open(writer, 'w', encoding='utf-8') as answer:
            json.dump([str(e), e.before, e.after, e.code], answer)
    finally:
        os._exit(0)
