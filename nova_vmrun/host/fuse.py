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

"""Check whether an ordinary user of this host can mount files by FUSE."""

import os
import re
import shutil

import psutil

from nova_vmrun import exception
from nova_vmrun import system

_DEVICE = 'dev/fuse'
_CONFIGURATION = 'etc/fuse.conf'
_PROGRAM = 'fusermount3'
_SHARING_IS_ALLOWED = re.compile(r'^\s*user_allow_other\s*$', re.MULTILINE)


def check(root: str = '/', platform: str | None = None) -> None:
    """Raise an error if this user cannot mount files for all users.

    :param root: root of the host's file system
    :param platform: a value of sys.platform; None: this host's
    :raises NotSupported: the system has no FUSE that QEMU can use
    :raises InvalidConfiguration: something is missing, or not allowed
    """
    if (platform or system.here().name) == system.MACOS:
        raise exception.NotSupported(
            'This host cannot show a LUN as a file.',
            'QEMU can do that by FUSE, but only on Linux; on macOS it has '
            'neither iSCSI nor FUSE.',
            'Use volumes in files on this host, or a compute host with Linux.')
    device = os.path.join(root, _DEVICE)
    if not os.path.exists(device):
        raise exception.InvalidConfiguration(
            'This host cannot mount by FUSE.', '%s is missing.' % device,
            'Load the kernel module: sudo modprobe fuse')
    if not os.access(device, os.R_OK | os.W_OK):
        raise exception.InvalidConfiguration(
            'This user cannot mount by FUSE.',
            'User id %d may not read and write %s.' % (os.geteuid(), device),
            'Allow it: sudo chmod 666 %s, which is what most distributions '
            'set.' % device)
    if shutil.which(_PROGRAM) is None:
        raise exception.InvalidConfiguration(
            'This host cannot mount by FUSE.',
            'The program %s is not in PATH.' % _PROGRAM,
            'Install the package fuse3.')
    path = os.path.join(root, _CONFIGURATION)
    if os.geteuid() != 0 and not _allows_sharing(path):
        raise exception.InvalidConfiguration(
            'This user cannot share FUSE mounts with root.',
            'VMware opens disks as root, and %s has no line '
            'user_allow_other.' % path,
            'Add the line user_allow_other to %s.' % path)


def _allows_sharing(path: str) -> bool:
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return bool(_SHARING_IS_ALLOWED.search(file.read()))
    except OSError:
        return False


def is_mounted(path: str) -> bool:
    """Return whether something is mounted at a path.

    Ask the kernel instead of the path: a path whose daemon hangs would not
    answer.

    :param path: its last part must not be a symbolic link
    """
    folder, name = os.path.split(path)
    real = os.path.join(os.path.realpath(folder), name)
    return any(mount.mountpoint == real
               for mount in psutil.disk_partitions(all=True))
