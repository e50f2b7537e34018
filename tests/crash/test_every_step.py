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

"""nova-compute is killed, or the power is cut, at every step.

After each crash the operation is repeated or the server is deleted.
"""

import dataclasses
import json
import os

import fixtures
from nova import test
import testscenarios
import testtools

from tests.crash import builds
from tests.crash import enumeration
from tests.crash import evacuations
from tests.crash import freezes
from tests.crash import host as hosts
from tests.crash import images
from tests.crash import interfaces
from tests.crash import invariants
from tests.crash import operation
from tests.crash import power
from tests.crash import rescues
from tests.crash import resizes
from tests.crash import starts
from tests.crash import steps
from tests.crash import tidiness
from tests.crash import volumes

load_tests = testscenarios.load_tests_apply_scenarios
# The folder for the figures of each test; see run.py.
FIGURES = 'NOVA_VMRUN_CRASH_FIGURES'
# One try in this many is in the sample.
_SAMPLE = 23

_MODULES = (builds, evacuations, freezes, images, interfaces, power, rescues,
            resizes, starts, volumes)


def operations_of(*modules):
    """Return the operations in some modules."""
    found = [each for module in modules
             for each in vars(module).values()
             if isinstance(each, type) and
             issubclass(each, operation.Operation) and
             not each.__name__.startswith('_')]
    return sorted(set(found) - {operation.Operation},
                  key=lambda each: each.__name__)


@dataclasses.dataclass(frozen=True)
class Try:
    """One crash, and what comes after it.

    :ivar cuts_power: whether VMs and tools end too
    :ivar deletes: whether the server is deleted, not the operation repeated
    """

    moment: steps.Moment
    cuts_power: bool
    deletes: bool

    def __str__(self):
        return '%s at %s%s, then %s' % (
            'power cut' if self.cuts_power else 'killed', self.moment.number,
            '.%d' % self.moment.inside if self.moment.inside else '',
            'deleted' if self.deletes else 'repeated')


class EveryStepTestCase(testtools.testcase.WithAttributes, test.NoDBTestCase):

    REQUIRES_LOCKING = True

    scenarios = [(each.__name__, {'operation_class': each})
                 for each in operations_of(*_MODULES)]

    def setUp(self):
        super().setUp()
        self.host = self.useFixture(hosts.Host(
            self, self.operation_class.storage))
        self.operation = self.operation_class()
        self.invariants = invariants.Invariants(self.host)
        self.operation.prepare(self.host)
        self.host.keep()
        # There is no database.
        self.useFixture(fixtures.MonkeyPatch(
            'nova.objects.Instance.save', lambda *_, **__: None))
        self.steps = self._steps()

    def _steps(self):
        """Run the operation to its end; return what its steps were."""
        self.host.bring_back()
        self.operation.before(self.host)
        before = self.host.picture(), len(self.host.vmware.calls())
        through, told = self.host.run(self.operation.run)
        self.assertTrue(through)
        self._check_enumeration(told, *before)
        calls = {call['pid']: call['steps']
                 for call in self.host.vmware.calls()}
        self.operation.complete(self.host)
        self.operation.check(self.host)
        self.invariants.check_tidy()
        self.changes_inside = [calls.get(each['pid'], 1) for each in told
                               if each.get('what') == 'ended']
        return [each for each in told if 'what' in each]

    def _check_enumeration(self, told, picture, calls):
        self.assertEqual([], enumeration.unexplained(
            picture, self.host.picture(), told, tidiness.is_vmwares))
        self.assertEqual(len(self.host.vmware.calls()) - calls,
                         enumeration.programs(told))

    @testtools.testcase.attr('sample')
    def test_some_steps(self):
        self.try_all(lambda number: number % _SAMPLE == 0)

    def test_all_other_steps(self):
        self.try_all(lambda number: number % _SAMPLE)

    def try_all(self, is_chosen):
        tried, losses = 0, []
        for number, each in enumerate(self._tries()):
            if is_chosen(number):
                tried += 1
                losses += self._try(each)
        self._keep_figures(tried, len(losses))
        self.assertEqual([], losses, '\n'.join(losses))

    def _tries(self):
        """Yield two crashes for each moment, with alternating sequels."""
        for number, moment in enumerate(self._moments()):
            for cuts_power in (False, True):
                yield Try(moment, cuts_power, cuts_power == bool(number % 2))

    def _moments(self):
        changes_inside = iter(self.changes_inside)
        for number, step in enumerate(self.steps, 1):
            yield steps.Moment(number)
            if step['what'] == 'started':
                for inside in range(next(changes_inside)):
                    yield steps.Moment(number, inside + 1)

    def _try(self, each):
        """Try one crash; return what was lost, a list of texts."""
        try:
            self._crash(each)
            self._go_on(each)
        except Exception as error:
            step = self.steps[each.moment.number - 1]
            return ['%s, %s (%s): %s' % (
                type(self.operation).__name__, each,
                ' '.join([step['what'], *step['words']]).replace(
                    self.host.root + os.sep, ''), error)]
        return []

    def _crash(self, each):
        self.host.bring_back()
        self.operation.before(self.host)
        durable = {inode for _path, inode in self.host.inodes()}
        through, told = self.host.run(self.operation.run, each.moment)
        operation.require(not through, 'it was not killed')
        if each.cuts_power:
            for fact in told:
                durable.update(fact.get('durable', ()))
            self.host.cut_power(durable)
        else:
            self.host.wait_for_tools()

    def _go_on(self, each):
        self.host.restart()
        self.operation.start(self.host)
        self.operation.check_started(self.host)
        self.invariants.check_tidy()
        if not each.deletes:
            self.operation.repeat(self.host)
            self.operation.complete(self.host)
            self.operation.check(self.host)
            self.invariants.check_tidy()
        self.operation.delete(self.host)
        self.invariants.check_nothing_left()

    def _keep_figures(self, tried, losses):
        folder = os.environ.get(FIGURES)
        if folder:
            with open(os.path.join(folder, self.id()), 'w') as file:
                json.dump({'operation': self.operation_class.__name__,
                           'tries': tried, 'losses': losses}, file)
