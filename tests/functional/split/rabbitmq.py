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

"""A RabbitMQ for one test, on loopback, run by an ordinary user."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time

import fixtures
from testtools import content

# Debian's rabbitmq-server in PATH must run as root and changes the user; this
# is the program that it starts.
SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server'
START_TIMEOUT = 60
STOP_TIMEOUT = 15


def missing():
    """Return what is not installed, or None."""
    if not os.access(SERVER, os.X_OK):
        return 'rabbitmq-server is not installed: there is no %s' % SERVER
    if not shutil.which('epmd'):
        return "Erlang's epmd is not in PATH"
    return None


def free_ports(count):
    """Return TCP ports on 127.0.0.1 that nothing listens on."""
    with contextlib.ExitStack() as stack:
        # Hold all of them, so that no port is returned twice.
        return [stack.enter_context(socket.create_server(
            ('127.0.0.1', 0))).getsockname()[1] for _ in range(count)]


def accepts(port):
    """Return whether something listens on 127.0.0.1:port."""
    try:
        socket.create_connection(('127.0.0.1', port), timeout=1).close()
    except OSError:
        return False
    return True


class RabbitMQ(fixtures.Fixture):
    """Starts the broker and its port mapper, and kills both at the end.

    Once set up, transport_url is what oslo.messaging wants. The broker may
    still be starting: see wait_until_ready.
    """

    def _setUp(self):
        self._base = self.useFixture(fixtures.TempDir()).path
        self._ports = dict(zip(('amqp', 'dist', 'epmd'), free_ports(3)))
        self._password = secrets.token_hex(16)
        self.transport_url = 'rabbit://nova:%s@127.0.0.1:%d/' % (
            self._password, self._ports['amqp'])
        self._write_config()
        # Use a separate mapper: the broker would leave one running, which
        # other Erlang programs on this machine might use.
        mapper = self._start('epmd', ['epmd'])
        self._wait_until_accepted(mapper, 'epmd')
        self._broker = self._start('broker', [SERVER])

    def wait_until_ready(self):
        """Wait for the broker, which takes seconds to start.

        :raises RuntimeError: it ended, or did not become ready
        """
        self._wait_until_accepted(self._broker, 'amqp')

    def _path(self, name):
        return os.path.join(self._base, name)

    def _write_config(self):
        with open(self._path('rabbitmq.conf'), 'w') as stream:
            stream.write('listeners.tcp.1 = 127.0.0.1:%d\n'
                         'default_user = nova\n'
                         'default_pass = %s\n'
                         'disk_free_limit.absolute = 1MB\n'
                         % (self._ports['amqp'], self._password))
        with open(self._path('plugins'), 'w') as stream:
            stream.write('[].')

    def _environment(self):
        return {
            'PATH': os.environ['PATH'],
            'LC_ALL': 'C.UTF-8',
            'HOME': self._base,
            'ERL_EPMD_ADDRESS': '127.0.0.1',
            'ERL_EPMD_PORT': str(self._ports['epmd']),
            'RABBITMQ_NODENAME': 'nova-vmrun-%d@localhost' % os.getpid(),
            'RABBITMQ_DIST_PORT': str(self._ports['dist']),
            'RABBITMQ_CONF_ENV_FILE': os.devnull,
            'RABBITMQ_CONFIG_FILE': self._path('rabbitmq.conf'),
            'RABBITMQ_ENABLED_PLUGINS_FILE': self._path('plugins'),
            'RABBITMQ_MNESIA_BASE': self._path('mnesia'),
            'RABBITMQ_LOG_BASE': self._path('log'),
            'RABBITMQ_LOGS': '-',
            'RABBITMQ_PID_FILE': self._path('pid'),
            # Makes the script become the broker, not its parent.
            'RABBITMQ_ALLOW_INPUT': '1',
            'RABBITMQ_SERVER_START_ARGS': '-noinput',
            'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS':
                '-kernel inet_dist_use_interface {127,0,0,1} +S 2:2',
        }

    def _start(self, name, command):
        log = open(self._path(name + '.out'), 'w+')
        self.addCleanup(log.close)
        self.addDetail(name, content.content_from_file(
            log.name, buffer_now=False))
        process = subprocess.Popen(
            command, env=self._environment(), cwd=self._base,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True)
        self.addCleanup(self._kill, process)
        return process

    def _kill(self, process):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_TIMEOUT)

    def _wait_until_accepted(self, process, port):
        deadline = time.monotonic() + START_TIMEOUT
        while not accepts(self._ports[port]):
            if process.poll() is not None:
                raise RuntimeError('%s ended with exit code %d' % (
                    process.args[0], process.returncode))
            if time.monotonic() > deadline:
                raise RuntimeError('%s did not listen on port %d within %d s'
                                   % (process.args[0], self._ports[port],
                                      START_TIMEOUT))
            time.sleep(0.05)
