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

import dataclasses

from nova_vmrun.doctor import refusal_questions
from nova_vmrun.doctor import steps
from nova_vmrun.host import product
from tests.unit import base
from tests.unit.doctor import tiny_vms

_LOG = 'reason of a refused start in the log'
_PLAYER = 'pause, snapshot and clone on Player'


class RefusalQuestionsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.tiny = self.useFixture(tiny_vms.TinyVMs())

    def ask(self, name):
        questions = {question.name: question for question in
                     refusal_questions.RefusalQuestions(self.tiny.vms).all()}
        return questions[name].ask()

    def refuse_start(self, line):
        run = self.tiny.programs.run

        def run_and_log(*argv, **options):
            if 'start' in argv:
                self.tiny.write_log('refused', line)
            return run(*argv, **options)

        self.tiny.programs.refused = 'start'
        self.tiny.programs.run = run_and_log
        return self.ask(_LOG)

    def test_log_with_the_reason(self):
        line = "Cannot open the disk 'missing.vmdk'."
        answer = self.refuse_start(line + '\nElse.\n')
        self.assertTrue(answer.is_yes)
        self.assertEqual((line,), answer.evidence)

    def test_log_without_the_reason(self):
        self.assertFalse(self.refuse_start('Else.\n').is_yes)

    def test_start_without_the_disk(self):
        self.assertRaises(steps.NotAsked, self.ask, _LOG)

    def test_other_products(self):
        error = self.assertRaises(steps.NotAsked, self.ask, _PLAYER)
        self.assertEqual('this is not Player.', str(error))

    def use_player(self):
        self.tiny.vms.product = dataclasses.replace(
            self.tiny.vms.product, kind=product.PLAYER)

    def test_player_that_refuses(self):
        self.use_player()
        vmrun = self.tiny.programs._vmrun
        self.tiny.programs._vmrun = lambda *words: (
            None if words[2] in ('pause', 'unpause', 'snapshot', 'clone')
            else vmrun(*words))
        self.assertEqual((True, ''), dataclasses.astuple(
            self.ask(_PLAYER))[:2])
        self.assertEqual([], self.tiny.programs.running)

    def test_player_that_can(self):
        self.use_player()
        self.tiny.programs.refused = 'clone'
        answer = self.ask(_PLAYER)
        self.assertFalse(answer.is_yes)
        self.assertEqual('It accepts pause, unpause, snapshot.', answer.text)
