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

"""The VMware product of this host, and what it supports.

Differences between Workstation, Player and Fusion are data here, not
conditions elsewhere.
"""

from collections.abc import Callable
from collections.abc import Iterator
import dataclasses
import os
import re
import shutil
from typing import NamedTuple, Protocol

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun import system
from nova_vmrun.tools import messages
from nova_vmrun.tools import noise
from nova_vmrun.tools import process

LOG = logging.getLogger(__name__)

WORKSTATION = 'ws'
PLAYER = 'player'
FUSION = 'fusion'
KINDS = (WORKSTATION, PLAYER, FUSION)

_FUSION_LIBRARY = '/Applications/VMware Fusion.app/Contents/Library'
_WINDOWS_FOLDERS = (
    # 26H1 and later are 64-bit programs, older versions are not.
    r'C:\Program Files\VMware\VMware Workstation',
    r'C:\Program Files (x86)\VMware\VMware Workstation',
    r'C:\Program Files (x86)\VMware\VMware Player',
    r'C:\Program Files (x86)\VMware\VMware VIX',
)
# Folders to search after PATH, by sys.platform.
_DEFAULT_FOLDERS = {
    'linux': ('/usr/bin', '/usr/local/bin'),
    system.MACOS: (_FUSION_LIBRARY,
                   '/Applications/VMware Fusion.app/Contents/Public',
                   '/Library/Application Support/VMware Fusion'),
    'win32': _WINDOWS_FOLDERS,
}

# Major versions and the newest virtual hardware that they support. Workstation
# 17 and Fusion 13 are listed with that of their first release; point releases
# support 21, but a .vmx for 20 works with all of them.
_HARDWARE = {
    WORKSTATION: ((25, 22), (17, 20), (16, 18), (15, 16), (14, 14), (12, 12),
                  (11, 11), (10, 10)),
    PLAYER: ((17, 20), (16, 18), (15, 16), (14, 14), (12, 12), (7, 11),
             (6, 10)),
    FUSION: ((25, 22), (13, 20), (12, 18), (11, 16), (10, 14), (8, 12),
             (7, 11), (6, 10)),
}
_OLDEST_HARDWARE = 10
# If the version is unknown, assume a recent product.
_ASSUMED_HARDWARE = 18

# 25H2 is a version without dots.
_VERSION = re.compile(
    r'VMware (?:Workstation|Player|Fusion)\D*?(\d+)'
    r'(?:\.(\d+)(?:\.(\d+))?|H[12]\b)', re.IGNORECASE)


# Every wrapper that the fakes' installer creates names the program behind it.
_FAKE = b'fake_vmrun'
_WRAPPER_SIZE = 4096


def is_fake(path: str) -> bool:
    """Return whether a program is one of the fakes."""
    try:
        with open(path, 'rb') as stream:
            return _FAKE in stream.read(_WRAPPER_SIZE)
    except OSError:
        # Some programs can be run but not read; the fakes can be read.
        return False


class Options(Protocol):
    """The [vmrun] options that are used here."""

    list_timeout: int
    product: str
    vdiskmanager_path: str | None
    vmrun_path: str | None


class Version(NamedTuple):
    """The version of a product."""

    major: int
    minor: int
    patch: int


@dataclasses.dataclass(frozen=True)
class Product:
    """A product, its programs and what it supports.

    :ivar kind: WORKSTATION, PLAYER or FUSION; the value of vmrun's -T
    :ivar version: None if it is unknown
    :ivar vmrun: path
    :ivar vdiskmanager: path, or None if it is not installed
    """

    kind: str
    version: Version | None
    vmrun: str
    vdiskmanager: str | None

    @property
    def name(self) -> str:
        return {WORKSTATION: 'VMware Workstation', PLAYER: 'VMware Player',
                FUSION: 'VMware Fusion'}[self.kind]

    @property
    def is_fake(self) -> bool:
        """Whether vmrun is the fake one, which needs no VMware."""
        return is_fake(self.vmrun)

    @property
    def version_text(self) -> str:
        return '.'.join(map(str, self.version)) if self.version else 'unknown'

    def tools_folders(self) -> list[str]:
        """Return where the ISO images of VMware Tools may be."""
        folders = []
        # vmrun may be a link into the product's folder.
        for program in (self.vmrun, os.path.realpath(self.vmrun)):
            folder = os.path.dirname(program)
            above = os.path.dirname(folder)
            folders += [
                # Fusion, and Fusion as a universal application.
                os.path.join(folder, 'isoimages'),
                os.path.join(folder, 'isoimages', 'x86_x64'),
                # Linux: relative to /usr/bin, and to /usr/lib/vmware/bin.
                os.path.join(above, 'lib', 'vmware', 'isoimages'),
                os.path.join(above, 'isoimages'),
                # Windows.
                folder]
        return list(dict.fromkeys(folders))

    @property
    def can_pause(self) -> bool:
        """Whether vmrun has pause; documented as missing on Player."""
        return self.kind != PLAYER

    @property
    def can_snapshot(self) -> bool:
        return self.kind != PLAYER

    @property
    def can_attach_running(self) -> bool:
        """Whether a disk can be added to a running VM.

        No command of vmrun or vmcli is known to do it.
        """
        return False

    @property
    def has_lan_segments(self) -> bool:
        """Whether an adapter can be on a LAN segment (pvn).

        Fusion neither shows nor documents them, except for a verb of its
        vmcli.
        """
        return self.kind != FUSION

    @property
    def has_vnc_with_window(self) -> bool:
        """Whether a VM with an open window can also serve VNC.

        Every product serves VNC for a VM without a window. vmplayer, which
        shows the windows of Player, disables it on the command line.
        """
        return self.kind != PLAYER

    @property
    def hardware_version(self) -> int:
        """The virtualHW.version of new servers."""
        if self.version is None:
            return _ASSUMED_HARDWARE
        for major, hardware in _HARDWARE[self.kind]:
            if self.version[0] >= major:
                return hardware
        return _OLDEST_HARDWARE


def _is_executable(path: str) -> bool:
    return shutil.which(path) is not None


def find_program(program: str, option: str, configured: str | None = None,
                 beside: str | None = None, platform: str | None = None,
                 path: str | None = None,
                 is_executable: Callable[[str], bool] | None = None) -> str:
    """Return the absolute path of a VMware program.

    :param program: name without .exe
    :param option: the [vmrun] option that names it, for the error
    :param configured: value of that option, or None
    :param beside: path of a program in whose folder to look first, or None
    :param platform: a value of sys.platform; None: this host's
    :param path: value of PATH; None: that of this process
    :param is_executable: tests replace it
    :raises InvalidConfiguration: it was not found; says where it was searched
    """
    platform = platform or system.here().name
    is_executable = is_executable or _is_executable
    if configured:
        if not is_executable(configured):
            raise exception.InvalidConfiguration(
                '[vmrun] %s names %s, which is not a program.'
                % (option, configured),
                resolution='Correct the option, or remove it to let '
                           'nova-compute search for the program.')
        return configured
    tried = []
    for folder in dict.fromkeys(_folders(beside, platform, path)):
        candidate = _join(folder, program, platform)
        tried.append(candidate)
        if is_executable(candidate):
            return candidate
    raise exception.InvalidConfiguration(
        '%s is not installed on this host.' % program,
        'These paths were tried: %s.' % ', '.join(tried),
        'Install VMware Workstation or Fusion, or set [vmrun] %s in '
        'nova.conf.' % option)


def _folders(beside: str | None, platform: str,
             path: str | None) -> Iterator[str]:
    if beside:
        yield os.path.dirname(beside)
    separator = ';' if platform == 'win32' else ':'
    if path is None:
        path = os.environ.get('PATH', os.defpath)
    yield from filter(None, path.split(separator))
    yield from _DEFAULT_FOLDERS.get(platform, _DEFAULT_FOLDERS['linux'])


def _join(folder: str, program: str, platform: str) -> str:
    if platform == 'win32':
        return folder.rstrip('\\') + '\\' + program + '.exe'
    return os.path.join(folder, program)


def detect(runner: process.Runner, conf: Options,
           platform: str | None = None) -> Product:
    """Find out which VMware product this host has.

    Run vmrun once (twice if the product turns out to be Player) and one
    program that prints the version.

    :param platform: a value of sys.platform; None: this host's
    :raises InvalidConfiguration: there is no product, or not the configured
        one
    """
    platform = platform or system.here().name
    vmrun = find_program('vmrun', 'vmrun_path', conf.vmrun_path,
                         platform=platform)
    kind = _kind(runner, vmrun, conf, platform)
    vdiskmanager = None
    try:
        vdiskmanager = find_program(
            'vmware-vdiskmanager', 'vdiskmanager_path',
            conf.vdiskmanager_path, beside=vmrun, platform=platform)
    except exception.InvalidConfiguration:
        if conf.vdiskmanager_path:
            raise
    version = _version(runner, kind, vmrun, conf.list_timeout, platform)
    return Product(kind, version, vmrun, vdiskmanager)


def _kind(runner: process.Runner, vmrun: str, conf: Options,
          platform: str) -> str:
    if conf.product != 'auto':
        candidates = [conf.product]
    elif platform == system.MACOS:
        candidates = [FUSION]
    else:
        candidates = [WORKSTATION, PLAYER]
    for kind in candidates:
        result = noise.run(runner, vmrun, '-T', kind, 'list',
                           timeout=conf.list_timeout)
        if not messages.is_error(result):
            return kind
        error = messages.refusal(
            result, '%s does not work as %s.' % (vmrun, kind))
        if not isinstance(error, exception.WrongProduct):
            break
    raise exception.InvalidConfiguration(
        error.brief, error.details,
        error.resolution or 'Start the product once by hand, accept its '
        'licence, and make sure that "%s -T %s list" works for the user who '
        'runs nova-compute.' % (vmrun, kind))


def _version(runner: process.Runner, kind: str, vmrun: str, timeout: float,
             platform: str) -> Version | None:
    """Ask the product's own program; vmrun only prints the VIX version."""
    program = {WORKSTATION: 'vmware', PLAYER: 'vmplayer',
               FUSION: 'vmware-vmx'}[kind]
    try:
        path = find_program(program, 'vmrun_path', beside=vmrun,
                            platform=platform)
        # vmware-vmx prints its version on standard error.
        result = noise.run(runner, path, '-v', timeout=timeout)
    except exception.VmrunError as error:
        LOG.warning('The version of the product is unknown: %s', error.brief)
        return None
    version = parse_version(result.stdout + result.stderr)
    if version is None:
        LOG.warning('The version of the product is unknown: %s',
                    result.details())
    return version


def parse_version(text: str) -> Version | None:
    """Return the version in the output of ``vmware -v`` and its like, or None.

    25H2 is version 25.0.0.
    """
    match = _VERSION.search(text)
    return Version(*(int(part or 0) for part in match.groups())
                   ) if match else None
