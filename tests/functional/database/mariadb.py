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

"""A MariaDB server of Debian's package, run by hand in a folder."""

import getpass
import pathlib
import shutil
import subprocess
import tempfile

import fixtures
import sqlalchemy
from sqlalchemy import pool

_INSTALL, _SERVER, _ADMIN = ('mariadb-install-db', 'mariadbd',
                             'mariadb-admin')
_FOLDERS = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin'
_TIMEOUT = 300
_OWN = {'information_schema', 'mysql', 'performance_schema', 'sys'}
PASSWORD = 'pass%word$/@'


def missing() -> str | None:
    """Return what is not installed, or None."""
    names = [name for name in (_INSTALL, _SERVER, _ADMIN)
             if not shutil.which(name, path=_FOLDERS)]
    return 'not installed: %s' % ', '.join(names) if names else None


class MariaDb(fixtures.Fixture):
    """A server on loopback with two users, nova and guest.

    :param port: on which it listens
    """

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def _setUp(self) -> None:
        # The path of a socket has at most 107 characters.
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir(
            tempfile.gettempdir())).path)
        self._run(_INSTALL, '--user=%s' % getpass.getuser(),
                  '--auth-root-authentication-method=normal',
                  '--skip-test-db')
        self.start()
        self.addCleanup(self.stop)

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        init = self.folder / 'init.sql'
        init.write_text(''.join(
            "CREATE USER IF NOT EXISTS '%s'@'127.0.0.1' IDENTIFIED BY '%s';\n"
            % (user, PASSWORD) for user in ('nova', 'guest')) +
            "GRANT ALL ON *.* TO nova@'127.0.0.1';\n")
        with open(self.folder / 'log', 'ab') as log:
            self._process = subprocess.Popen(
                [self._path(_SERVER), '--no-defaults',
                 '--user=%s' % getpass.getuser(),
                 '--datadir=%s' % (self.folder / 'data'),
                 '--socket=%s' % (self.folder / 'socket'),
                 '--pid-file=%s' % (self.folder / 'pid'),
                 '--bind-address=127.0.0.1', '--port=%d' % self._port,
                 '--init-file=%s' % init],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._ask('--connect-timeout=240', '--wait=240', 'ping')

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(_TIMEOUT)

    def databases(self) -> set[str]:
        """Return the names of all databases but the server's own."""
        engine = sqlalchemy.create_engine(self.url().replace(
            'mysql', 'mysql+pymysql', 1), poolclass=pool.NullPool)
        return set(sqlalchemy.inspect(engine).get_schema_names()) - _OWN

    def url(self, path: str = '', user: str = 'nova') -> str:
        """Return the URL of the server for one of its users."""
        return 'mysql://%s:pass%%25word%%24%%2F%%40@127.0.0.1:%d/%s' % (
            user, self._port, path)

    def _ask(self, *words: str) -> None:
        subprocess.run(
            [self._path(_ADMIN), '--no-defaults', '--user=root',
             '--socket=%s' % (self.folder / 'socket'), *words],
            check=True, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=_TIMEOUT)

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [self._path(program), '--no-defaults',
             '--datadir=%s' % (self.folder / 'data'), *words],
            check=True, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=_TIMEOUT)

    def _path(self, program: str) -> str:
        return str(shutil.which(program, path=_FOLDERS))
