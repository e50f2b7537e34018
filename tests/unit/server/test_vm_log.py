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

import os

import fixtures

from nova_vmrun.host import files
from nova_vmrun.server import vm_log
from tests.unit import base

DASHES = 'x ----------------------------------------'
MOVED = ('Msg_Question:', '[msg.uuid.altered] It was moved or copied.',
         'If you are not sure, answer "I copied it".', DASHES)


class Base(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = self.useFixture(fixtures.TempDir()).path + '/vmware.log'

    def read(self, *lines, since=None):
        files.write_atomically(self.path, '\n'.join(lines).encode('latin-1'))
        return vm_log.read(self.path, since)


class CauseTestCase(Base):

    def test_errors(self):
        self.assertEqual('first second', self.read(
            'start', 'x Msg_Post: Error', 'first', DASHES,
            'more', 'x Msg_Post: Error', 'second', DASHES,
            'the end').cause)

    def test_prefixes_of_messages_are_left_out(self):
        for head in ('2026-01-01T00:00:01.123Z In(05) vmx ',
                     '2026-01-01T00:00:01.123Z In(05)+ vmx ',
                     '2018-01-01T00:00:00.000+01:00| vmx| I125: '):
            found = self.read('%sMsg_Post: Error' % head,
                              '%s[msg.disk.noBackEnd] No disk.' % head,
                              '%sNo more.' % head, '%s--------------' % head)
            self.assertEqual('No disk. No more.', found.cause)

    def test_a_message_that_the_end_of_the_log_cuts(self):
        self.assertEqual('No disk.', self.read(
            'Msg_Post: Error', '[msg.disk.noBackEnd] No disk.').cause)

    def test_without_one_there_is_no_cause(self):
        found = self.read('one', 'two')
        self.assertEqual(('', '', ''),
                         (found.cause, found.question, found.hint))

    def test_a_long_message_is_cut(self):
        found = self.read('Msg_Post: Error', 'x' * 10000, DASHES)
        self.assertEqual(504, len(found.cause))


class SettingsTestCase(Base):

    def test_keys_of_an_encrypted_vm_are_masked(self):
        found = self.read(
            '2026-01-01T00:00:01.123Z In(05) vmx DICT --- CONFIGURATION',
            '2026-01-01T00:00:01.123Z In(05) vmx DICT     '
            'encryption.keySafe = "vmware:key/list/(sesame)"',
            'DICT vtpm.ekCRT = "sesame"', 'DICT guestOS = "windows11-64"')
        self.assertNotIn('sesame', found.text + found.last_words)
        self.assertIn('encryption.keySafe = ***', found.last_words)
        self.assertIn('DICT guestOS = "windows11-64"', found.last_words)


class QuestionTestCase(Base):

    def test_one_without_an_answer(self):
        self.assertEqual(
            'It was moved or copied. If you are not sure, answer "I copied '
            'it".', self.read('start', *MOVED, 'more').question)

    def test_one_that_is_the_last_thing_in_the_log(self):
        self.assertIn('moved or copied', self.read(*MOVED[:-1]).question)

    def test_one_with_an_answer(self):
        for reply in ('MsgQuestion: msg.uuid.altered reply=1',
                      'Msg_Question: msg.uuid.altered reply=default'):
            self.assertEqual('', self.read(*MOVED, reply).question)

    def test_an_answer_to_another_question(self):
        found = self.read(*MOVED, 'MsgQuestion: msg.serial.file.open reply=0')
        self.assertIn('moved or copied', found.question)

    def test_hints_and_warnings(self):
        for head in ('Msg_Hint: msg.floppy.nodevice (sent)', 'Msg_Hint:',
                     'Msg_Post: Warning'):
            self.assertEqual('No floppy.', self.read(
                head, '[msg.floppy.nodevice] No floppy.', DASHES).hint)

    def test_a_hint_without_an_end_hides_no_error(self):
        found = self.read('Msg_Hint: msg.a (not shown)', 'Msg_Post: Error',
                          'No disk.', DASHES)
        self.assertEqual('No disk.', found.cause)


class SinceTestCase(Base):

    def test_earlier_messages_are_left_out(self):
        self.read('Msg_Post: Error', 'old', DASHES)
        mark = vm_log.mark(self.path)
        self.assertEqual('', vm_log.read(self.path, mark).text)
        with open(self.path, 'a') as file:
            file.write('\nMsg_Post: Error\nnew\n')
        self.assertEqual('new', vm_log.read(self.path, mark).cause)

    def test_rotated_log_is_read_from_its_start(self):
        self.read('a')
        mark = vm_log.mark(self.path)
        os.rename(self.path, self.path + '-0')
        self.assertEqual('b' * 80, self.read('b' * 80, since=mark).text)

    def test_a_log_that_became_shorter_counts_whole(self):
        self.read('a' * 80)
        mark = vm_log.mark(self.path)
        with open(self.path, 'w') as file:
            file.write('b')
        self.assertEqual('b', vm_log.read(self.path, mark).text)

    def test_no_log(self):
        self.assertIsNone(vm_log.mark(self.path))
        self.assertEqual('', vm_log.read(self.path).text)
        self.assertEqual('one', self.read('one', since=None).text)

    def test_of_a_long_log_the_end_is_read(self):
        found = self.read('a' * (3 << 20), 'Msg_Post: Error', 'the end')
        self.assertEqual('the end', found.cause)
        self.assertEqual('Msg_Post: Error\nthe end', found.text)


class LastWordsTestCase(Base):

    def test_the_last_lines(self):
        lines = ['line %d' % number for number in range(40)]
        self.assertEqual('\n'.join(lines[-12:]), self.read(*lines).last_words)

    def test_a_log_in_another_encoding(self):
        found = self.read('Gr\xfc\xdfe')
        self.assertEqual('Gr\ufffd\ufffde', found.last_words)


class GuestTestCase(Base):
    """What a guest makes VMware log is none of VMware's own messages."""

    def test_its_lines_are_left_out(self):
        for head in ('2026-01-01T00:00:01.123Z In(05) vcpu-0 ',
                     '2026-01-01T00:00:01.123Z In(05)+ vcpu-11 ',
                     '2026-01-01T00:00:01.123Z In(05) vmx Guest: ',
                     '2018-01-01T00:00:00.000+01:00| vcpu-0| I125: ',
                     '2018-01-01T00:00:00.000+01:00| vcpu-0| I125+ '):
            found = self.read(
                '%sMsg_Post: Error' % head, '%s[msg.a] Run this.' % head,
                'what comes in the same message', '%s---------' % head)
            self.assertEqual(('', '', ()),
                             (found.cause, found.text, found.messages))

    def test_they_do_not_end_what_vmware_says(self):
        head = '2026-01-01T00:00:01.123Z In(05) '
        found = self.read(
            head + 'vmx Msg_Post: Error', head + 'vcpu-0 Guest: -----------',
            head + 'vmx No disk.', head + 'vmx ----------------')
        self.assertEqual('No disk.', found.cause)

    def test_only_a_line_break_ends_a_line(self):
        for end in ('\r', '\x0b', '\x1c', '\x85', '\u2028'):
            files.write_atomically(
                self.path,
                '2026-01-01T00:00:01.123Z In(05) vcpu-0 Guest: x%s'
                '2026-01-01T00:00:01.123Z In(05) vmx Msg_Post: Error%s'
                'forged\n' % (end, end))
            self.assertEqual('', vm_log.read(self.path).text.strip())

    def test_no_control_characters_reach_an_error(self):
        found = self.read('x Msg_Post: Error', 'a\x1b[2Jb\x00c', DASHES)
        self.assertEqual('a [2Jb c', found.cause)
        self.assertEqual('a [2Jb c', found.last_words.split('\n')[1])

    def test_long_lines_are_cut(self):
        self.assertLess(len(self.read('a' * 9999).last_words), 600)

    def test_the_rest_of_a_line_is_nobodys(self):
        found = self.read(
            '2026-01-01T00:00:01.123Z In(05) vcpu-0 Guest: ' +
            'Msg_Post: Error ' * (3 << 16), 'x the end')
        self.assertEqual(('', 'x the end'), (found.cause, found.text))
