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


import ast
import fcntl
import io
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

from nova_vmrun.aio.demo import terminal
from tests.unit import base

_QUERY, _END = b'\x1b[c', b'c'
# Prints what it was answered, and whether the terminal is as before.
_PROGRAM = """
import os, select, sys, termios
from nova_vmrun.aio.demo import terminal
if sys.argv[2] == 'background' and os.fork():
    os.wait()
    sys.exit()
if sys.argv[2] == 'background':
    os.setpgrp()
before = termios.tcgetattr(0) if os.isatty(0) else None
answer = terminal.ask(sys.stdin, %r, lambda text: text.endswith(%r),
                      float(sys.argv[1]))
after = termios.tcgetattr(0) if before else None
waiting = before and os.read(0, 99) if sys.argv[2] == 'typing' else (
    before and select.select([0], [], [], 0)[0])
print(repr((answer, before == after, waiting or None)))
""" % (_QUERY, _END)


class AskTestCase(base.TestCase):

    def ask(self, answer, seconds=20, how='', typed=b'', has_terminal=True,
            is_controlling=True):
        """Run a program in a terminal.

        :param answer: called with the terminal's end of the line
        :param typed: before the question
        :returns: what it printed, and what the terminal has shown
        """
        ours, its = pty.openpty()
        self.addCleanup(os.close, ours)
        os.write(ours, typed)

        def own_the_terminal():
            if has_terminal and is_controlling:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        program = subprocess.Popen(
            [sys.executable, '-c', _PROGRAM, str(seconds), how],
            stdin=its if has_terminal else subprocess.DEVNULL,
            stdout=subprocess.PIPE, start_new_session=True,
            preexec_fn=own_the_terminal)
        os.close(its)
        answer(ours)
        output = program.communicate(timeout=60)[0]
        self.assertEqual(0, program.returncode)
        return ast.literal_eval(output.decode())

    def read_query(self, line):
        found = b''
        while not found.endswith(_QUERY):
            found += os.read(line, 99)
        return found

    def shown(self, line):
        """Return what the terminal has shown since, without waiting."""
        try:
            return (os.read(line, 99) if select.select([line], [], [], 0)[0]
                    else b'')
        except OSError:
            # The program has ended.
            return b''

    def test_answer_in_pieces(self):
        def answer(line):
            self.assertEqual(_QUERY, self.read_query(line))
            for byte in b'\x1b[?62;4c':
                os.write(line, bytes([byte]))
                time.sleep(0.002)
            # Nothing is echoed.
            self.assertEqual(b'', self.shown(line))

        self.assertEqual((b'\x1b[?62;4c', True, None), self.ask(answer))

    def test_terminal_that_does_not_answer(self):
        began = time.monotonic()
        self.assertEqual((b'', True, None),
                         self.ask(self.read_query, seconds=0.2))
        self.assertLess(time.monotonic() - began, 30)

    def test_half_an_answer_is_not_left_to_the_shell(self):
        def answer(line):
            self.read_query(line)
            os.write(line, b'\x1b[?6')

        self.assertEqual((b'\x1b[?6', True, None),
                         self.ask(answer, seconds=0.5))

    def test_endless_answer(self):
        def answer(line):
            self.read_query(line)
            os.write(line, b'x' * 4096)

        found, is_as_before, _ = self.ask(answer)
        self.assertEqual((4096, True), (len(found), is_as_before))

    def test_somebody_types(self):
        self.assertEqual((b'', True, b'ls\n'), self.ask(
            lambda line: None, how='typing', typed=b'ls\n'))

    def test_in_the_background(self):
        self.assertEqual((b'', True, None),
                         self.ask(lambda line: None, how='background'))

    def test_terminal_of_somebody_else(self):
        """Such as one that records the demo."""
        self.assertEqual((b'', True, None), self.ask(
            lambda line: None, is_controlling=False))

    def test_without_a_terminal(self):
        self.assertEqual((b'', True, None), self.ask(
            lambda line: None, has_terminal=False))


class WidthTestCase(base.TestCase):

    def test_terminal_that_says_it(self):
        ours, its = pty.openpty()
        self.addCleanup(os.close, ours)
        with open(its, 'w') as stream:
            self.assertEqual(640, terminal.width(stream, 80))
            fcntl.ioctl(its, termios.TIOCSWINSZ,
                        struct.pack('HHHH', 24, 80, 960, 400))
            self.assertEqual(960, terminal.width(stream, 80))

    def test_no_terminal(self):
        self.assertEqual(800, terminal.width(io.StringIO(), 100))
