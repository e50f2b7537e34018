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
import pathlib
import time
from unittest import mock

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.aio import lock
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import cloud
from nova_vmrun.cluster.first import draining
from nova_vmrun.cluster.first import fencing
from nova_vmrun.cluster.first import listing
from nova_vmrun.cluster.first import removal
from nova_vmrun.cluster.first import tokens
from nova_vmrun.cluster.node import departure
from nova_vmrun.cluster.node import join
from nova_vmrun.cluster.node import left_behind
from nova_vmrun.cluster.node import membership
from nova_vmrun.cluster.node import supervisor
from nova_vmrun.cmd import node
from tests.unit.aio import base
from tests.unit.cluster import test_token_file
from tests.unit.cmd import commands


class FirstCase(base.TestCase):
    """Commands on the first machine."""

    def setUp(self):
        super().setUp()
        self.settings = aio_settings.Settings(host='laptop',
                                              bus=aio_settings.OWN_BUS)
        self.settings.save(self.layout)
        self.nova = self.useFixture(fixtures.MockPatchObject(
            cloud, 'connect')).mock.return_value

    def run_command(self, command, *words):
        return commands.run(command, '--state-dir', str(self.layout.root),
                            *words)

    def test_token(self):
        make = self.useFixture(fixtures.MockPatchObject(
            tokens, 'make', return_value=test_token_file.TOKEN)).mock
        path = self.layout.root / 'file'
        status, out, _ = self.run_command(
            node.Token, 'lab-2', '--minutes', '5', '--address', '192.0.2.1',
            '--output', str(path))
        self.assertEqual(0, status)
        self.assertIn('nova-vmrun node join file', out)
        self.assertEqual(0o600, path.stat().st_mode & 0o777)
        make.assert_called_once_with(mock.ANY, self.settings, 'lab-2', 5,
                                     ['192.0.2.1'])

    def test_when_a_token_expires(self):
        now = int(time.mktime((2026, 12, 31, 22, 0, 0, 0, 0, -1)))
        self.useFixture(fixtures.MockPatchObject(
            time, 'time', return_value=now))
        for later, expected in (
                (3600, 'before 23:00, and run'),
                (3 * 3600, 'before 01:00 on 2027-01-01, and run'),
                (365 * 86400, 'before 22:00 on 2027-12-31, and run')):
            self.useFixture(fixtures.MockPatchObject(
                tokens, 'make', return_value=dataclasses.replace(
                    test_token_file.TOKEN, expires=now + later)))
            _, out, _ = self.run_command(
                node.Token, 'lab-2', '--output',
                str(self.layout.root / 'file'))
            self.assertIn(expected, out)

    def test_minutes(self):
        for text in ('0', '-1', '10081', 'x'):
            self.assertRaises(SystemExit, self.run_command, node.Token,
                              'lab-2', '--minutes', text)

    def test_no_bus(self):
        self.settings.bus = aio_settings.NO_BUS
        self.settings.save(self.layout)
        for command, words in ((node.Token, ['x']), (node.List, []),
                               (node.Leave, ['x']), (node.Drain, ['x']),
                               (node.Fenced, ['x'])):
            error = self.assertRaises(errors.AioError, self.run_command,
                                      command, *words)
            self.assertIn('aio up --bus', error.resolution)

    def test_list(self):
        self.useFixture(fixtures.MockPatchObject(
            listing, 'rows', return_value=[
                ('lab-2', 'up', 'enabled', 3, '192.0.2.7', '34.0.0', '1.0.0',
                 '20100-20199')]))
        _, out, _ = self.run_command(node.List, '-f', 'csv')
        self.assertIn('"lab-2","up","enabled",3,', out)

    def test_leave(self):
        leave = self.useFixture(fixtures.MockPatchObject(removal,
                                                         'leave')).mock
        _, out, _ = self.run_command(node.Leave, 'lab-2')
        self.assertEqual('Node lab-2 has left the cloud.\n', out)
        leave.assert_called_once_with(mock.ANY, self.settings, 'lab-2', False)
        self.run_command(node.Leave, 'lab-2', '--insist')
        leave.assert_called_with(mock.ANY, self.settings, 'lab-2', True)

    def test_drain(self):
        drain = self.useFixture(fixtures.MockPatchObject(
            draining.Drain, 'drain', return_value=[])).mock
        _, out, _ = self.run_command(node.Drain, 'lab-2')
        self.assertIn('Node lab-2 has no servers.', out)
        drain.return_value = [draining.Left('id', 'web', 'it is PAUSED')]
        error = self.assertRaises(errors.AioError, self.run_command,
                                  node.Drain, 'lab-2')
        self.assertEqual('Node lab-2 could not be drained, because of 1 '
                         'server.', error.brief)
        self.assertIn('web (id): it is PAUSED.', error.details)
        self.run_command(node.Drain, 'lab-2', '--undo')
        self.nova.set_disabled.assert_called_once_with('lab-2', '')

    def test_fenced(self):
        fence = self.useFixture(fixtures.MockPatchObject(
            fencing, 'fence', return_value=True)).mock
        _, out, _ = self.run_command(node.Fenced, 'lab-2')
        fence.assert_called_once_with(mock.ANY, self.settings, 'lab-2',
                                      self.nova, False)
        self.assertIn('used again by itself', out)
        fence.return_value = False
        _, out, _ = self.run_command(node.Fenced, 'host3', '--insist')
        fence.assert_called_with(mock.ANY, self.settings, 'host3', self.nova,
                                 True)
        self.assertIn('compute service set --up host3 nova-compute', out)


class NodeCase(base.TestCase):
    """Commands on a node."""

    def setUp(self):
        super().setUp()
        self.layout.node.mkdir()
        self.member = membership.Membership(
            'lab-2', 'tester', ['192.0.2.1'], 2222, {}, 20100, {})
        self.token = self.layout.root.parent / 'token'
        test_token_file.TOKEN.write(pathlib.Path(self.token))
        for name in ('join', 'require_unit', 'start_unit',
                     'run_in_foreground'):
            self.useFixture(fixtures.MockPatchObject(
                join.Join, name, return_value=self.member))
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.aio.programs.require'))
        self.useFixture(fixtures.MockPatchObject(node, '_until_signal'))
        self.useFixture(fixtures.MockPatchObject(node, '_PATIENCE', 0))
        self.unit = contextlib.ExitStack()
        self.useFixture(fixtures.MockPatchObject(
            join.Join, 'unit_stopped', side_effect=lambda: self.unit))

    def run_command(self, command, *words):
        return commands.run(command, '--state-dir', str(self.layout.root),
                            *words)

    def test_join_as_a_unit(self):
        self.assertEqual(0, self.run_command(node.Join, str(self.token))[0])
        join.Join.start_unit.assert_called_once_with(self.member)
        join.Join.require_unit.assert_called_once_with()
        join.Join.unit_stopped.assert_called_once_with()
        join.Join.run_in_foreground.assert_not_called()

    def test_join_at_another_address(self):
        self.useFixture(fixtures.MockPatchObject(
            join, 'Join', wraps=join.Join))
        self.run_command(node.Join, str(self.token), '--address',
                         '192.0.2.9', '--address', 'lab-1.example')
        self.assertEqual(['192.0.2.9', 'lab-1.example'],
                         join.Join.call_args.args[1].addresses)

    def test_join_in_the_foreground(self):
        self.run_command(node.Join, str(self.token), '--foreground')
        join.Join.run_in_foreground.assert_called_once()
        join.Join.require_unit.assert_not_called()
        join.Join.start_unit.assert_not_called()

    def test_join_again_while_the_unit_runs(self):
        """The unit gives the lock away before it is asked for."""
        running = lock.hold(self.layout, lock.NODE)
        running.__enter__()
        stopping = contextlib.contextmanager(
            lambda: (yield running.__exit__(None, None, None)))
        self.unit = stopping()
        self.assertEqual(0, self.run_command(node.Join, str(self.token))[0])

    def test_join_while_the_node_runs_in_the_foreground(self):
        with lock.hold(self.layout, lock.NODE):
            error = self.assertRaises(errors.AioError, self.run_command,
                                      node.Join, str(self.token))
        self.assertIn('Ctrl-C', error.resolution)
        join.Join.join.assert_not_called()

    def test_what_holds_the_lock_while_a_node_runs(self):
        def refuse(*_):
            error = self.assertRaises(errors.AioError, self.run_command,
                                      node.Join, str(self.token))
            self.assertIn('The node in', error.brief)

        join.Join.run_in_foreground.side_effect = refuse
        self.run_command(node.Join, str(self.token), '--foreground')
        join.Join.run_in_foreground.assert_called_once()

    def test_no_token(self):
        error = self.assertRaises(errors.AioError, self.run_command,
                                  node.Join, '/no/such')
        self.assertIn('cannot be read', str(error))

    def test_the_directory_of_a_control_plane(self):
        self.settings.save(self.layout)
        error = self.assertRaises(errors.AioError, self.run_command,
                                  node.Join, str(self.token))
        self.assertIn('holds a control plane', str(error))

    def test_run(self):
        error = self.assertRaises(errors.AioError, self.run_command,
                                  node.Run)
        self.assertIn('There is no node', str(error))
        self.member.save(self.layout)
        run = self.useFixture(fixtures.MockPatchObject(
            supervisor.Supervisor, 'run', side_effect=lambda *_: (
                self.assertIn(' node', self.layout.lock.read_text())))).mock
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.aio.gateway.sshd.find', return_value='/sbin/sshd'))
        self.assertEqual(0, self.run_command(node.Run)[0])
        run.assert_called_once()

    def test_leave(self):
        self.member.save(self.layout)
        leave = self.useFixture(fixtures.MockPatchObject(departure,
                                                         'leave')).mock
        leave.return_value = [
            left_behind.Vm('a', '/a/a.vmx', 'stopped', '', ''),
            left_behind.Vm('b', '/b/b.vmx', 'foreign', 'it is foreign', '')]
        _, out, _ = self.run_command(node.Leave)
        self.assertEqual(
            'Stopped a VM that was still running; its files stay: /a/a.vmx.\n'
            'A VM runs on, because it is foreign: /b/b.vmx.\n'
            'Node lab-2 has left the cloud.\n', out)
        leave.assert_called_once_with(mock.ANY, self.member, False)

    def test_an_operator_says_that_the_node_was_removed_on_purpose(self):
        self.member.save(self.layout)
        leave = self.useFixture(fixtures.MockPatchObject(
            departure, 'leave', return_value=[])).mock
        self.run_command(node.Leave, '--insist')
        leave.assert_called_once_with(mock.ANY, self.member, True)
