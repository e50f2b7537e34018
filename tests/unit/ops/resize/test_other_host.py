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
import dataclasses
import io
import os
import shutil

import fixtures

from nova_vmrun.cmd import receive
from nova_vmrun import exception
from nova_vmrun.ops.resize import moves
from nova_vmrun.ops.resize import other_host
from nova_vmrun.server import layout
from nova_vmrun.tools import process
from nova_vmrun.tools import ssh
from tests.unit import base
from tests.unit.ops import hosts
from tests.unit.ops import test_networks
from tests.unit.server import test_network_card
from tests.unit import stubs

UUID, HOST = hosts.UUID, '10.0.0.2'
NODE = '4c8a11a2-0a3f-4a7c-8d5e-6c1c9c0d7b21'
MIB = 1 << 20


class Runner:
    """Lets a folder of this machine be another host.

    :param there: its instances_path
    """

    def __init__(self, there):
        self._there = there
        self.requests = []

    def run(self, program, *words, timeout, feed=None):
        command = words[words.index('--') + 2:]
        self.requests.append(command)
        stream, out = io.BytesIO(), io.StringIO()
        if feed:
            feed(stream)
            stream.seek(0)
        with contextlib.redirect_stdout(out):
            status = receive.main(
                ['--instances-path', self._there],
                {'SSH_ORIGINAL_COMMAND': ' '.join(command)}, stream)
        # A login shell may greet.
        return process.Result((program,), status,
                              'Welcome\n' + out.getvalue(), '')


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
        self.runner = Runner(root)
        self.host = other_host.OtherHost(
            ssh.Ssh(self.runner, stubs.conf()), self.layout, '10.0.0.1')

    def destination(self, address=HOST, node_id=None):
        return moves.Destination('second', address, node_id)

    def examine(self, needed=0, **options):
        self.host.examine(self.destination(**options), UUID, needed)

    def refuse(self, kind, *words, **options):
        error = self.assertRaises(kind, self.examine, **options)
        for word in words:
            self.assertIn(word, str(error))

    def put(self, folder):
        os.makedirs(folder)
        with open(os.path.join(folder, 'root.vmdk'), 'w') as file:
            file.write('data')

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
        self.assertEqual([], self.runner.requests)

    def test_another_host_at_its_address(self):
        open(self.there.node('the-third'), 'w').close()
        self.put(self.there.prepared(UUID))
        self.refuse(exception.InvalidConfiguration, 'second', 'my_ip',
                    node_id=NODE)
        self.assertTrue(os.path.exists(self.there.prepared(UUID)))
        open(self.there.node(NODE), 'w').close()
        self.examine(node_id=NODE)

    def test_another_host_has_its_address_when_the_files_are_sent(self):
        self.put(self.layout.prepared(UUID))
        open(self.there.node('the-third'), 'w').close()
        self.assertRaises(exception.InvalidConfiguration, self.host.send,
                          self.destination(node_id=NODE), UUID)
        self.assertFalse(os.path.exists(self.there.prepared(UUID)))

    def test_a_host_that_has_not_started_since(self):
        self.examine(node_id=NODE)

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
            self.assertTrue(os.path.exists(
                os.path.join(folder, 'root.vmdk')))

    def test_networks_that_are_not_there(self):
        with open(self.there.node(NODE), 'w') as file:
            file.write(test_network_card.CARD.dump())
        local = test_networks.local_port()
        self.host.examine(self.destination(node_id=NODE), UUID, 0, [local])
        with open(self.there.node(NODE), 'w') as file:
            file.write(dataclasses.replace(test_network_card.CARD,
                                           kind='fusion').dump())
        error = self.assertRaises(
            exception.InvalidConfiguration, self.host.examine,
            self.destination(node_id=NODE), UUID, 0, [local])
        self.assertIn('host second: VMware Fusion has no LAN segments',
                      error.brief)

    def test_too_little_space(self):
        free = shutil.disk_usage(self.there.root).free
        self.refuse(exception.DiskFull, 'second', '%d MiB' % (
            2 * free // MIB), needed=2 * free)

    def test_no_such_folder(self):
        shutil.rmtree(self.there.root)
        self.refuse(exception.ToolRefused, HOST, self.there.root)

    def test_an_answer_that_is_none(self):
        self.runner = self.host._ssh._runner = stubs.ScriptedRunner(
            (0, 'Welcome!\n'), (0, ''), (0, '{"outcome": "done"}'))
        self.refuse(exception.ToolRefused, 'Welcome!', 'authorized_keys')
        self.refuse(exception.ToolRefused, HOST)
        self.refuse(exception.InvalidConfiguration, 'second', 'space')

    def test_paths_differ_and_may_have_any_characters(self):
        self.there = layout.Layout(self.there.root + '/a b;$c', '_base')
        self.there.prepare()
        self.use(self.there.root)
        self.put(self.layout.prepared(UUID))
        self.examine()
        self.host.send(self.destination(), UUID)
        self.assertEqual(['root.vmdk'],
                         os.listdir(self.there.prepared(UUID)))

    def test_sent_folder_gets_its_name_last(self):
        self.put(self.layout.prepared(UUID))
        self.host.send(self.destination(), UUID)
        self.assertTrue(os.path.exists(os.path.join(
            self.there.prepared(UUID), 'root.vmdk')))
        self.assertFalse(os.path.exists(self.there.preparing(UUID)))
        self.host.discard(HOST, UUID)
        self.assertFalse(os.path.exists(self.there.prepared(UUID)))
        self.assertTrue(os.path.exists(self.layout.prepared(UUID)))

    def test_a_move_takes_two_processes(self):
        self.put(self.layout.prepared(UUID))
        self.examine()
        self.host.send(self.destination(), UUID)
        self.assertEqual(2, len(self.runner.requests))

    def test_requests_name_no_paths(self):
        self.put(self.layout.prepared(UUID))
        self.examine(node_id=NODE)
        self.host.send(self.destination(node_id=NODE), UUID)
        self.host.discard(HOST, UUID)
        for request in self.runner.requests:
            self.assertNotIn('/', ' '.join(request))
            self.assertRegex(' '.join(request),
                             '^nova-vmrun-receive [a-z0-9 -]+$')
