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

"""Debian 12 as its packages make it: an image with kernel and cloud-init.

mmdebstrap installs the packages in a folder, which becomes the second
partition of a disk. The first one has the boot loader, like the disk of the
guest in tests/guest. Nothing is mounted, but installing packages needs root.
"""

import fcntl
import glob
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from tests.unit import guest  # noqa: F401 - makes guestbuilder importable

from guestbuilder import boot
from guestbuilder import cache
from guestbuilder import packages

_SUITE = 'bookworm'
_KERNEL = 'linux-image-cloud-amd64'
_INSTALLED = (
    _KERNEL, 'initramfs-tools', 'systemd-sysv', 'udev', 'dbus', 'kmod',
    'iproute2', 'sudo', 'netplan.io', 'systemd-resolved', 'openssh-server',
    'cloud-init', 'cloud-guest-utils', 'fdisk', 'open-vm-tools',
    'qemu-guest-agent', 'rsync')
# What the boot loader is made of, here.
_LOADER = ('syslinux', 'syslinux-common', 'mtools', 'systemd-boot-efi')
_LABEL = 'debian-root'
_OPTIONS = ('root=LABEL=%s ro console=tty0 console=ttyS0,115200 panic=10 '
            'mitigations=off' % _LABEL)
# On a busy machine, an emulated one needs longer than systemd's 90 seconds.
_PATIENCE = """\
[Manager]
DefaultTimeoutStartSec=15min
DefaultDeviceTimeoutSec=15min
"""
_START_MIB = 1
# Room in the file system beside the files, and for its own tables.
_ROOM = 1.25
_PROGRAMS = ('mmdebstrap', 'mke2fs', 'sfdisk', 'qemu-img')
# They are not needed, and take a third of the space.
_LEFT_OUT = ('/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*')


def image() -> str:
    """Return the path of the image, made at the first call.

    :raises unittest.SkipTest: it cannot be made here
    """
    if os.geteuid() != 0:
        raise unittest.SkipTest('mmdebstrap needs root to own files by others')
    for name in _PROGRAMS:
        if not shutil.which(name):
            raise unittest.SkipTest('%s is not installed' % name)
    try:
        return _cached()
    except packages.PackageError as error:
        raise unittest.SkipTest(str(error)) from error


def _cached() -> str:
    folder = pathlib.Path(cache.folder()).with_name('debian')
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ('%s.qcow2' % _key())
    with open(folder / 'lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=folder) as work:
                os.rename(_make(work), path)
            for other in set(folder.glob('*.qcow2')) - {path}:
                other.unlink()
    return str(path)


def _key() -> str:
    """Return a hash of the versions in the image, and of this file."""
    found = packages.show_all([*_INSTALLED, *_LOADER])
    digest = hashlib.sha256(pathlib.Path(__file__).read_bytes())
    for package in sorted(map(str, found.values())):
        digest.update(package.encode() + b'\n')
    return digest.hexdigest()[:16]


def _make(work: str) -> str:
    root = os.path.join(work, 'root')
    _install(root)
    disk = os.path.join(work, 'disk.raw')
    _write_boot_partition(root, disk, work)
    _write_root_partition(root, disk, work)
    result = os.path.join(work, 'disk.qcow2')
    packages.run(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', disk,
                  result])
    return result


def _install(root: str) -> None:
    os.mkdir(root)
    packages.run([
        # What it mounts in the folder is seen there alone, and ends with it:
        # the folder can always be removed.
        'unshare', '--mount', '--propagation', 'private',
        'mmdebstrap', '--quiet', '--mode=root', '--variant=apt',
        '--include=' + ','.join(_INSTALLED),
        '--aptopt=APT::Install-Recommends "false"',
        *('--dpkgopt=path-exclude=' + path for path in _LEFT_OUT),
        _SUITE, root], stdin=subprocess.DEVNULL)
    pathlib.Path(root, 'etc', 'fstab').write_text(
        'LABEL=%s / ext4 errors=remount-ro 0 1\n' % _LABEL)
    # Otherwise all servers would have the same, and the name of this machine.
    pathlib.Path(root, 'etc', 'machine-id').write_text('')
    pathlib.Path(root, 'etc', 'hostname').write_text('localhost\n')
    # The default, en_US.UTF-8, would have to be generated in the guest.
    pathlib.Path(root, 'etc', 'cloud', 'cloud.cfg.d',
                 'locale.cfg').write_text('locale: C.UTF-8\n')
    patience = pathlib.Path(root, 'etc', 'systemd', 'system.conf.d')
    patience.mkdir(exist_ok=True)
    (patience / 'emulated.conf').write_text(_PATIENCE)
    for path in glob.glob(os.path.join(root, 'etc', 'ssh', 'ssh_host_*')):
        os.unlink(path)


def _write_boot_partition(root: str, disk: str, work: str) -> None:
    unpacked = packages.unpack(packages.show_all(_LOADER),
                               os.path.join(work, 'packages'))
    initramfs, = glob.glob(os.path.join(root, 'boot', 'initrd.img-*'))
    files = boot.BootFiles({**unpacked, 'kernel': root}, initramfs, _LABEL)
    files.options = _OPTIONS
    size = boot.make_fat(files, disk, _START_MIB * boot.MIB, work)
    programs = os.path.join(unpacked['mtools'], 'usr', 'bin')
    packages.run(
        [os.path.join(unpacked['syslinux'], 'usr', 'bin', 'syslinux'),
         '--install', '--offset', str(_START_MIB * boot.MIB), disk],
        env={**os.environ, 'MTOOLS_SKIP_CHECK': '1',
             'PATH': programs + os.pathsep + os.environ['PATH']})
    packages.run(
        ['sfdisk', '--quiet', '--no-reread', '--no-tell-kernel', disk],
        input=('label: dos\n'
               'start=%dMiB, size=%dMiB, type=c, bootable\n'
               % (_START_MIB, size)).encode())
    with open(files.loader('syslinux', 'SYSLINUX', 'mbr.bin'), 'rb') as file:
        loader = file.read(440)
    with open(disk, 'r+b') as file:
        file.write(loader)


def _write_root_partition(root: str, disk: str, work: str) -> None:
    file_system = os.path.join(work, 'root.ext4')
    kilobytes = int(packages.run(['du', '-sk', root]).split()[0])
    size = int(kilobytes * _ROOM / 1024) + 64
    packages.run(['mke2fs', '-q', '-t', 'ext4', '-L', _LABEL, '-d', root,
                  file_system, '%dM' % size])
    start = os.path.getsize(disk) // boot.MIB
    packages.run(['truncate', '--size', '+%dM' % size, disk])
    # The last partition is the one that can grow.
    packages.run(
        ['sfdisk', '--quiet', '--no-reread', '--no-tell-kernel', '--append',
         disk], input=b'start=%dMiB, size=%dMiB, type=83\n' % (start, size))
    packages.run(['dd', 'if=' + file_system, 'of=' + disk, 'bs=1M',
                  'seek=%d' % start, 'conv=notrunc,sparse', 'status=none'])
