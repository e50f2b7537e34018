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

import subprocess

from nova_vmrun.tools import feeding
from tests.unit import base


class FeedingTestCase(base.TestCase):

    def run_program(self, script, write):
        fed = feeding.Feeding(write)
        process = subprocess.Popen(['sh', '-c', script],
                                   stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        stdin, process.stdin = process.stdin, None
        fed.begin(stdin)
        out = process.communicate(timeout=30)[0]
        fed.end()
        return out

    def test_it_is_written_and_closed(self):
        self.assertEqual(b'data', self.run_program(
            'cat', lambda stream: stream.write(b'data')))

    def test_nothing_to_write(self):
        self.assertEqual(b'', self.run_program('cat', None))

    def test_more_than_a_pipe_takes(self):
        self.assertEqual(b'%d\n' % (1 << 22), self.run_program(
            'wc -c', lambda stream: stream.write(b'x' * (1 << 22))))

    def test_a_program_that_reads_nothing(self):
        self.assertEqual(b'', self.run_program(
            'exit 1', lambda stream: stream.write(b'x' * (1 << 22))))

    def test_what_cannot_be_read(self):
        def write(stream):
            stream.write(b'begin')
            raise OSError(5, 'broken')

        self.assertRaises(OSError, self.run_program, 'cat', write)
