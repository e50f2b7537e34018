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

"""QMP, the protocol by which a running QEMU is told what to do."""

import json
import socket
import time

from vmwarefake.engine import base

_POLL = 0.01
_NO_LIMIT = 1 << 40         # bytes a second


class Refused(base.EngineError):
    """QEMU answered with an error."""

    def __init__(self, command, text):
        super().__init__('msg.engine.qmp', '%s: %s' % (command, text))


class Gone(base.EngineError):
    """There is no QEMU, or no longer."""

    def __init__(self, reason):
        super().__init__('msg.engine.gone', 'QEMU does not answer: %s'
                         % reason)


class Monitor(object):
    """A connection to a QEMU; a context manager that ends it.

    QEMU talks to one client at a time, so keep it no longer than needed.

    :param folder: qemu_sockets.Folder.
    :param name: the socket in it.
    :param timeout: in seconds, for each answer.
    :raises Gone: when QEMU is not there.
    """

    def __init__(self, folder, name='qmp', timeout=30):
        try:
            self._sock = folder.connect(name, timeout)
        except OSError as e:
            raise Gone(e)
        self._file = self._sock.makefile('rb')
        self._events = []
        self._receive()
        self.command('qmp_capabilities')

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self._file.close()
        self._sock.close()

    def _receive(self):
        try:
            line = self._file.readline()
        except OSError as e:
            raise Gone(e)
        if not line:
            raise Gone('it has ended')
        return json.loads(line)

    def command(self, name, arguments=None, fd=None):
        """Run one command and return what it returns.

        :param fd: a descriptor to go with it (``getfd`` takes one).
        :raises Refused: when QEMU answers with an error.
        """
        message = {'execute': name}
        if arguments:
            message['arguments'] = arguments
        data = json.dumps(message).encode('ascii')
        try:
            if fd is None:
                self._sock.sendall(data)
            else:
                socket.send_fds(self._sock, [data], [fd])
        except OSError as e:
            raise Gone(e)
        while True:
            answer = self._receive()
            if 'return' in answer:
                return answer['return']
            if 'error' in answer:
                raise Refused(name, answer['error'].get('desc', ''))
            if 'event' in answer:
                self._events.append(answer['event'])

    def wait_event(self, name, timeout):
        """Wait for an event, also one that came before.

        :param timeout: in seconds.
        :returns: False when it did not come.
        """
        end = time.monotonic() + timeout
        while name not in self._events:
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._sock.settimeout(left)
            try:
                answer = self._receive()
            except base.EngineError:
                return False
            self._events.append(answer.get('event'))
        return True

    def status(self):
        """The run state: running, paused, inmigrate, postmigrate, ..."""
        return self.command('query-status')['status']

    def wait_until_loaded(self, timeout):
        """Wait for a saved state to be loaded.

        :param timeout: in seconds.
        :returns: False when it takes longer.
        """
        end = time.monotonic() + timeout
        while self.status() == 'inmigrate':
            if time.monotonic() > end:
                return False
            time.sleep(_POLL)
        return True

    def give(self, name, fd):
        """Hand a descriptor over, to be known there by ``name``."""
        self.command('getfd', {'fdname': name}, fd)

    def save(self, fd):
        """Write the machine's state to a descriptor.

        The machine must stand still; it does so afterwards too.

        :raises base.EngineError: when it cannot be saved.
        """
        self.command('migrate-set-parameters', {'max-bandwidth': _NO_LIMIT})
        self.give('memory', fd)
        self.command('migrate', {'uri': 'fd:memory'})
        while True:
            done = self.command('query-migrate')
            if done.get('status') == 'completed':
                return
            if done.get('status') in ('failed', 'cancelled'):
                raise base.EngineError(
                    'msg.checkpoint.save',
                    done.get('error-desc') or 'the state was not saved')
            time.sleep(_POLL)
