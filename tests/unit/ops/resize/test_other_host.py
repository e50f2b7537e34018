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
import re
import shlex
import shutil
import subprocess

import fixtures

from nova_vmrun import exception
from nova_vmrun.ops.resize import moves
from nova_vmrun.ops.resize import other_host
from nova_vmrun.server import layout
from nova_vmrun.tools import process
from nova_vmrun.tools import ssh
from tests.unit import base
from tests.unit.ops import hosts
from tests.unit import stubs

UUID, HOST = hosts.UUID, '10.0.0.2'
MIB = 1 << 20


class Runner:
    """Lets a folder of this machine be another host.

    :param here: the instances_path in what it is given
    :param there: the folder that is meant
    """

    def __init__(self, here, there):
        self._roots = here, there
        self.scripts = []

    def run(self, program, *words, timeout):
        first, last = words[words.index('--') + 1:]
        if program == 'scp':
            shutil.copytree(first, self._there(last.partition(':')[2]))
            return process.Result((), 0, '', '')
        self.scripts.append(last)
        # A login shell may greet.
        done = subprocess.run(
            ['sh', '-c', 'echo Welcome; ' + self._there(last)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return process.Result((program,), done.returncode, done.stdout,
                              done.stderr)

    def _there(self, text):
        return re.sub(r'%s(?=[/; ]|$)' % re.escape(self._roots[0]),
                      self._roots[1], text)


class OtherHostTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        self.layout, self.there = [
            layout.Layout(os.path.join(folder, name), '_base')
            for name in ('here', 'there')]
        for each in (self.layout, self.there):
            each.prepare()
        self.use(self.there.root)

    def use(self, root):
        self.runner = Runner(self.layout.root, root)
        self.host = other_host.OtherHost(
            ssh.Ssh(self.runner, stubs.conf(
                ssh_path='ssh', scp_path='scp', ssh_timeout=120,
                transfer_timeout=14400)), self.layout, '10.0.0.1')

    def examine(self, needed=0, address=HOST, node_id=None):
        self.host.examine(moves.Destination('second', address, node_id), UUID,
                          needed)

    def refuse(self, kind, *words, **options):
        error = self.assertRaises(kind, self.examine, **options)
        for word in words:
            self.assertIn(word, str(error))

    def put(self, folder):
        os.makedirs(os.path.join(folder, 'inner'))

    def test_a_host_that_fits(self):
        self.examine()
        self.assertEqual([], os.listdir(self.layout.locks))

    def test_folders_of_an_earlier_attempt_are_removed(self):
        for folder in (self.there.preparing(UUID), self.there.prepared(UUID)):
            self.put(folder)
        self.examine()
        self.assertEqual(['_base', 'locks'],
                         sorted(os.listdir(self.there.root)))

    def test_a_host_with_the_same_address(self):
        self.refuse(exception.InvalidConfiguration, 'second', 'my_ip',
                    address='10.0.0.1')
        self.host.discard('10.0.0.1', UUID)
        self.assertEqual([], self.runner.scripts)

    def test_another_host_at_its_address(self):
        open(self.there.node('the-third'), 'w').close()
        self.put(self.there.prepared(UUID))
        self.refuse(exception.InvalidConfiguration, 'second', 'my_ip',
                    node_id='the-second')
        self.assertTrue(os.path.exists(self.there.prepared(UUID)))
        open(self.there.node('the-second'), 'w').close()
        self.examine(node_id='the-second')

    def test_a_host_with_an_older_release(self):
        self.examine(node_id='the-second')

    def test_shared_storage(self):
        self.use(self.layout.root)
        self.put(self.layout.prepared(UUID))
        self.refuse(exception.NotSupported, 'second', self.layout.root,
                    'shared')
        self.assertTrue(os.path.exists(self.layout.prepared(UUID)))
        self.assertEqual([], os.listdir(self.layout.locks))

    def test_a_folder_of_the_same_server(self):
        for folder in (self.there.kept(UUID), self.there.folder(UUID)):
            self.put(folder)
            self.refuse(exception.VmrunError, 'second', folder)
            self.assertTrue(os.path.exists(os.path.join(folder, 'inner')))

    def test_too_little_space(self):
        free = shutil.disk_usage(self.there.root).free
        self.refuse(exception.DiskFull, 'second', '%d MiB' % (
            2 * free // MIB), needed=2 * free)

    def test_no_such_folder(self):
        shutil.rmtree(self.there.root)
        self.refuse(exception.ToolRefused, HOST)

    def test_an_answer_that_is_none(self):
        self.runner = self.host._ssh._runner = stubs.ScriptedRunner(
            (0, 'Welcome!\n'), (0, ''))
        self.refuse(exception.VmrunError, 'Welcome!')
        self.refuse(exception.VmrunError, 'second')

    def test_a_path_that_scp_may_read_otherwise(self):
        self.layout.root += '/a b'
        self.refuse(exception.InvalidConfiguration, 'instances_path')
        self.assertEqual([], self.runner.scripts)

    def test_sent_folder_gets_its_name_last(self):
        self.put(self.layout.prepared(UUID))
        self.host.send(HOST, UUID)
        self.assertTrue(os.path.exists(os.path.join(
            self.there.prepared(UUID), 'inner')))
        self.assertFalse(os.path.exists(self.there.preparing(UUID)))
        self.host.discard(HOST, UUID)
        self.assertFalse(os.path.exists(self.there.prepared(UUID)))
        self.assertTrue(os.path.exists(self.layout.prepared(UUID)))

    def test_scripts_name_only_the_folders_of_the_server(self):
        self.examine()
        self.host.discard(HOST, UUID)
        for script in self.runner.scripts:
            removed = script.partition('rm -rf ')[2].partition('&&')[0]
            words = shlex.split(removed.partition(';')[0])
            self.assertEqual([self.layout.preparing(UUID),
                              self.layout.prepared(UUID)], words)
