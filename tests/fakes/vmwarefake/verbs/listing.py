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

"""list: the running VMs. Clients call it most, so it must be fast."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import session as sessions
    from vmwarefake import state as states


def list_running(session: sessions.Session, words: list[str]) -> None:
    """Print the VMs that run or are paused, and clean up records."""
    running = []
    for record in session.state.records():
        if record.data.get('phase') in ('starting', 'on'):
            _settle_unless_busy(session, record)
        if record.process():
            running.append(record.vmx)
        elif not os.path.exists(record.vmx):
            _forget_if_gone(record)
    session.line('Total running VMs: %d' % len(running))
    for vmx in running:
        session.line(vmx)


def _settle_unless_busy(session: sessions.Session,
                        record: states.Record) -> None:
    """Settle a VM whose process has ended or whose start was killed."""
    if record.process() and record.data['phase'] == 'on':
        return
    with record.lock(wait=False) as held:
        if not held:
            return
        from vmwarefake import vm
        vm.VM(session, record.vmx).adopt()


def _forget_if_gone(record: states.Record) -> None:
    """Remove the record of a VM whose folder is gone."""
    with record.lock(wait=False) as held:
        if held and not record.process() and not os.path.exists(record.vmx):
            record.forget()
