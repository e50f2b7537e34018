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

"""Kill the Cinder driver at every step, or cut the power there.

After each crash cinder-volume starts, and the operation is repeated or given
up.
"""

import copy
import json
import os
import shutil

import fixtures
import testscenarios
import testtools

from nova_vmrun.host import files
from tests.crash import enumeration
from tests.crash import forked
from tests.crash import operation
from tests.crash import steps
from tests.crash import test_every_step
from tests.crash import volume_operations

load_tests = testscenarios.load_tests_apply_scenarios


def _operations():
    return sorted(
        (each for each in vars(volume_operations).values()
         if isinstance(each, type) and
         issubclass(each, volume_operations.Operation) and
         each is not volume_operations.Operation and
         not each.__name__.startswith('_')), key=lambda each: each.__name__)


class VolumesTestCase(testtools.testcase.WithAttributes, testtools.TestCase):

    scenarios = [(each.__name__, {'operation_class': each})
                 for each in _operations()]

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        self.world = volume_operations.World(self.root)
        self.addCleanup(lambda: self.world.end())
        self.operation = self.operation_class()
        self.operation.prepare(self.world)
        self.world.end()
        self._kept = os.path.join(self.root, 'kept')
        self._copy_files(self.world.path, self._kept)
        # What an operation notes about itself is forgotten, too.
        self._template = self.operation, list(self.world.known)

    def _copy_files(self, source, target):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, copy_function=lambda one, other: (
            files.copy(one, other), shutil.copystat(one, other)))

    def _bring_back(self):
        self.world.end()
        self._copy_files(self._kept, self.world.path)
        self.operation = copy.copy(self._template[0])
        self.world.known = list(self._template[1])

    def _run(self, moment):
        def run_watched(report):
            watch = steps.Watch((self.world.path,), report, moment)
            # Starting is a part of one operation only.
            if self.operation_class is not volume_operations.Start:
                self.world.start()
            watch.begin()
            self.operation.run(self.world)

        return forked.run(run_watched, os.path.join(self.root, 'report'))

    def _enumerate(self):
        """Run the operation to its end; return its steps."""
        self._bring_back()
        before = enumeration.picture((self.world.path,))
        through, told = self._run(None)
        self.assertTrue(through)
        self.assertEqual([], enumeration.unexplained(
            before, enumeration.picture((self.world.path,)), told,
            lambda path: False))
        self.world.start()
        self.operation.check(self.world)
        self.world.require_no_others()
        return [each for each in told if 'what' in each]

    def _moments(self, told):
        for number, step in enumerate(told, 1):
            yield steps.Moment(number)
            if step['what'] == 'started':
                yield steps.Moment(number, 1)

    @testtools.testcase.attr('sample')
    def test_every_step(self):
        told = self._enumerate()
        tried, losses = 0, []
        for moment in self._moments(told):
            for cuts_power in (False, True):
                for repeats in (False, True):
                    tried += 1
                    try:
                        self._try(moment, cuts_power, repeats)
                    except Exception as error:
                        losses.append('%s, %s, %s, %s, %s: %s' % (
                            self.operation_class.__name__, moment,
                            told[moment.number - 1], cuts_power, repeats,
                            error))
        self._keep_figures(tried, len(losses))
        self.assertEqual([], losses, '\n'.join(losses))
        self.assertGreater(tried, 0)

    def _try(self, moment, cuts_power, repeats):
        self._bring_back()
        durable = {os.lstat(path).st_ino
                   for path in steps.walk((self.world.path,))}
        through, told = self._run(moment)
        operation.require(not through, 'it was not killed')
        if cuts_power:
            for fact in told:
                durable.update(fact.get('durable', ()))
            for path in steps.walk((self.world.path,)):
                if os.lstat(path).st_ino not in durable:
                    os.truncate(path, os.path.getsize(path) // 2)
        self.world.start()
        self.operation.check_started(self.world)
        self.world.require_no_others()
        if repeats:
            self.operation.repeat(self.world)
            self.operation.check(self.world)
        else:
            self.operation.give_up(self.world)
        self.world.require_no_others()
        for each in list(self.world.known):
            self.world.delete(each)
        operation.require_equal([], os.listdir(self.world.path), 'leaks')

    def _keep_figures(self, tried, losses):
        folder = os.environ.get(test_every_step.FIGURES)
        if folder:
            with open(os.path.join(folder, self.id()), 'w') as file:
                json.dump({'operation': 'volumes: %s' % (
                    self.operation_class.__name__), 'tries': tried,
                    'losses': losses}, file)
