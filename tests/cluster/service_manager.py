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

"""systemd, as the service manager of a user on one of the machines."""

import os
import subprocess

import fixtures

from nova_vmrun.aio import processes
from tests.cluster import machines

PROGRAM = '/lib/systemd/systemd'
_SECONDS = 120
# Run as an ordinary program, systemd looks whether it is the system's, too.
_START = """
mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd &&
mkdir /run/systemd/system && exec "$0" --user
"""


class ServiceManager(fixtures.Fixture):
    """A service manager for the user who runs programs on a machine.

    :param machine: gets the variables by which programs find it
    :param folder: for its files, and the user's
    """

    def __init__(self, machine: machines.Machine, folder: str) -> None:
        super().__init__()
        self._machine = machine
        self._folder = folder

    def _setUp(self) -> None:
        for variable, name in (('XDG_RUNTIME_DIR', 'runtime'),
                               ('HOME', 'home')):
            path = os.path.join(self._folder, name)
            os.mkdir(path, 0o700)
            self._machine.environ[variable] = path
        # "ip netns exec" would hide the control groups.
        self._process = subprocess.Popen(
            ['nsenter', '--net=/run/netns/' + self._machine.name,
             'unshare', '--mount', 'sh', '-c', _START, PROGRAM],
            stdin=subprocess.DEVNULL, env=self._machine.variables(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self._stop)
        if not processes.wait_until(
                lambda: 'PATH=' in self.control('show-environment',
                                                status=None), _SECONDS):
            raise AssertionError('systemd does not answer')

    def _stop(self) -> None:
        self.control('exit', status=None)
        try:
            self._process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def control(self, *words: str, status: int | None = 0) -> str:
        """Run systemctl and return what it prints.

        :param status: the exit status that it must have; None: any
        """
        return self._machine.run('systemctl', '--user', '--no-pager', *words,
                                 status=status)
