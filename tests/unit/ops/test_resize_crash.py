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

"""The power is cut at every step of a resize.

A step is whatever changes a file system, as Python itself reports it, and
each program that runs. From the cut on nothing has any effect, clean-up
included. Then a new nova-compute does what Nova calls at its start, or what
a user does next.
"""

import os
import sys

from tests.unit.ops import resizes

UUID = resizes.UUID
_CHANGES = frozenset(['os.rename', 'os.link', 'os.remove', 'os.mkdir',
                      'os.rmdir', 'os.chmod', 'os.truncate', 'tests.program'])


class PowerCut(BaseException):
    """Nothing after this has any effect."""


class _Steps:
    """Counts the steps while it is armed, and ends them all at one."""

    def __init__(self):
        self.armed = False
        self.done = 0
        self.last = None
        # A hook cannot be removed, so there is one for all tests.
        sys.addaudithook(self._hook)

    def _hook(self, event, args):
        if not self.armed or not _is_change(event, args):
            return
        if self.last is not None and self.done >= self.last:
            raise PowerCut()
        self.done += 1

    def count(self, operation):
        """Runs an operation; returns how many steps it has."""
        self.armed, self.done, self.last = True, 0, None
        try:
            operation()
        finally:
            self.armed = False
        return self.done

    def cut(self, operation, last):
        """Runs an operation up to a step."""
        self.armed, self.done, self.last = True, 0, last
        try:
            operation()
        except PowerCut:
            return
        finally:
            self.armed = False
        raise AssertionError('There is no step %d.' % last)


def _is_change(event, args):
    return event in _CHANGES or event == 'open' and (
        isinstance(args[1], str) and set(args[1]) & set('wax+'))


_STEPS = _Steps()


class CrashTestCase(resizes.TestCase):

    def setUp(self):
        super().setUp()
        # The VMs go on when nova-compute is killed; a power cut ends them.
        for mocked in (self.vmrun.tool.stop, self.vmrun.tool.start,
                       self.tool.grow, self.qemu_img.convert_chain,
                       self.other_host.send):
            mocked.side_effect = self.audited(mocked.side_effect)

    def audited(self, effect):
        def run(*args, **options):
            sys.audit('tests.program')
            return effect and effect(*args, **options)
        return run

    def begin(self):
        """Makes the server anew, without a trace of the one before."""
        for folder in self.layout.beside(UUID) + [
                self.layout.folder(UUID), self.layout.deleted(UUID)]:
            resizes.files.remove_tree(folder)
        self.vmrun.running.clear()
        self.make(running=True)

    def every_step(self, before, operation):
        """Yields after each cut, with the number of steps that were done.

        :param before: operations that come first, on a new server
        """
        def prepare():
            self.begin()
            for each in before:
                each()

        prepare()
        steps = _STEPS.count(operation)
        self.assertGreater(steps, 4)
        for last in range(steps):
            prepare()
            _STEPS.cut(operation, last)
            yield last

    def restart(self, migration=resizes.MIGRATION):
        """Does what Nova does when it finds a server in RESIZE_MIGRATING."""
        self.destroy.finish_interrupted()
        self.revert(migration, task_state='resize_migrating')

    def assertWhole(self, step):
        """The server is there, runs, and nothing else is left of it."""
        self.assertEqual([''], self.folders(), step)
        self.assertTrue(self.is_written(), step)
        self.assertTrue(self.is_running(), step)
        self.assertEqual(resizes.GIB, self.size(), step)

    def assertNoneLost(self, step):
        """The old disk is whole in one of the two folders."""
        kept = self.layout.kept(UUID)
        self.assertTrue(
            os.path.isdir(kept) and self.is_written(kept) or
            self.is_written(), step)

    def migrate_larger(self):
        self.migrate(root_gb=2)

    def move(self):
        self.migrate(resizes.THERE)

    def test_in_migrate(self):
        for operation, migration in (
                (self.migrate, resizes.MIGRATION),
                (self.migrate_larger, resizes.MIGRATION),
                (self.move, resizes.MOVE)):
            for step in self.every_step([], operation):
                self.assertNoneLost(step)
                self.restart(migration)
                self.assertWhole(step)

    def test_in_the_restart_after_that(self):
        for step in self.every_step([self.migrate_larger], self.restart):
            self.assertNoneLost(step)
            self.restart()
            self.assertWhole(step)

    def test_in_finish(self):
        """Nova leaves such a server in ERROR: a hard reboot brings it back."""
        for step in self.every_step([self.migrate_larger], self.finish):
            self.assertNoneLost(step)
            self.resize.recover(self.instance())
            self.power.reboot_hard(
                UUID, self.definitions.rewriter(self.instance(), []))
            self.assertTrue(self.is_written(), step)
            self.assertTrue(self.is_running(), step)
            self.destroy.stop(UUID)
            self.destroy.remove(UUID)
            self.assertEqual([], self.folders(), step)

    def test_in_confirm(self):
        confirm = lambda: self.resize.confirm(UUID)  # noqa: E731
        for step in self.every_step([self.migrate_larger, self.finish],
                                    confirm):
            self.destroy.finish_interrupted()
            confirm()
            self.assertEqual([''], self.folders(), step)
            self.assertTrue(self.is_written(), step)

    def test_in_revert(self):
        def revert():
            self.resize.discard(UUID)
            self.revert()

        for step in self.every_step([self.migrate_larger, self.finish],
                                    revert):
            self.assertNoneLost(step)
            self.destroy.finish_interrupted()
            revert()
            self.assertWhole(step)

    def test_in_a_second_migrate(self):
        """The first was neither confirmed nor reverted."""
        before = [self.migrate, self.finish, self.vmrun.running.clear,
                  self.write_since]
        second = resizes.types.SimpleNamespace(uuid='the-second',
                                               dest_host=resizes.HERE)
        for step in self.every_step(before, self.migrate_larger):
            self.restart(second)
            self.assertIn(b'since', resizes.files.read(
                self.layout.disk(UUID, 'root')), step)

    def write_since(self):
        path = self.layout.disk(UUID, 'root')
        os.remove(path)
        resizes.vmdks.write(path, content=resizes.WRITTEN + b' since',
                            sectors=resizes.GIB // 512)
