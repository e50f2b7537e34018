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

import json
import os
import subprocess
import sys

import fixtures
import testscenarios

from nova_vmrun import exception
from nova_vmrun.tools import qemu_storage_daemon
from tests.unit import base
from tests.unit import stubs

_LUN = qemu_storage_daemon.Lun('192.0.2.1:3260', 'iqn.2010-10.org.x:v', 1,
                               'iqn.2010-10.org.x:host', 'user,file="/etc"')
_FILES = qemu_storage_daemon.Files('/v/a,b/lun', '/v/a,b/secret',
                                   '/v/a,b/pid', '/v/a,b/socket')


class WordsTestCase(base.TestCase):

    def words(self, lun=_LUN):
        runner = stubs.ScriptedRunner()
        qemu_storage_daemon.QemuStorageDaemon(runner, 'qsd', 7).start(
            lun, _FILES)
        call, = runner.calls
        self.assertEqual(7, runner.options[0]['timeout'])
        return call

    def option(self, name, words):
        return json.loads(words[words.index(name) + 1])

    def test_everything_of_the_back_end_is_json(self):
        words = self.words()
        self.assertEqual(('qsd', '--daemonize', '--pidfile', '/v/a,b/pid'),
                         words[:4])
        device = self.option('--blockdev', words)
        self.assertEqual(
            {'driver': 'iscsi', 'node-name': 'lun', 'transport': 'tcp',
             'portal': '192.0.2.1:3260', 'target': 'iqn.2010-10.org.x:v',
             'lun': 1, 'initiator-name': 'iqn.2010-10.org.x:host',
             'user': 'user,file="/etc"', 'password-secret': 'secret',
             'cache': {'direct': True}}, device)
        self.assertEqual({'qom-type': 'secret', 'id': 'secret',
                          'file': '/v/a,b/secret'},
                         self.option('--object', words))
        export = self.option('--export', words)
        self.assertEqual('/v/a,b/lun', export['mountpoint'])
        self.assertEqual('on', export['allow-other'])
        self.assertIs(True, export['writable'])

    def test_a_file_instead_of_a_lun(self):
        words = self.words(qemu_storage_daemon.RawFile('/v/a,b'))
        self.assertEqual({'driver': 'file', 'node-name': 'lun',
                          'filename': '/v/a,b'},
                         self.option('--blockdev', words))
        self.assertNotIn('--object', words)

    def test_the_socket_has_double_commas(self):
        words = self.words()
        self.assertIn('path=/v/a,,b/socket,',
                      words[words.index('--chardev') + 1])

    def test_without_a_user_there_is_no_secret(self):
        words = self.words(qemu_storage_daemon.Lun('p:1', 'iqn', 0, 'me'))
        self.assertNotIn('--object', words)
        device = self.option('--blockdev', words)
        self.assertNotIn('user', device)
        self.assertNotIn('password-secret', device)


class RefusalTestCase(testscenarios.WithScenarios, base.TestCase):
    """What QEMU 7.2 prints, and what it means."""

    scenarios = [
        ('password', dict(
            text='iSCSI: Failed to connect to LUN : Failed to log in to '
                 'target. Status: Authentication failure(513)',
            kind=exception.ToolRefused, brief='user name or the password')),
        ('lun', dict(
            text='iSCSI: Failed to connect to LUN : SENSE KEY:ILLEGAL_REQUEST'
                 '(5) ASCQ:LOGICAL_UNIT_NOT_SUPPORTED(0x2500)',
            kind=exception.ToolRefused, brief='no such LUN')),
        ('target', dict(
            text='iSCSI: Failed to connect to LUN : Failed to log in to '
                 'target. Status: Target not found(515)',
            kind=exception.ToolRefused, brief='no such target')),
        ('portal', dict(
            text='iSCSI: Failed to connect to LUN : iscsi_service failed '
                 'with : iscsi_service_reconnect_if_loggedin. Can not '
                 'reconnect right now.',
            kind=exception.ToolRefused, brief='cannot be reached')),
        ('sharing', dict(
            text='fusermount3: option allow_other only allowed if '
                 "'user_allow_other' is set in /etc/fuse.conf",
            kind=exception.InvalidConfiguration, brief='share FUSE mounts')),
        ('device', dict(
            text='fuse: failed to open /dev/fuse: Permission denied',
            kind=exception.InvalidConfiguration, brief='/dev/fuse')),
        ('driver', dict(
            text="Unknown driver 'iscsi'",
            kind=exception.InvalidConfiguration, brief='no iSCSI driver')),
        ('export', dict(
            text="Parameter 'type' does not accept value 'fuse'",
            kind=exception.InvalidConfiguration, brief='export by FUSE')),
        ('else', dict(
            text='something new', kind=exception.ToolRefused,
            brief='Cannot connect LUN 1')),
    ]

    def test_it_is_said_in_words(self):
        tool = qemu_storage_daemon.QemuStorageDaemon(
            stubs.ScriptedRunner((1, '', 'qsd: ' + self.text + '\n')),
            'qsd', 7)
        error = self.assertRaises(self.kind, tool.start, _LUN, _FILES)
        self.assertIn('LUN 1 of iqn.2010-10.org.x:v at 192.0.2.1:3260',
                      error.brief)
        self.assertIn(self.brief, error.brief)
        self.assertIn(self.text, error.details)
        self.assertTrue(error.resolution)


class StartTestCase(base.TestCase):

    def test_no_answer(self):
        tool = qemu_storage_daemon.QemuStorageDaemon(
            stubs.ScriptedRunner(exception.ToolTimeout('slow', 'details')),
            'qsd', 7)
        error = self.assertRaises(exception.ToolTimeout, tool.start, _LUN,
                                  _FILES)
        self.assertIn('does not answer', error.brief)
        self.assertIn('iscsi_timeout', error.resolution)

    def test_a_missing_program(self):
        tool = qemu_storage_daemon.QemuStorageDaemon(
            stubs.ScriptedRunner(), '/missing/qsd', 7)
        error = self.assertRaises(exception.InvalidConfiguration, tool.check)
        self.assertIn('/missing/qsd', error.brief)
        self.assertIn('qemu-block-extra', error.resolution)

    def test_a_program_that_is_there(self):
        qemu_storage_daemon.QemuStorageDaemon(
            stubs.ScriptedRunner(), sys.executable, 7).check()


class ExportingTestCase(base.TestCase):

    def answer(self, result):
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.tools.qmp.execute', side_effect=[result]))
        return qemu_storage_daemon.QemuStorageDaemon(
            stubs.ScriptedRunner(), 'qsd', 7).is_exporting(_FILES)

    def test_it_does(self):
        self.assertIs(True, self.answer(
            [{'id': 'export', 'type': 'fuse', 'shutting-down': False}]))

    def test_it_is_ending(self):
        self.assertIs(False, self.answer(
            [{'id': 'export', 'type': 'fuse', 'shutting-down': True}]))

    def test_it_exports_something_else(self):
        self.assertIs(False, self.answer([{'id': 'another'}]))
        self.assertIs(False, self.answer({}))

    def test_it_does_not_answer(self):
        self.assertIs(False, self.answer(exception.ToolTimeout('hangs')))
        self.assertIs(False, self.answer(exception.ToolRefused('gone')))


class ProcessesTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        self.files = qemu_storage_daemon.Files(
            *(os.path.join(folder, name) for name in 'abcd'))

    def start(self, *words):
        process = subprocess.Popen(
            [sys.executable, '-c',
             'import sys; print(flush=True); sys.stdin.read()', *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.communicate)
        process.stdout.readline()
        return process.pid

    def test_a_daemon_is_found_by_its_command(self):
        pid = self.start('--daemonize', '--pidfile', self.files.pid_file)
        self.assertEqual([pid], qemu_storage_daemon.pids(self.files))

    def test_an_editor_of_the_file_is_none(self):
        pid = self.start(self.files.pid_file)
        self.assertFalse(qemu_storage_daemon.is_daemon(pid, self.files))
        self.assertEqual([], qemu_storage_daemon.pids(self.files))

    def test_another_volumes_daemon_is_none(self):
        pid = self.start('--daemonize', '--pidfile',
                         self.files.pid_file + 'x')
        self.assertFalse(qemu_storage_daemon.is_daemon(pid, self.files))
