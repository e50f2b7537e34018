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

import io

from nova_vmrun.cmd.launch import progress
from tests.unit import base


class Terminal(io.StringIO):

    def isatty(self):
        return True


class ProgressTestCase(base.TestCase):

    def test_end_of_a_transfer_is_always_printed(self):
        stream = io.StringIO()
        shown = progress.Progress(stream)
        for done in range(0, 11 << 20, 1 << 20):
            shown.transfer(done, 10 << 20)
        self.assertEqual(['  0 of 10 MiB, 0 %', '  10 of 10 MiB, 100 %'],
                         stream.getvalue().splitlines())

    def test_unknown_size(self):
        stream = io.StringIO()
        progress.Progress(stream).transfer(3 << 20, None)
        self.assertEqual('  3 MiB\n', stream.getvalue())

    def test_terminal_line_is_rewritten_and_then_ended(self):
        stream = Terminal()
        shown = progress.Progress(stream)
        shown.transfer(0, 1 << 20)
        shown.transfer(1 << 20, 1 << 20)
        shown.line('Done')
        shown.line('Next')
        self.assertEqual(['', '  0 of 1 MiB, 0 %', '  1 of 1 MiB, 100 %\n'
                          'Done\nNext\n'], stream.getvalue().split('\r'))

    def test_wait(self):
        stream = io.StringIO()
        progress.Progress(stream).wait('the guest', 3.7)
        self.assertEqual('  the guest (3 s)\n', stream.getvalue())

    def test_control_characters_are_shown(self):
        stream = io.StringIO()
        progress.Progress(stream).line('a\x1b[2Jb')
        self.assertEqual('a\\x1b[2Jb\n', stream.getvalue())
