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

"""Limits on how many vmrun commands run at the same time.

Work done by VMware itself takes a slot: how long it takes depends on the
product and the disks. Waiting for a guest takes none, because the guest
decides how long the host has to wait. The number of those waits is limited
per VM instead.
"""

from collections.abc import Iterator
import contextlib
import threading

from nova_vmrun import exception


class Slots:
    """The slots of one host.

    Long commands write gigabytes. They leave one slot for short commands, so
    that a few large snapshots do not block every stop and delete.

    :param number: how many commands may run at once; with 1, a long command
        blocks short ones
    """

    def __init__(self, number: int) -> None:
        self._all = threading.BoundedSemaphore(number)
        self._long = threading.BoundedSemaphore(max(1, number - 1))

    @contextlib.contextmanager
    def short(self) -> Iterator[None]:
        """Wait for a slot and hold it."""
        with self._all:
            yield

    @contextlib.contextmanager
    def long(self) -> Iterator[None]:
        """Wait for a slot that a long command may take, and hold it."""
        with self._long, self._all:
            yield


class GuestWaits:
    """Commands that wait for guests: at most one of each verb per VM."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waits: set[tuple[str, str]] = set()

    @contextlib.contextmanager
    def claim(self, verb: str, vmx: str) -> Iterator[None]:
        """Let one caller at a time run a verb that waits for a guest.

        :param verb: of vmrun
        :param vmx: path
        :raises GuestBusy: the verb is already running on this VM
        """
        wait = verb, vmx
        with self._lock:
            if wait in self._waits:
                raise exception.GuestBusy(
                    'The guest has not yet answered an earlier request: '
                    'vmrun %s %s.' % wait,
                    resolution='Wait until it answers.')
            self._waits.add(wait)
        try:
            yield
        finally:
            with self._lock:
                self._waits.discard(wait)
