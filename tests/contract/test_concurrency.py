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

"""Concurrent calls leave a consistent state."""

import concurrent.futures
import json
import os
import random
import shutil

from tests.contract import base
from tests.contract import vmx

VMS = 20
CALLS = 200
WORKERS = 12
_SAY_NO = (
    'Error: The virtual machine is not powered on: ',
    'Error: The virtual machine should not be powered on. ',
    'Error: The virtual machine is paused: ',
    'Error: A snapshot with the name already exists',
    'Error: The snapshot does not exist',
    'Error: The file is already in use')


@base.fakes_only
class ConcurrencyTest(base.ContractCase):

    def make_many(self):
        first = self.make_vm('vm0')
        machines = [first]
        for n in range(1, VMS):
            machine = vmx.VM(self, self.path('vm%d' % n), 'vm0')
            shutil.copytree(first.folder, machine.folder)
            machines.append(machine)
        return machines

    def test_200_calls_on_20_vms(self):
        machines = self.make_many()
        dice = random.Random(20)
        verbs = (('start', 'nogui'), ('stop', 'hard'), ('stop', 'soft'),
                 ('suspend',), ('pause',), ('unpause',), ('reset', 'hard'),
                 ('snapshot', 's'), ('deleteSnapshot', 's'),
                 ('listSnapshots',))
        work = []
        for n in range(CALLS):
            verb = dice.choice(verbs) if n % 4 else ('start', 'nogui')
            machine = dice.choice(machines)
            work.append((verb[0], machine.vmx) + verb[1:]
                        if n % 10 else ('list',))
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            results = list(pool.map(lambda words: self.vmrun(*words), work))
        for result in results:
            self.assertIn(result.rc, (0, 255), result)
            self.assertEqual('', result.err)
            if result.rc:
                self.assertTrue(result.out.startswith(_SAY_NO), result)
        self._check(machines)

    def _check(self, machines):
        listed = self.list()
        self.assertEqual(len(listed), len(set(listed)))
        for machine in machines:
            on = machine.vmx in listed
            locked = 'vm0.vmx.lck' in machine.files()
            self.assertEqual(on, locked, machine.files())
            self.assertEqual(0, self.vmrun('listSnapshots', machine.vmx).rc)
            self.assertEqual('Disk chain is consistent.\n', self.vdisk(
                '-e', machine.path(machine.get('scsi0:0.fileName'))).out)
        with open(os.path.join(self.state, 'calls.jsonl')) as f:
            calls = [json.loads(line) for line in f]
        self.assertTrue(len(calls) > CALLS)
        self.assertEqual([], [c for c in calls if c['rc'] is None])

    def test_starts_of_one_vm_at_once(self):
        machine = self.make_vm(disk=False)
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            results = list(pool.map(lambda _: self.vmrun(
                'start', machine.vmx, 'nogui').rc, range(6)))
        self.assertEqual([0] * 6, results)
        self.assertEqual([machine.vmx], self.list())
        with open(machine.path('vmware.log')) as f:
            self.assertEqual(1, f.read().count('Log for VMware'))

    def test_clones_of_one_source_at_once(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            results = list(pool.map(lambda n: self.vmrun(
                'clone', machine.vmx, self.path('c%d' % n, 'c.vmx'),
                'linked', '-snapshot=s').rc, range(6)))
        self.assertEqual([0] * 6, results)
        self.assertEqual('6', machine.vmsd()['snapshot0.numclones'])
