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

"""A real iSCSI target on the loopback interface: tgtd, run by this user."""

import os
import shutil
import signal
import subprocess
import time

import fixtures

from tests.contract import ports

IQN = 'iqn.2010-10.org.openstack:volume-%d'
_PROGRAMS = ('tgtd', 'tgtadm')
# An ordinary user's PATH may not have it.
_FOLDERS = os.pathsep.join((os.environ['PATH'], '/usr/sbin', '/sbin'))
_SECONDS = 60


def is_installed() -> bool:
    return all(map(_program, _PROGRAMS))


def _program(name: str) -> str | None:
    return shutil.which(name, path=_FOLDERS)


class Target(fixtures.Fixture):
    """tgtd with one target and one LUN for each volume.

    :ivar portal: address and port
    :ivar user: for CHAP, at all targets
    :ivar password: of that user
    """

    user = 'cinder'
    password = 'a,"b=c 12345'

    def _setUp(self) -> None:
        self._folder = self.useFixture(fixtures.TempDir()).path
        self._sizes: dict[int, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self.portal = '127.0.0.1:%d' % ports.free()
        self.start()
        self.addCleanup(self.kill)

    def start(self) -> None:
        """Start tgtd with all volumes, as after a restart of its host."""
        with open(os.path.join(self._folder, 'log'), 'ab') as log:
            self._process = subprocess.Popen(
                [str(_program('tgtd')), '-f', '-C', '1', '--iscsi',
                 'portal=' + self.portal],
                env=self._env(), stdout=log, stderr=log)
        deadline = time.monotonic() + _SECONDS
        while self._run('--mode', 'system', '--op', 'show').returncode:
            if time.monotonic() > deadline:
                raise RuntimeError('tgtd does not start; see its log in %s'
                                   % self._folder)
            time.sleep(0.05)
        for number in self._sizes:
            self._add(number)

    def kill(self) -> None:
        """End tgtd as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Let tgtd accept connections, but answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def add(self, size: int) -> int:
        """Make a volume of so many bytes and return its number."""
        number = len(self._sizes) + 1
        path = os.path.join(self._folder, 'volume-%d' % number)
        with open(path, 'wb') as file:
            file.truncate(size)
        self._sizes[number] = path
        self._add(number)
        return number

    def content(self, number: int) -> str:
        """Return the path of the file with a volume's bytes."""
        return self._sizes[number]

    def grow(self, number: int, size: int) -> None:
        """Make a volume larger."""
        os.truncate(self._sizes[number], size)
        self.take_away(number)
        self._show(number)

    def take_away(self, number: int) -> None:
        """Remove a volume's LUN, but not its target."""
        self._admin('--mode', 'logicalunit', '--op', 'delete',
                    '--tid', str(number), '--lun', '1')

    def connection_info(self, number: int, volume_id: str,
                        **changes: object) -> dict[str, object]:
        """Return what Cinder's LVM driver says of a volume, and Nova adds."""
        return {
            'driver_volume_type': 'iscsi', 'serial': volume_id,
            'data': {
                'target_discovered': False, 'target_portal': self.portal,
                'target_iqn': IQN % number, 'target_lun': 1,
                'volume_id': volume_id, 'auth_method': 'CHAP',
                'auth_username': self.user, 'auth_password': self.password,
                'encrypted': False, 'qos_specs': None, 'access_mode': 'rw',
                'cacheable': False, 'enforce_multipath': False, **changes}}

    def _add(self, number: int) -> None:
        tid = '--tid', str(number)
        self._admin('--mode', 'target', '--op', 'new', *tid,
                    '--targetname', IQN % number)
        self._show(number)
        # One that exists already is refused, and that is fine.
        self._run('--mode', 'account', '--op', 'new', '--user', self.user,
                  '--password', self.password)
        self._admin('--mode', 'account', '--op', 'bind', *tid,
                    '--user', self.user)
        self._admin('--mode', 'target', '--op', 'bind', *tid, '-I', 'ALL')

    def _show(self, number: int) -> None:
        self._admin('--mode', 'logicalunit', '--op', 'new',
                    '--tid', str(number), '--lun', '1',
                    '--backing-store', self._sizes[number])

    def _admin(self, *words: str) -> None:
        result = self._run(*words)
        if result.returncode:
            raise RuntimeError('tgtadm %s: %s' % (
                ' '.join(words), result.stderr.decode()))

    def _run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [str(_program('tgtadm')), '-C', '1', '--lld', 'iscsi', *words],
            env=self._env(), capture_output=True, timeout=_SECONDS)

    def _env(self) -> dict[str, str]:
        return {**os.environ,
                'TGT_IPC_SOCKET': os.path.join(self._folder, 'ipc')}
