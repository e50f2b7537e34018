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

"""list: which VMs run. The call that clients make most, so kept light."""

import os


def list_running(session, words):
    """Print the VMs that run or are paused, and tidy up on the way."""
    running = []
    for record in session.state.records():
        if record.data.get('phase') in ('starting', 'on'):
            _settle_unless_busy(session, record)
        if record.process():
            running.append(record.vmx)
        elif not os.path.exists(record.vmx):
            _prune(record)
    session.line('Total running VMs: %d' % len(running))
    for vmx in running:
        session.line(vmx)


def _settle_unless_busy(session, record):
    """Put a VM in order whose process has ended, or whose start was cut."""
    if record.process() and record.data['phase'] == 'on':
        return
    with record.lock(wait=False) as held:
        if not held:
            return
        from vmwarefake import vm
        vm.VM(session, record.vmx).adopt()


def _prune(record):
    """Forget a VM whose folder was removed."""
    with record.lock(wait=False) as held:
        if held and not record.process() and not os.path.exists(record.vmx):
            record.forget()
