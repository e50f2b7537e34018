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
import os
import types
from unittest import mock

import fixtures

from nova_vmrun.cmd import main
from nova_vmrun.cmd import plain
from nova_vmrun.cmd import vmx
from tests.unit import base


class PlainTestCase(base.TestCase):
    """What a user reads where a file is not as it should be."""

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.app = main.VmrunApp()
        self.patch(self.app, 'configure_logging', lambda: None)

    def fail(self, *words):
        self.assertEqual(1, self.app.run(list(words)))
        text = self.log.output
        self.assertNotIn('Errno', text)
        self.assertNotIn('Traceback', text)
        return text

    def test_missing_file(self):
        path = os.path.join(self.folder, 'web.vmx')
        for command in ('lint', 'show', 'explain'):
            self.assertIn('File %s does not exist.' % path,
                          self.fail('vmx', command, path))

    def test_folder(self):
        self.assertIn('%s is a directory, not a file.' % self.folder,
                      self.fail('vmx', 'lint', self.folder))

    def test_unreadable_file(self):
        path = os.path.join(self.folder, 'web.vmx')
        error = PermissionError(13, 'Permission denied', path)
        self.patch(vmx, '_read', mock.Mock(side_effect=error))
        self.assertIn('No permission to read %s.' % path,
                      self.fail('vmx', 'show', path))


class IsSureTestCase(base.TestCase):

    def ask(self, answer):
        app = types.SimpleNamespace(stdin=io.StringIO(answer),
                                    stdout=io.StringIO())
        return plain.is_sure(app, 'Go?'), app.stdout.getvalue()

    def test_yes(self):
        for answer in ('yes\n', ' YES \n', 'yes'):
            self.assertEqual((True, 'Go? Type "yes": '), self.ask(answer))

    def test_anything_else(self):
        for answer in ('no\n', 'y\n', '\n', 'yes please\n'):
            self.assertEqual((False, 'Go? Type "yes": '), self.ask(answer))

    def test_nobody_is_there(self):
        self.assertEqual((False, 'Go? Type "yes": \n'), self.ask(''))
