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

"""Open questions about what a product refuses, and how it says so."""

import contextlib

from nova_vmrun.doctor import steps
from nova_vmrun.doctor import trial_vms
from nova_vmrun import exception
from nova_vmrun.host import product

_MISSING = 'missing.vmdk'


class RefusalQuestions:
    """Open questions about refusals.

    :param vms: whose disks have been made
    """

    def __init__(self, vms: trial_vms.TrialVMs) -> None:
        self._vms = vms

    def all(self) -> list[steps.Question]:
        """Return the questions, in the order in which to ask them."""
        return [steps.Question('reason of a refused start in the log', (17,),
                               self._start_without_disk),
                steps.Question('pause, snapshot and clone on Player', (27,),
                               self._use_player)]

    def _start_without_disk(self) -> steps.Answer:
        name = 'refused'
        self._vms.write(name, trial_vms.volume_settings(_MISSING))
        before = self._vms.moment(name)
        try:
            self._vms.run('start', name, 'nogui')
        except exception.VmrunError:
            found = self._vms.evidence(name, before, _MISSING)
            return steps.Answer(
                bool(found), '' if found else
                'vmware.log does not name the disk that is missing.', found)
        raise steps.NotAsked('the VM starts without its disk.')

    def _use_player(self) -> steps.Answer:
        if self._vms.product.kind != product.PLAYER:
            raise steps.NotAsked('this is not Player.')
        name = 'player'
        self._vms.write(name, {})
        self._vms.start(name)
        accepted = []
        for verb, *words in (
                ('pause',), ('unpause',), ('snapshot', trial_vms.PREFIX),
                ('clone', self._vms.vmx_path('clone'), 'full')):
            if verb == 'clone':
                # No product clones a VM that runs.
                self._vms.stop(name)
            with contextlib.suppress(exception.VmrunError):
                self._vms.run(verb, name, *words)
                accepted.append(verb)
        return steps.Answer(
            not accepted, 'It accepts %s.' % ', '.join(accepted)
            if accepted else '')
