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

import errno
import fcntl
import os

import fixtures

from nova_vmrun.aio import log_files
from nova_vmrun.host import files
from tests.unit.aio import base

_LIMIT = 1000
_LINE = b'a line of twenty B.\n'


class LogCase(base.TestCase):

    def setUp(self):
        super().setUp()
        for name, factor in (('_LIMIT', 1), ('_KEPT', 2), ('_DROPPED', 4)):
            self.patch(log_files, name, factor * _LIMIT)
        self.log = self.layout.log('nova')
        self.older = self.layout.logs / 'nova.log.1'

    def write(self, data):
        """Write as a service does, which keeps its descriptor."""
        descriptor = log_files.open_to_append(self.layout, 'nova')
        self.addCleanup(os.close, descriptor)
        os.write(descriptor, data)
        return descriptor

    def look(self):
        log_files.keep_small(self.layout, ['glance', 'nova'])


class SizeTestCase(LogCase):

    def test_a_small_log_is_continued(self):
        self.log.write_text('old\n')
        self.write(b'new\n')
        self.look()
        self.assertEqual('old\nnew\n', self.log.read_text())
        self.assertFalse(self.older.exists())

    def test_a_large_log_is_set_aside_before_a_service_starts(self):
        self.log.write_bytes(51 * _LINE)
        self.write(b'new\n')
        self.assertEqual(b'new\n', self.log.read_bytes())
        self.assertEqual(51 * _LINE, self.older.read_bytes())

    def test_a_large_log_is_set_aside_while_a_service_writes_to_it(self):
        descriptor = self.write(51 * _LINE)
        self.look()
        os.write(descriptor, b'new\n')
        self.assertEqual(b'new\n', self.log.read_bytes())
        self.assertEqual(51 * _LINE, self.older.read_bytes())
        for path in (self.log, self.older):
            self.assertEqual(0o600, path.stat().st_mode & 0o777)
        os.write(descriptor, 50 * _LINE)
        self.look()
        self.assertEqual(b'new\n' + 50 * _LINE, self.older.read_bytes())
        self.assertEqual({'nova.log', 'nova.log.1'},
                         set(os.listdir(self.layout.logs)))

    def test_calls_of_the_fake_vmware(self):
        self.layout.fake_state.mkdir()
        self.layout.calls.write_bytes(51 * _LINE)
        self.look()
        self.assertEqual(b'', self.layout.calls.read_bytes())
        self.assertEqual(
            51 * _LINE,
            (self.layout.fake_state / 'calls.jsonl.1').read_bytes())

    def test_what_is_written_meanwhile_is_set_aside_too(self):
        descriptor = self.write(51 * _LINE)
        publish = files.publish

        def write_too(*paths):
            publish(*paths)
            os.write(descriptor, b'meanwhile\n')

        self.patch(files, 'publish', write_too)
        self.look()
        self.assertEqual(51 * _LINE + b'meanwhile\n',
                         self.older.read_bytes())
        self.assertEqual(b'', self.log.read_bytes())

    def test_of_a_flood_the_last_whole_lines_are_kept(self):
        self.write(b'x' * 100 * _LIMIT + b'\n' + 51 * _LINE)
        self.log.write_bytes(b'y' + 1000 * _LINE)
        self.look()
        self.assertEqual(99 * _LINE, self.older.read_bytes())

    def test_power_cut_before_the_log_is_cut(self):
        """Nothing is lost, and the next look ends what was begun."""
        self.write(51 * _LINE)
        self.patch(os, 'ftruncate', self.cut_power)
        self.assertRaises(KeyboardInterrupt, self.look)
        self.assertEqual(51 * _LINE, self.older.read_bytes())
        self.assertEqual(51 * _LINE, self.log.read_bytes())

    def test_power_cut_before_the_copy_is_complete(self):
        self.write(51 * _LINE)
        self.older.write_bytes(b'older\n')
        self.useFixture(fixtures.MockPatchObject(files, 'publish',
                                                 self.cut_power))
        self.assertRaises(KeyboardInterrupt, self.look)
        self.assertEqual(b'older\n', self.older.read_bytes())
        self.assertEqual(51 * _LINE, self.log.read_bytes())

    def cut_power(self, *_):
        raise KeyboardInterrupt()

    def test_what_a_power_cut_left_is_replaced(self):
        self.write(51 * _LINE)
        target = self.layout.root / 'target'
        target.write_bytes(b'mine\n')
        self.older.with_name('nova.log.1.new').symlink_to(target)
        self.look()
        self.assertEqual(b'mine\n', target.read_bytes())
        self.assertEqual(51 * _LINE, self.older.read_bytes())

    def test_links_are_not_followed(self):
        target = self.layout.root / 'target'
        target.write_bytes(51 * _LINE)
        self.log.symlink_to(target)
        self.look()
        self.assertEqual(51 * _LINE, target.read_bytes())
        self.log.unlink()
        self.older.symlink_to(target)
        self.write(60 * _LINE)
        self.look()
        self.assertEqual(51 * _LINE, target.read_bytes())
        self.assertEqual(60 * _LINE, self.older.read_bytes())

    def test_a_link_that_is_put_there_at_the_last_moment(self):
        target = self.layout.root / 'target'
        target.write_bytes(51 * _LINE)
        self.log.symlink_to(target)
        self.patch(os, 'lstat', os.stat)
        self.look()
        self.assertEqual(51 * _LINE, target.read_bytes())

    def test_a_pipe_is_left_alone(self):
        self.patch(log_files, '_LIMIT', -1)
        os.mkfifo(self.log)
        self.look()
        self.assertFalse(self.older.exists())

    def test_another_process_is_at_it_or_reads(self):
        self.write(51 * _LINE)
        for how in (fcntl.LOCK_EX, fcntl.LOCK_SH):
            with open(self.log, 'rb') as other:
                fcntl.flock(other, how)
                self.look()
            self.assertEqual(51 * _LINE, self.log.read_bytes())
        self.look()
        self.assertEqual(b'', self.log.read_bytes())

    def fill_disk(self, times):
        publish, left = files.publish, [times]

        def fail(*paths):
            if left[0]:
                left[0] -= 1
                raise OSError(errno.ENOSPC, 'No space left on device')
            publish(*paths)

        self.patch(files, 'publish', fail)

    def test_on_a_full_disk_the_oldest_goes_first(self):
        self.write(51 * _LINE)
        self.older.write_bytes(b'older\n')
        self.fill_disk(1)
        self.look()
        self.assertEqual(51 * _LINE, self.older.read_bytes())
        self.assertEqual(b'', self.log.read_bytes())

    def test_a_log_that_has_not_filled_the_disk_stays(self):
        self.write(51 * _LINE)
        self.fill_disk(2)
        self.look()
        self.assertEqual(51 * _LINE, self.log.read_bytes())
        self.look()
        self.assertEqual(51 * _LINE, self.older.read_bytes())

    def test_a_log_that_may_have_filled_the_disk_is_dropped(self):
        self.write(201 * _LINE)
        self.fill_disk(2)
        self.look()
        self.assertEqual(b'', self.log.read_bytes())

    def test_a_disk_that_fails_costs_no_older_log(self):
        self.write(201 * _LINE)
        self.older.write_bytes(b'older\n')
        self.patch(files, 'publish', self.fail)
        self.look()
        self.assertEqual(b'older\n', self.older.read_bytes())
        self.assertEqual(201 * _LINE, self.log.read_bytes())

    def fail(self, *_):
        raise OSError(errno.EIO, 'Input/output error')


class TailTestCase(LogCase):

    def since(self):
        return log_files.marks(self.layout, ['nova'])['nova']

    def test_what_was_written_since(self):
        descriptor = self.write(b'old\n')
        since = self.since()
        self.assertEqual([], log_files.tail(self.log, since))
        os.write(descriptor, b'new\n')
        self.assertEqual(['new'], log_files.tail(self.log, since))
        self.assertEqual(['old', 'new'], log_files.tail(self.log))

    def test_only_a_newline_ends_a_line(self):
        """Users and guests can have other ends of lines in their texts."""
        self.log.write_text('one\u2028two\x0bthree\rfour\n\nfive')
        self.assertEqual(['one\u2028two\x0bthree\rfour', '', 'five'],
                         log_files.tail(self.log))

    def test_a_log_that_is_set_aside_and_grows_beyond_its_old_size(self):
        descriptor = self.write(b'old\n')
        since = self.since()
        os.write(descriptor, b'new\n' + 60 * _LINE)
        self.look()
        os.write(descriptor, b'newer\nnewest\n')
        found = log_files.tail(self.log, since)
        self.assertEqual(['new', 'newer', 'newest'],
                         [line for line in found if line.startswith('new')])
        self.assertNotIn('old', found)

    def test_what_was_set_aside_before_does_not_count(self):
        descriptor = self.write(b'ancient\n' + 60 * _LINE)
        self.look()
        os.write(descriptor, b'old\n')
        since = self.since()
        os.write(descriptor, b'new\n')
        self.assertEqual(['new'], log_files.tail(self.log, since))
        os.write(descriptor, 60 * _LINE)
        self.look()
        os.write(descriptor, b'newest\n')
        found = log_files.tail(self.log, since)
        self.assertEqual(['new', 'newest'], [found[0], found[-1]])
        self.assertEqual(62, len(found))

    def test_no_more_than_asked_for(self):
        descriptor = self.write(b'ancient\n' + 60 * _LINE)
        self.look()
        os.write(descriptor, b'new\n')
        self.assertEqual(2, len(log_files.tail(
            self.log, size=len(_LINE) + len(b'new\n'))))

    def test_a_smaller_log_is_a_new_one(self):
        self.log.write_bytes(b'a long one\n')
        since = self.since()
        self.log.write_bytes(b'short\n')
        self.assertEqual(['short'], log_files.tail(self.log, since))

    def test_a_log_that_begins_later(self):
        since = self.since()
        self.assertEqual(log_files.Mark(0, (0, 0)), since)
        self.log.write_bytes(b'new\n')
        self.assertEqual(['new'], log_files.tail(self.log, since))


class ComplaintsTestCase(base.TestCase):

    LOG = """\
2026-11-21 01:26:00.001 11 INFO nova.service [-] Set to ERROR state later
2026-11-21 01:26:01.001 11 ERROR nova.service [-] First
Traceback (most recent call last):
  File "x.py", line 1, in <module>
nova.exception.Invalid: no match
keystone.exception.ValidationError: Last
"""
    RABBITMQ = """\
2026-11-21 01:26:01.11+00:00 [warning] <0.1.0> closing a connection
2026-11-21 01:26:02.11+00:00 [error] <0.2.0> Error on AMQP connection
"""

    def test_rabbitmq_puts_the_level_into_brackets(self):
        self.layout.log('rabbitmq').write_text(self.RABBITMQ)
        self.assertEqual(self.RABBITMQ.splitlines()[1:], log_files.complaints(
            self.layout.log('rabbitmq'), 5))

    def test_lines_with_errors_are_found(self):
        self.layout.log('nova').write_text(self.LOG)
        self.assertEqual(
            ['2026-11-21 01:26:01.001 11 ERROR nova.service [-] First',
             'keystone.exception.ValidationError: Last'],
            log_files.complaints(self.layout.log('nova'), 5))

    def test_old_lines_do_not_count(self):
        self.layout.log('nova').write_text(self.LOG)
        since = log_files.mark(self.layout.log('nova'))
        self.assertEqual([], log_files.complaints(
            self.layout.log('nova'), 5, since))

    def test_no_log_is_no_complaint(self):
        self.assertEqual([], log_files.complaints(
            self.layout.log('nova'), 5))
