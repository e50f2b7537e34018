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

"""nova-compute is killed at each step of connecting and disconnecting."""

from collections import abc
import os
import signal
import sys
import threading

import psutil

from nova_vmrun.volumes import initiator
from tests.iscsi import base

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_STEPS = frozenset({'os.mkdir', 'os.rename', 'os.remove', 'os.rmdir',
                    'os.chmod', 'os.kill', 'subprocess.Popen'})


class CrashTestCase(base.TestCase):

    def setUp(self) -> None:
        super().setUp()
        # It is made once for each host, not for each volume.
        initiator.name(self.layout)

    def crash(self, operation: abc.Callable[[], object], last: int) -> bool:
        """Run an operation in a child that dies at a step.

        :param last: the number of the step that is not reached, from 0
        :returns: whether the operation has so many steps
        """
        pid = os.fork()
        if not pid:
            try:
                sys.addaudithook(self._killer(last))
                operation()
                os._exit(0)
            finally:
                os._exit(1)
        _pid, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            self.assertEqual(signal.SIGKILL, os.WTERMSIG(status))
            return True
        self.assertEqual(0, os.WEXITSTATUS(status))
        return False

    def wait_for_programs(self) -> None:
        """Wait for a program whose start was the last step.

        It ends, or it is the daemon and has written its pid file.
        """
        def have_started() -> bool:
            found = {process.pid
                     for process in psutil.process_iter(['cmdline'])
                     if any(self.layout.root in word
                            for word in process.info['cmdline'] or ())}
            return found <= self.recorded()

        self.wait_until(have_started)

    def recorded(self) -> set[int]:
        """Return the process in the pid file, if there is one."""
        try:
            with open(os.path.join(self.folder(), 'daemon.pid')) as file:
                return {int(file.read())}
        except (FileNotFoundError, ValueError):
            return set()

    def _killer(self, last: int) -> abc.Callable[[str, tuple], None]:
        steps = iter(range(last))

        def hook(event: str, words: tuple) -> None:
            if event in _STEPS or (event == 'open' and words[2] and
                                   words[2] & _WRITES and
                                   str(words[0]).startswith(
                                       self.layout.root)):
                if next(steps, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)

        # Sending the signal is an event itself.
        done = threading.Event()

        def once(event: str, words: tuple) -> None:
            if not done.is_set():
                if event == 'os.kill' and words[0] == os.getpid():
                    done.set()
                else:
                    hook(event, words)

        return once

    def test_connect(self):
        step = 0
        while self.crash(self.connect, step):
            self.wait_for_programs()
            if step % 2:
                self.assertEqual(base.SIZE, os.path.getsize(self.connect()))
            self.connector.disconnect(self.server, self.volume_id)
            self.assert_nothing_left()
            step += 1
        self.assertGreater(step, 10)

    def test_disconnect(self):
        step = 0
        self.connect()
        while self.crash(lambda: self.connector.disconnect(
                self.server, self.volume_id), step):
            self.wait_for_programs()
            if step % 2:
                self.assertEqual(base.SIZE, os.path.getsize(self.connect()))
            self.connector.disconnect(self.server, self.volume_id)
            self.assert_nothing_left()
            self.connect()
            step += 1
        self.assertGreater(step, 8)
        self.assert_nothing_left()
