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

"""The state directory, which holds everything of one control plane.

Nothing is written anywhere else, so removing the directory removes the control
plane.
"""

from collections.abc import Mapping
import os
import pathlib
import re

from nova_vmrun.aio import errors

# All possible services, in the order in which they are shown.
# Settings.services lists those that run.
SERVICES = ('rabbitmq', 'keystone', 'glance', 'neutron', 'nova', 'compute',
            'cinder', 'horizon', 'gateway')

# These characters are safe in oslo.config files, in SQLAlchemy URLs and in
# VMware disk descriptors, which cannot hold a double quote.
_SAFE_PATH = re.compile(r"[\w./+@=~ '()-]+")

_MARKER = 'aio.json'


def default_state_dir(environ: Mapping[str, str] = os.environ) -> str:
    """Return the directory that is used if the user names none.

    :param environ: environment variables
    :returns: $XDG_STATE_HOME/nova-vmrun, or ~/.local/state/nova-vmrun
    """
    base = environ.get('XDG_STATE_HOME')
    if not base or not os.path.isabs(base):
        base = os.path.join(os.path.expanduser('~'), '.local', 'state')
    return os.path.join(base, 'nova-vmrun')


class Layout:
    """Paths inside a state directory.

    :param state_dir: the directory; need not exist
    :raises AioError: the path has characters that configuration files cannot
        hold
    """

    def __init__(self, state_dir: str | os.PathLike[str]) -> None:
        self.root = pathlib.Path(os.path.realpath(state_dir))
        if not _SAFE_PATH.fullmatch(str(self.root)):
            raise errors.AioError(
                'The state directory %r cannot be used.' % str(self.root),
                'Its path has characters that the configuration files of '
                'OpenStack or the disks of VMware cannot hold.',
                'Choose another with --state-dir: letters, digits, blanks '
                "and ./+@=~'()- are fine.")
        self.settings = self.root / _MARKER
        self.secrets = self.root / 'secrets.json'
        self.lock = self.root / 'lock'
        self.etc = self.root / 'etc'
        self.databases = self.root / 'databases'
        self.keys = self.root / 'keys'
        # The certificates of TLS; the first is what clients need.
        self.tls = self.root / 'tls'
        self.ca = self.tls / 'ca.pem'
        self.logs = self.root / 'logs'
        self.run = self.root / 'run'
        self.cache = self.root / 'cache'
        self.images = self.root / 'images'
        self.nova_state = self.root / 'nova'
        self.instances = self.root / 'instances'
        self.cinder_state = self.root / 'cinder'
        self.volumes = self.root / 'volumes'
        self.backups = self.root / 'backups'
        self.bus = self.root / 'bus'
        self.horizon_state = self.root / 'horizon'
        # What the first machine of a cloud has for nodes, and what a node has.
        self.nodes = self.root / 'nodes'
        self.node = self.root / 'node'
        self.fakes = self.root / 'fakes-bin'
        self.fake_state = self.root / 'fake-vmware'
        self.openrc = self.root / 'openrc'
        self.openrc_demo = self.root / 'openrc-demo'
        self.clouds = self.root / 'clouds.yaml'
        self.ssh_config = self.root / 'ssh_config'
        self.demo_key = self.root / 'demo-key'
        self.known_hosts = self.root / 'known_hosts'

    @property
    def exists(self) -> bool:
        """Whether the directory holds one of our control planes."""
        return self.settings.exists()

    def create(self) -> None:
        """Create the directories, inaccessible to other users.

        :raises AioError: a directory cannot be made, or is someone else's
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.exists and self._strangers():
                raise errors.AioError(
                    '%s holds other files.' % self.root,
                    'It is no state directory of nova-vmrun.',
                    'Name an empty or new directory with --state-dir.')
            self.root.chmod(0o700)
            for folder in (self.etc, self.databases, self.keys, self.logs,
                           self.run, self.cache, self.images,
                           self.nova_state, self.instances):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise errors.AioError(
                'The state directory %s cannot be made.' % self.root,
                '%s.' % (error.strerror or error),
                'Name another one with --state-dir.') from error

    def _strangers(self) -> list[pathlib.Path]:
        """Return files that an interrupted first start cannot have left."""
        own = {path.name for path in vars(self).values()}
        return [path for path in self.root.iterdir() if path.name not in own]

    @property
    def calls(self) -> pathlib.Path:
        """The file in which the fake programs log their calls."""
        return self.fake_state / 'calls.jsonl'

    def log(self, service: str) -> pathlib.Path:
        """Return a service's log file, which also has what it prints."""
        return self.logs / ('%s.log' % service)

    @property
    def launcher_log(self) -> pathlib.Path:
        """The file with what the last launcher printed, if it failed."""
        return self.logs / 'launcher.log'

    def pid(self, service: str) -> pathlib.Path:
        return self.run / ('%s.pid' % service)

    def phase(self, service: str) -> pathlib.Path:
        """Return the file in which a service writes what it is doing."""
        return self.run / ('%s.phase' % service)

    def config_dir(self, project: str) -> pathlib.Path:
        return self.etc / project

    def database(self, name: str) -> pathlib.Path:
        return self.databases / ('%s.db' % name)

    def initialised(self, service: str) -> pathlib.Path:
        """Return the marker of complete databases of a service."""
        return self.databases / ('%s.initialised' % service)
