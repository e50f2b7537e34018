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

"""Which VMware product this host has, and what it can do, as data.

What differs between Workstation, Player and Fusion is a row of a table here,
not a condition elsewhere.
"""

import dataclasses
import os
import re
import shutil

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun import system
from nova_vmrun.tools import messages
from nova_vmrun.tools import noise

LOG = logging.getLogger(__name__)

WORKSTATION = 'ws'
PLAYER = 'player'
FUSION = 'fusion'

_FUSION_LIBRARY = '/Applications/VMware Fusion.app/Contents/Library'
_WINDOWS_FOLDERS = (
    # 26H1 and later are 64-bit programs, the older ones are not.
    r'C:\Program Files\VMware\VMware Workstation',
    r'C:\Program Files (x86)\VMware\VMware Workstation',
    r'C:\Program Files (x86)\VMware\VMware Player',
    r'C:\Program Files (x86)\VMware\VMware VIX',
)
# Folders by sys.platform, searched after PATH.
_KNOWN_FOLDERS = {
    'linux': ('/usr/bin', '/usr/local/bin'),
    'darwin': (_FUSION_LIBRARY,
               '/Applications/VMware Fusion.app/Contents/Public',
               '/Library/Application Support/VMware Fusion'),
    'win32': _WINDOWS_FOLDERS,
}

# Product major versions to the newest virtual hardware they run. Workstation
# 17 and Fusion 13 are listed by their first release; point releases run 21,
# but a .vmx written for 20 moves between all of them.
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

# 25H2 has no dot where a program prints the name that it is sold under.
_VERSION = re.compile(
    r'VMware (?:Workstation|Player|Fusion)\D*?(\d+)'
    r'(?:\.(\d+)(?:\.(\d+))?|H[12]\b)', re.IGNORECASE)


# Every wrapper that the fakes' installation makes names the program behind it.
_FAKE = b'fake_vmrun'
_WRAPPER_SIZE = 4096


def is_fake(path: str) -> bool:
    """Whether a program is one of the fakes.

    :param path: of a program that can be run
    """
    try:
        with open(path, 'rb') as stream:
            return _FAKE in stream.read(_WRAPPER_SIZE)
    except OSError:
        # Some programs can be run and not read; the fakes can be read.
        return False


@dataclasses.dataclass(frozen=True)
class Product:
    """A product, its programs and what it can do.

    :ivar kind: WORKSTATION, PLAYER or FUSION; the value of vmrun's -T
    :ivar version: (major, minor, patch), or None if no program tells it
    :ivar vmrun: path
    :ivar vdiskmanager: path, or None if it is not installed
    """

    kind: str
    version: tuple
    vmrun: str
    vdiskmanager: str

    @property
    def name(self):
        return {WORKSTATION: 'VMware Workstation', PLAYER: 'VMware Player',
                FUSION: 'VMware Fusion'}[self.kind]

    @property
    def is_fake(self) -> bool:
        """Whether the vmrun is the fake one, which needs no VMware."""
        return is_fake(self.vmrun)

    @property
    def version_text(self):
        return '.'.join(map(str, self.version)) if self.version else 'unknown'

    def tools_folders(self):
        """Returns where the ISO images of VMware Tools may be."""
        folders = []
        # vmrun may be a link into the product's folder.
        for program in (self.vmrun, os.path.realpath(self.vmrun)):
            folder = os.path.dirname(program)
            above = os.path.dirname(folder)
            folders += [
                # Fusion, and Fusion for both kinds of processors.
                os.path.join(folder, 'isoimages'),
                os.path.join(folder, 'isoimages', 'x86_x64'),
                # Linux: from /usr/bin, and from /usr/lib/vmware/bin.
                os.path.join(above, 'lib', 'vmware', 'isoimages'),
                os.path.join(above, 'isoimages'),
                # Windows.
                folder]
        return list(dict.fromkeys(folders))

    @property
    def can_pause(self):
        """vmrun pause and unpause; documented as missing on Player."""
        return self.kind != PLAYER

    @property
    def can_snapshot(self):
        return self.kind != PLAYER

    @property
    def can_clone(self):
        return self.kind != PLAYER

    @property
    def has_vnc_with_window(self) -> bool:
        """Whether a VM whose window is open can serve VNC too.

        Every product serves VNC while its VM has no window. vmplayer, which
        shows the windows of Player, turns it off on the command line.
        """
        return self.kind != PLAYER

    @property
    def hardware_version(self):
        """The virtualHW.version that servers get."""
        if self.version is None:
            return _ASSUMED_HARDWARE
        for major, hardware in _HARDWARE[self.kind]:
            if self.version[0] >= major:
                return hardware
        return _OLDEST_HARDWARE


def find(program, option, configured=None, beside=None, platform=None,
         path=None, is_program=None):
    """Finds a program of VMware's.

    :param program: name without .exe
    :param option: the [vmrun] option that names it, for the error
    :param configured: value of that option, or None
    :param beside: path of a program whose folder is searched first, or None
    :param platform: a value of sys.platform; None: this host's
    :param path: value of PATH; the process's own if None
    :param is_program: tells whether a path can be run; tests replace it
    :returns: an absolute path
    :raises InvalidConfiguration: it is not there; says where was looked
    """
    platform = platform or system.here().name
    is_program = is_program or _is_program
    if configured:
        if not is_program(configured):
            raise exception.InvalidConfiguration(
                '[vmrun] %s names %s, which is no program.'
                % (option, configured),
                resolution='Correct the option, or remove it to have the '
                           'program looked for.')
        return configured
    tried = []
    for folder in dict.fromkeys(_folders(beside, platform, path)):
        candidate = _join(folder, program, platform)
        tried.append(candidate)
        if is_program(candidate):
            return candidate
    raise exception.InvalidConfiguration(
        '%s is not installed on this host.' % program,
        'Looked at: %s.' % ', '.join(tried),
        'Install VMware Workstation or Fusion, or set [vmrun] %s in '
        'nova.conf.' % option)


def _folders(beside, platform, path):
    if beside:
        yield os.path.dirname(beside)
    separator = ';' if platform == 'win32' else ':'
    if path is None:
        path = os.environ.get('PATH', os.defpath)
    yield from filter(None, path.split(separator))
    yield from _KNOWN_FOLDERS.get(platform, _KNOWN_FOLDERS['linux'])


def _join(folder, program, platform):
    if platform == 'win32':
        return folder.rstrip('\\') + '\\' + program + '.exe'
    return os.path.join(folder, program)


def _is_program(path):
    return shutil.which(path) is not None


def detect(runner, conf, platform=None):
    """Finds the product that this host has.

    Starts one vmrun (two where Player is found behind Workstation's name) and
    one program that tells the version.

    :param runner: a nova_vmrun.tools.process.Runner
    :param conf: the [vmrun] options
    :param platform: a value of sys.platform; None: this host's
    :raises InvalidConfiguration: no product, or not the one asked for
    """
    platform = platform or system.here().name
    vmrun = find('vmrun', 'vmrun_path', conf.vmrun_path, platform=platform)
    kind = _kind(runner, vmrun, conf, platform)
    try:
        vdiskmanager = find(
            'vmware-vdiskmanager', 'vdiskmanager_path',
            conf.vdiskmanager_path, beside=vmrun, platform=platform)
    except exception.InvalidConfiguration:
        if conf.vdiskmanager_path:
            raise
        vdiskmanager = None
    version = _version(runner, kind, vmrun, conf.list_timeout, platform)
    return Product(kind, version, vmrun, vdiskmanager)


def _kind(runner, vmrun, conf, platform):
    if conf.product != 'auto':
        candidates = (conf.product,)
    elif platform == 'darwin':
        candidates = (FUSION,)
    else:
        candidates = (WORKSTATION, PLAYER)
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
        'licence, and see that "%s -T %s list" works for the user who runs '
        'nova-compute.' % (vmrun, kind))


def _version(runner, kind, vmrun, timeout, platform):
    """Asks the product's own program; vmrun tells only the version of VIX."""
    program = {WORKSTATION: 'vmware', PLAYER: 'vmplayer',
               FUSION: 'vmware-vmx'}[kind]
    try:
        path = find(program, 'vmrun_path', beside=vmrun, platform=platform)
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


def parse_version(text: str) -> tuple[int, int, int] | None:
    """Reads the output of ``vmware -v`` and its kin.

    :returns: (major, minor, patch), or None; 25H2 is (25, 0, 0)
    """
    match = _VERSION.search(text)
    return tuple(int(part or 0) for part in match.groups()) if match else None
