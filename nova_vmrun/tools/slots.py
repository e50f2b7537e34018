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

"""How many vmrun commands run at the same time.

VMware's own work takes a slot: it ends in the time that the product and the
disks need. Waiting for a guest takes none, because a guest decides for itself
how long it keeps the host waiting. Those waits are bounded for each VM
instead.
"""

from collections.abc import Iterator
import contextlib
import threading

from nova_vmrun import exception


class Slots:
    """The slots of one host.

    Long commands write gigabytes. They leave one slot to the short ones, so
    that a few large snapshots do not hold up everybody's stop and delete.

    :param number: of commands that may run at once; with 1, a long command
        holds up a short one
    """

    def __init__(self, number: int) -> None:
        self._all = threading.BoundedSemaphore(number)
        self._long = threading.BoundedSemaphore(max(1, number - 1))

    @contextlib.contextmanager
    def short(self) -> Iterator[None]:
        """Waits for a slot and holds it."""
        with self._all:
            yield

    @contextlib.contextmanager
    def long(self) -> Iterator[None]:
        """Waits for a slot that a long command may take, and holds it."""
        with self._long, self._all:
            yield


class GuestWaits:
    """The waits for guests: one of a kind for each VM, however many VMs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waits: set[tuple[str, str]] = set()

    @contextlib.contextmanager
    def only(self, verb: str, vmx: str) -> Iterator[None]:
        """Lets one caller wait for a guest.

        :param verb: what the guest is asked for
        :param vmx: path
        :raises GuestBusy: it is being asked already
        """
        wait = verb, vmx
        with self._lock:
            if wait in self._waits:
                raise exception.GuestBusy(
                    'The guest is being asked already: vmrun %s %s.' % wait,
                    resolution='Wait until it has answered.')
            self._waits.add(wait)
        try:
            yield
        finally:
            with self._lock:
                self._waits.discard(wait)
