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

from nova_vmrun.server.serial import console_log
from tests.unit import base

MIB = 1 << 20


class ConsoleLogTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(self.folder, 'console.log')
        self.log = console_log.ConsoleLog(self.path)

    def write(self, data, path=None):
        with open(path or self.path, 'wb') as file:
            file.write(data)

    def test_before_the_first_start(self):
        self.assertEqual(b'', self.log.tail())
        self.log.rotate()
        self.log.trim()

    def test_bytes_of_a_guest(self):
        self.write(b'boot \xff\x00 login:')
        self.assertEqual(b'boot \xff\x00 login:', self.log.tail())

    def test_the_end_of_a_long_log(self):
        self.write(b'a' * 200000 + b'end')
        self.assertEqual(100 * 1024, len(self.log.tail()))
        self.assertTrue(self.log.tail().endswith(b'aend'))

    def test_nothing_is_lost_where_one_file_follows_another(self):
        self.write(b'old', self.path + '.1')
        self.write(b' new')
        self.assertEqual(b'old new', self.log.tail())
        self.assertEqual(b'd new', self.log.tail(5))
        self.assertEqual(b'ew', self.log.tail(2))

    def test_a_long_log_is_put_aside(self):
        self.write(bytes(MIB + 1))
        self.log.rotate()
        self.assertEqual(['console.log.1'], os.listdir(self.folder))

    def test_a_short_one_goes_on(self):
        self.write(bytes(MIB))
        self.log.rotate()
        self.assertEqual(['console.log'], os.listdir(self.folder))

    def test_our_own_log_is_never_longer_than_two_files(self):
        for size in (65536, 4000, 100):
            for number in range(3 * MIB // size // 10 * 10):
                self.log.append(b'%d' % (number % 10) * size)
            sizes = [os.path.getsize(os.path.join(self.folder, name))
                     for name in os.listdir(self.folder)]
            self.assertEqual(2, len(sizes))
            self.assertTrue(max(sizes) <= MIB + 65536, sizes)
            self.assertEqual(b'8' + b'9' * size, self.log.tail(size + 1))

    def test_a_link_is_neither_read_nor_written(self):
        secret = os.path.join(self.folder, 'secret')
        self.write(b'secret', secret)
        os.symlink(secret, self.path)
        os.symlink(secret, self.path + '.1')
        self.assertEqual(b'', self.log.tail())
        self.assertRaises(OSError, self.log.append, b'guest')
        self.log.trim()
        self.log.rotate()
        self.assertFalse(os.path.lexists(self.path))
        with open(secret, 'rb') as file:
            self.assertEqual(b'secret', file.read())

    def test_pipe_in_place_of_the_log_does_not_block(self):
        os.mkfifo(self.path)
        self.assertEqual(b'', self.log.tail())
        self.log.trim()
        self.log.rotate()
        self.assertEqual([], os.listdir(self.folder))


class TrimTestCase(ConsoleLogTestCase):
    """VMware has the file open and writes on."""

    def setUp(self):
        super().setUp()
        probe = os.path.join(self.folder, 'probe')
        self.write(b'x' * 3 * MIB, probe)
        console_log.ConsoleLog(probe).trim()
        if self.used(probe) > 2 * MIB:
            self.skipTest('this file system keeps all of a file')
        os.remove(probe)

    def used(self, path):
        return os.stat(path).st_blocks * 512

    def test_the_beginning_of_a_long_log_takes_no_space(self):
        for flags in (os.O_APPEND, 0):
            with open(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC
                              | flags), 'wb', buffering=0) as vmware:
                vmware.write(b'x' * 8 * MIB)
                self.log.trim()
                vmware.write(b'written since')
                self.assertTrue(self.used(self.path) <= 2 * MIB)
                self.assertEqual(8 * MIB + 13, os.path.getsize(self.path))
                self.assertEqual(b'x' * 100 + b'written since',
                                 self.log.tail(113))

    def test_a_short_log_stays(self):
        self.write(b'x' * MIB)
        before = self.used(self.path)
        self.log.trim()
        self.assertEqual(before, self.used(self.path))
