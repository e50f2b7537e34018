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

"""The watch sees every change of a file and every program."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import fixtures
import testscenarios
import testtools

from tests.crash import steps

_CHANGES = (
    ('open', lambda path: open(path + '.new', 'w').close(), 1),
    ('append', lambda path: open(path, 'a').close(), 1),
    ('update', lambda path: open(path, 'r+b').close(), 1),
    ('os.open', lambda path: os.close(os.open(path, os.O_WRONLY)), 1),
    ('pathlib', lambda path: pathlib.Path(path).write_text('new'), 1),
    ('tempfile', lambda path: os.close(tempfile.mkstemp(
        dir=os.path.dirname(path))[0]), 1),
    ('replace', lambda path: os.replace(path, path + '.new'), 1),
    ('rename', lambda path: os.rename(path, path + '.new'), 1),
    ('move', lambda path: shutil.move(path, path + '.new'), 1),
    ('link', lambda path: os.link(path, path + '.new'), 1),
    ('symlink', lambda path: os.symlink(path, path + '.new'), 1),
    ('remove', lambda path: os.remove(path), 1),
    ('unlink', lambda path: pathlib.Path(path).unlink(), 1),
    ('mkdir', lambda path: os.mkdir(path + '.new'), 1),
    ('makedirs', lambda path: os.makedirs(path + '.new/a/b'), 3),
    # A file in a folder, and the folder.
    ('rmtree', lambda path: shutil.rmtree(os.path.dirname(path)), 2),
    ('chmod', lambda path: os.chmod(path, 0o600), 1),
    ('utime', lambda path: os.utime(path, (0, 0)), 1),
    ('truncate', lambda path: os.truncate(path, 0), 1),
    ('copy', lambda path: shutil.copyfile(path, path + '.new'), 1),
    ('program', lambda path: subprocess.run(
        ['true'], stdout=subprocess.PIPE), 2),
    ('reading', lambda path: open(path).close(), 0),
    ('elsewhere', lambda path: tempfile.TemporaryFile().close(), 0),
)


class StepsTestCase(testscenarios.TestWithScenarios, testtools.TestCase):

    scenarios = [(name, {'change': change, 'count': count})
                 for name, change, count in _CHANGES]

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(self.root, 'folder', 'file')

    def run_until(self, moment):
        """Return the status of a process and the number of its steps."""
        shutil.rmtree(self.root)
        os.makedirs(os.path.dirname(self.path))
        open(self.path, 'w').close()
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            steps.Watch((self.root,), writer, moment).begin()
            self.change(self.path)
            os._exit(0)
        os.close(writer)
        with open(reader) as file:
            told = [json.loads(line) for line in file]
        return os.waitpid(child, 0)[1], len(
            [each for each in told if 'what' in each])

    def test_each_is_seen(self):
        self.assertEqual((0, self.count), self.run_until(None))

    def test_nothing_comes_after_the_end(self):
        for last in range(1, self.count + 1):
            status, told = self.run_until(steps.Moment(last))
            self.assertEqual((signal.SIGKILL, last - 1),
                             (os.WTERMSIG(status), told))
