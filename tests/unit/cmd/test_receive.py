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

import contextlib
import io
import json
import os
import subprocess
import sys

import fixtures

from nova_vmrun.cmd import receive
from nova_vmrun.host import file_stream
from nova_vmrun.server import layout
from tests.unit import base

UUID = '9d4c1d3c-7fb0-4a5e-8f0b-0a4f3c2b1d10'


class ReceiveTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        self.layout = layout.Layout(os.path.join(self.root, 'instances'), '')
        os.makedirs(self.layout.locks)

    def main(self, *argv, **environ):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = receive.main(argv, environ, io.BytesIO())
        answer = json.loads(out.getvalue())
        self.assertEqual(answer['outcome'] == 'failed', bool(status))
        return answer

    def test_arguments_are_the_request(self):
        self.assertEqual('done', self.main(
            '--instances-path', self.layout.root, 'discard', UUID,
            '-')['outcome'])

    def test_a_forced_command(self):
        self.assertEqual('done', self.main(
            '--instances-path', self.layout.root,
            SSH_ORIGINAL_COMMAND='nova-vmrun-receive discard %s -'
            % UUID)['outcome'])

    def test_a_forced_command_with_two_requests(self):
        self.assertIn('authorized_keys', self.main(
            '--instances-path', self.layout.root, 'discard', UUID, '-',
            SSH_ORIGINAL_COMMAND='discard %s -' % UUID)['resolution'])

    def test_options_of_the_other_host_are_none(self):
        self.assertEqual('failed', self.main(
            '--instances-path', self.layout.root,
            SSH_ORIGINAL_COMMAND='--instances-path / discard %s -'
            % UUID)['outcome'])

    def test_a_shell_is_not_to_be_had(self):
        for command in ('', 'sh', 'rm -rf /', 'discard %s -;id' % UUID):
            self.assertEqual('failed', self.main(
                '--instances-path', self.layout.root,
                SSH_ORIGINAL_COMMAND=command)['outcome'])

    def test_the_folder_is_that_of_nova_conf(self):
        path = os.path.join(self.root, 'nova.conf')
        with open(path, 'w') as file:
            file.write('[DEFAULT]\nstate_path = %s\n' % self.root)
        self.assertEqual('done', self.main(
            '--config-file', path, 'discard', UUID, '-')['outcome'])

    def test_a_host_without_a_configuration(self):
        self.useFixture(fixtures.MockPatch(
            'oslo_config.cfg.find_config_files', return_value=[]))
        self.assertIn('nova.conf', self.main('discard', UUID, '-')['reason'])

    def test_a_folder_that_cannot_be_written_to(self):
        os.rmdir(self.layout.locks)
        os.symlink('/dev/null', self.layout.locks)
        answer = self.main('--instances-path', self.layout.root, 'discard',
                           UUID, '-')
        self.assertEqual('failed', answer['outcome'])

    def test_a_program_reads_its_standard_input(self):
        sent = os.path.join(self.root, 'sent')
        os.mkdir(sent)
        with open(os.path.join(sent, 'root.vmdk'), 'wb') as file:
            file.write(b'data' * 100000)
        stream = io.BytesIO()
        file_stream.write(sent, stream)
        done = subprocess.run(
            [sys.executable, '-m', 'nova_vmrun.cmd.receive',
             '--instances-path', self.layout.root, 'receive', UUID, '-'],
            input=stream.getvalue(), stdout=subprocess.PIPE, check=True)
        self.assertEqual('done', json.loads(done.stdout)['outcome'])
        self.assertEqual(400000, os.path.getsize(os.path.join(
            self.layout.prepared(UUID), 'root.vmdk')))
