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
import socket
import subprocess
import sys
import types
from unittest import mock

import psutil

from nova_vmrun.host import listeners
from tests.unit import base

_LISTEN = '''
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
'''
# Another process that it starts listens.
_PARENT = '''
import subprocess, sys
subprocess.run([sys.executable, "-c", sys.argv[1]])
'''


class ListenersTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        if not sys.platform.startswith('linux'):
            self.skipTest('this system does not tell')

    def hidden(self):
        """Let no process list its connections."""
        return mock.patch.object(psutil.Process, 'net_connections',
                                 side_effect=psutil.AccessDenied(1))

    def run_python(self, *arguments):
        process = subprocess.Popen(
            [sys.executable, '-c', *arguments], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        return process.pid, int(process.stdout.readline())

    def test_process_listens(self):
        with socket.create_server(('127.0.0.1', 0)) as own:
            pid, port = self.run_python(_LISTEN)
            own_port = own.getsockname()[1]
            self.assertIs(True, listeners.is_listening(port, pid))
            self.assertIs(True, listeners.is_listening(own_port, os.getpid()))
            self.assertIs(False, listeners.is_listening(own_port, pid))

    def test_child_process_listens(self):
        pid, port = self.run_python(_PARENT, _LISTEN)
        self.assertIs(True, listeners.is_listening(port, pid))

    def test_nobody_listens(self):
        with socket.socket() as bound:
            bound.bind(('127.0.0.1', 0))
            self.assertIs(False, listeners.is_listening(
                bound.getsockname()[1], os.getpid()))

    def test_listing_needs_root_on_macos(self):
        """Each of our own processes lists its connections."""
        with mock.patch('psutil.net_connections',
                        side_effect=psutil.AccessDenied()):
            self.test_process_listens()
            self.test_nobody_listens()

    def test_child_has_just_ended(self):
        with mock.patch.object(psutil.Process, 'net_connections',
                               side_effect=psutil.NoSuchProcess(5)):
            self.assertIs(False, listeners.is_listening(5900, os.getpid()))

    def test_process_denies_access(self):
        hidden = types.SimpleNamespace(
            pid=None, status=psutil.CONN_LISTEN,
            laddr=types.SimpleNamespace(port=5900))
        with self.hidden(), mock.patch('psutil.net_connections',
                                       return_value=[hidden]):
            self.assertIsNone(listeners.is_listening(5900, os.getpid()))
            self.assertIs(False, listeners.is_listening(5901, os.getpid()))

    def test_system_does_not_say(self):
        with self.hidden(), mock.patch('psutil.net_connections',
                                       side_effect=psutil.AccessDenied(1)):
            self.assertIsNone(listeners.is_listening(5900, os.getpid()))
