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

"""The qemu-storage-daemon program, which shows an iSCSI LUN as a file.

QEMU connects to the target, and a FUSE mount on a regular file shows the LUN
as the content of that file. It can also show an ordinary file, to find out
whether VMware can use such mounts. None of this needs root. One daemon serves
one LUN, so that no LUN suffers from another's target.

Everything that a back end sends is passed as JSON, because QEMU would
interpret commas in its own syntax.
"""

import dataclasses
import shutil

from oslo_serialization import jsonutils
import psutil

from nova_vmrun import exception
from nova_vmrun import system
from nova_vmrun.tools import process
from nova_vmrun.tools import qmp

NAME = 'qemu-storage-daemon'

_NODE = 'lun'
_EXPORT = 'export'
_SECRET = 'secret'
_MONITOR = 'monitor'
_ANSWER_SECONDS = 5
_DEBIAN = ('On Debian and Ubuntu, install qemu-system-common, '
           'qemu-block-extra and fuse3.')

# What the program prints, what it means, and what to do.
_MEANINGS = (
    ('Authentication failure', exception.ToolRefused,
     'the target refuses the user name or the password',
     'Check the CHAP settings of the back end in Cinder. Detach the volume '
     'and attach it again to get a new password.'),
    ('LOGICAL_UNIT_NOT_SUPPORTED', exception.ToolRefused,
     'the target has no such LUN',
     'Check in Cinder whether the volume is still exported.'),
    ('Target not found', exception.ToolRefused,
     'the portal has no such target',
     'Check in Cinder whether the volume is still exported.'),
    ('allow_other', exception.InvalidConfiguration,
     'ordinary users may not share FUSE mounts',
     'Put the line user_allow_other into /etc/fuse.conf.'),
    ('/dev/fuse', exception.InvalidConfiguration,
     '/dev/fuse cannot be opened',
     'Load the kernel module fuse, and let the user who runs nova-compute '
     'read and write /dev/fuse.'),
    ('fuse: device not found', exception.InvalidConfiguration,
     'there is no /dev/fuse',
     'Load the kernel module fuse.'),
    ("Unknown driver 'iscsi'", exception.InvalidConfiguration,
     'this QEMU has no iSCSI driver', _DEBIAN),
    ("does not accept value 'fuse'", exception.InvalidConfiguration,
     'this QEMU cannot export by FUSE', _DEBIAN),
    ('Failed to connect', exception.ToolRefused,
     'the target cannot be reached',
     'Check that the target runs, and that this host can connect to its '
     'portal.'),
)


@dataclasses.dataclass(frozen=True)
class Lun:
    """A LUN, and how to log in to its target.

    :ivar portal: address and port
    :ivar iqn: name of the target
    :ivar number: of the LUN
    :ivar initiator: name of this host
    :ivar user: for CHAP; None: no authentication
    """

    portal: str
    iqn: str
    number: int
    initiator: str
    user: str | None = None

    def __str__(self) -> str:
        return 'LUN %d of %s at %s' % (self.number, self.iqn, self.portal)


@dataclasses.dataclass(frozen=True)
class RawFile:
    """A file to show instead of a LUN."""

    path: str

    def __str__(self) -> str:
        return 'the file %s' % self.path


@dataclasses.dataclass(frozen=True)
class Files:
    """The files of one daemon.

    :ivar mount_point: an empty regular file, which will show the LUN
    :ivar secret: contains the password, if there is one
    :ivar pid_file: the daemon writes its pid to it once the mount is there
    :ivar socket: for QEMU's machine protocol
    """

    mount_point: str
    secret: str
    pid_file: str
    socket: str


class QemuStorageDaemon:
    """The qemu-storage-daemon program.

    :param path: the program
    :param timeout: seconds until the LUN must have appeared
    """

    def __init__(self, runner: process.Runner, path: str,
                 timeout: float) -> None:
        self._runner = runner
        self._path = path
        self._timeout = timeout

    def check(self) -> None:
        """Raise InvalidConfiguration if the program is missing."""
        if shutil.which(self._path) is None:
            raise exception.InvalidConfiguration(
                'The program %s is missing.' % self._path,
                'It shows iSCSI volumes as files, and is not in PATH.',
                '%s If it is elsewhere, set [vmrun] qemu_storage_daemon_path.'
                % _DEBIAN)

    def start(self, lun: Lun | RawFile, files: Files) -> None:
        """Start a daemon, and return when the mount is there.

        The daemon survives this process. An error may leave a mount without a
        daemon, and a timeout may also leave the daemon.

        :raises InvalidConfiguration: this host lacks something
        :raises ToolRefused: the target refused the login, or has no such LUN
        :raises ToolTimeout: the target did not answer
        """
        try:
            result = self._runner.run(
                self._path, '--daemonize', '--pidfile', files.pid_file,
                *_words(lun, files), timeout=self._timeout)
        except exception.ToolTimeout as error:
            raise exception.ToolTimeout(
                'Cannot connect %s: the target does not answer.' % lun,
                error.details,
                'Check that the target runs, and that this host can connect '
                'to its portal. If the network is just slow, raise [vmrun] '
                'iscsi_timeout.') from error
        if result.exit_code:
            raise _refusal(result, lun)

    def is_exporting(self, files: Files) -> bool:
        """Return whether a daemon answers and exports its LUN."""
        try:
            found = qmp.execute(files.socket, 'query-block-exports',
                                _ANSWER_SECONDS)
        except (exception.ToolRefused, exception.ToolTimeout):
            return False
        return isinstance(found, list) and any(
            isinstance(each, dict) and each.get('id') == _EXPORT and
            not each.get('shutting-down') for each in found)


def pids(files: Files) -> list[int]:
    """Return the processes of a daemon, even while it starts."""
    return [pid for pid in psutil.pids() if is_daemon(pid, files)]


def is_daemon(pid: int, files: Files) -> bool:
    """Return whether a process is the daemon with these files."""
    words = system.here().command_line(pid)
    return '--daemonize' in words and files.pid_file in words


def _words(lun: Lun | RawFile, files: Files) -> list[str]:
    device = _file(lun) if isinstance(lun, RawFile) else _iscsi(lun)
    secrets: list[str] = []
    if isinstance(lun, Lun) and lun.user is not None:
        device.update({'user': lun.user, 'password-secret': _SECRET})
        secrets = ['--object', jsonutils.dumps({
            'qom-type': 'secret', 'id': _SECRET, 'file': files.secret})]
    return [
        *secrets,
        # QEMU has no JSON for this one; a comma is written twice.
        '--chardev', 'socket,id=%s,path=%s,server=on,wait=off' % (
            _MONITOR, files.socket.replace(',', ',,')),
        '--monitor', jsonutils.dumps({'chardev': _MONITOR}),
        '--blockdev', jsonutils.dumps(device),
        # VMware's process belongs to root, whom FUSE keeps out otherwise.
        '--export', jsonutils.dumps({
            'type': 'fuse', 'id': _EXPORT, 'node-name': _NODE,
            'mountpoint': files.mount_point, 'writable': True,
            'allow-other': 'on'})]


def _iscsi(lun: Lun) -> dict[str, object]:
    return {
        'driver': 'iscsi', 'node-name': _NODE, 'transport': 'tcp',
        'portal': lun.portal, 'target': lun.iqn, 'lun': lun.number,
        'initiator-name': lun.initiator,
        # Data in the page cache of this host would be lost in a crash.
        'cache': {'direct': True}}


def _file(content: RawFile) -> dict[str, object]:
    return {'driver': 'file', 'node-name': _NODE, 'filename': content.path}


def _refusal(result: process.Result,
             lun: Lun | RawFile) -> exception.VmrunError:
    for text, kind, meaning, resolution in _MEANINGS:
        if text in result.stderr:
            brief = 'Cannot connect %s: %s.' % (lun, meaning)
            break
    else:
        kind, resolution = exception.ToolRefused, 'See the output.'
        brief = 'Cannot connect %s.' % lun
    return kind(brief, result.details(), resolution, output=result.stderr,
                exit_code=result.exit_code)
