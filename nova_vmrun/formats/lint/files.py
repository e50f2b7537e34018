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


"""Checks of the files that devices need.

VMware refuses a VM if a disk's file is missing. For other drives and for
ports, it asks or leaves them disconnected, and the VM runs.
"""

from collections import abc
import re

from nova_vmrun.formats.lint import finding
from nova_vmrun.formats import vmx

Exists = abc.Callable[[str], bool]

_DRIVE = re.compile(r'(?P<device>(scsi|sata|nvme|ide)[0-9]+:[0-9]+)'
                    r'\.present', re.IGNORECASE)
_PORT = re.compile(r'(?P<device>(serial|floppy)[0-9]+)\.present',
                   re.IGNORECASE)
# Values of deviceType for the host's drives and devices; fileName has their
# names. Disks have any other type.
_OF_THE_HOST = ('cdrom-raw', 'atapi-cdrom', 'scsi-passthru', 'passthru',
                'generic')
_CD_IMAGE = 'cdrom-image'
# vSphere's word for an empty drive, and Workstation's for any host drive.
_NO_FILE = ('', 'emptybackingstring', 'auto detect')
# Values of fileType with a file; others are host devices and printers.
_PORT_FILES = ('file', 'pipe', 'network')
# On macOS, which allows less than Linux. There is no limit on Windows.
_LONGEST_SOCKET = 103
_WINDOWS_PIPE = '\\\\.\\pipe\\'
_IF_MISSING = ('VMware asks what to do, or starts the VM without it.')


def check(settings: vmx.Vmx,
          exists: Exists | None) -> abc.Iterator[finding.Finding]:
    """Check the files of devices that are present.

    :param exists: returns whether a path, as the file has it, exists; None: do
        not look for files
    """
    for key in settings:
        for pattern, checker in ((_DRIVE, _check_drive),
                                 (_PORT, _check_port)):
            match = pattern.fullmatch(key)
            if match and settings.get_bool(key):
                yield from checker(settings, match.group('device'), exists)


def _check_drive(settings: vmx.Vmx, device: str,
                 exists: Exists | None) -> abc.Iterator[finding.Finding]:
    key = device + '.fileName'
    path = settings.get(key, '')
    kind = settings.get(device + '.deviceType', '').lower()
    if kind in _OF_THE_HOST or _is_elsewhere(settings, device):
        return
    if kind == _CD_IMAGE:
        if path.lower() not in _NO_FILE and settings.get_bool(
                device + '.startConnected', True):
            yield from _look_for(key, path, exists, finding.warning,
                                 _IF_MISSING)
    elif not path:
        yield finding.error(key, 'is missing.')
    elif path.lower() not in _NO_FILE:
        yield from _look_for(key, path, exists, finding.error,
                             'VMware would not start the VM.')


def _check_port(settings: vmx.Vmx, device: str,
                exists: Exists | None) -> abc.Iterator[finding.Finding]:
    key = device + '.fileName'
    path = settings.get(key, '')
    kind = settings.get(device + '.fileType', 'device').lower()
    if kind not in _PORT_FILES or _is_elsewhere(settings, device) or (
            not settings.get_bool(device + '.startConnected', True)):
        return
    if not path:
        yield finding.warning(key, 'is missing. ' + _IF_MISSING)
    elif kind == 'pipe':
        yield from _check_pipe(key, path)
    elif device.lower().startswith('floppy'):
        yield from _look_for(key, path, exists, finding.warning, _IF_MISSING)


def _check_pipe(key: str, path: str) -> abc.Iterator[finding.Finding]:
    """Check the name of a pipe, which is a Unix socket unless on Windows."""
    length = len(path.encode('utf-8', 'surrogateescape'))
    if not path.startswith(_WINDOWS_PIPE) and length > _LONGEST_SOCKET:
        yield finding.warning(
            key, 'has %d bytes; the path of a Unix socket can have %d. '
            % (length, _LONGEST_SOCKET) + _IF_MISSING)


def _look_for(key: str, path: str, exists: Exists | None,
              severity: abc.Callable[[str, str], finding.Finding],
              consequence: str) -> abc.Iterator[finding.Finding]:
    if exists is not None and not exists(path):
        yield severity(key, 'is %s, which does not exist. %s'
                       % (path, consequence))


def _is_elsewhere(settings: vmx.Vmx, device: str) -> bool:
    """Return whether VMware detects the drive or a remote client has it."""
    return (settings.get_bool(device + '.autodetect') or
            settings.get_bool(device + '.clientDevice'))
