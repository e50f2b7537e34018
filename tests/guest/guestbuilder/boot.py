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

"""What the machine starts from: a disk or a CD, for BIOS and UEFI alike.

The disk has a FAT partition with kernel and initramfs, which syslinux loads
under BIOS and systemd-boot under UEFI, and an ext4 partition for what the
guest keeps. The CD has isolinux, and the FAT file system as its UEFI image.
"""

import glob
import os
import shutil
import struct

from guestbuilder import packages

MIB = 1024 * 1024
SECTOR = 512
DATA_MIB = 8
DATA_LABEL = 'guestdata'

_FAT_START_MIB = 1
_FAT_TYPE, _LINUX_TYPE = 0x0c, 0x83

# The first console is the screen, the last is where init writes.
_OPTIONS = ('console=tty0 console=ttyS0,115200 guest.image=%s panic=10 '
            'loglevel=6 nokaslr mitigations=off no_timer_check '
            'cryptomgr.notests')


class BootFiles(object):
    """The files that every way of booting shares.

    :param unpacked: {package: folder}.
    :param initramfs: path.
    :param image: the name by which the guest knows its own disk.
    """

    def __init__(self, unpacked, initramfs, image):
        self.unpacked = unpacked
        self.kernel = glob.glob(os.path.join(unpacked['kernel'],
                                             'boot', 'vmlinuz-*'))[0]
        self.initramfs = initramfs
        self.options = _OPTIONS % image

    def syslinux_config(self):
        return ('DEFAULT guest\nPROMPT 0\nLABEL guest\n  KERNEL /vmlinuz\n'
                '  INITRD /initrd\n  APPEND %s\n' % self.options)

    def systemd_boot_entry(self):
        return ('title guest\nlinux /vmlinuz\ninitrd /initrd\noptions %s\n'
                % self.options)

    def loader(self, package, *path):
        return os.path.join(self.unpacked[package], 'usr', 'lib', *path)


def _mtools(unpacked):
    folder = os.path.join(unpacked['mtools'], 'usr', 'bin')
    return dict(os.environ, MTOOLS_SKIP_CHECK='1',
                PATH=folder + os.pathsep + os.environ.get('PATH', ''))


def _file(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, 'w') as f:
        f.write(text)
    return path


def _fat_size(paths):
    """MiB for a FAT file system that holds ``paths``, with some room."""
    return sum(os.path.getsize(path) for path in paths) // MIB + 4


def make_fat(boot, path, offset, work):
    """Make the FAT file system at ``offset`` of the file ``path``.

    :returns: its size in MiB.
    """
    env = _mtools(boot.unpacked)
    efi_loader = boot.loader('systemd-boot-efi', 'systemd', 'boot', 'efi',
                             'systemd-bootx64.efi')
    size = _fat_size([boot.kernel, boot.initramfs, efi_loader])
    with open(path, 'ab') as f:
        f.truncate(offset + size * MIB)
    volume = '%s@@%d' % (path, offset)
    packages.run(['mformat', '-i', volume, '-F' if size > 64 else '-v',
                  'GUEST', '-T', str(size * MIB // SECTOR), '-h', '255',
                  '-s', '63', '-H', str(offset // SECTOR), '::'], env=env)
    packages.run(['mmd', '-i', volume, '::EFI', '::EFI/BOOT', '::loader',
                  '::loader/entries'], env=env)
    contents = (
        (boot.kernel, 'vmlinuz'),
        (boot.initramfs, 'initrd'),
        (efi_loader, 'EFI/BOOT/BOOTX64.EFI'),
        (_file(work, 'syslinux.cfg', boot.syslinux_config()), 'syslinux.cfg'),
        (_file(work, 'loader.conf', 'default guest.conf\ntimeout 0\n'),
         'loader/loader.conf'),
        (_file(work, 'guest.conf', boot.systemd_boot_entry()),
         'loader/entries/guest.conf'),
    )
    for source, target in contents:
        packages.run(['mcopy', '-i', volume, source, '::' + target], env=env)
    return size


def _partition(kind, start, size, active=False):
    """One entry of an MBR; LBA only, as everything here reads it."""
    beyond = b'\xfe\xff\xff'
    return struct.pack('<B3sB3sII', 0x80 if active else 0, beyond, kind,
                       beyond, start * MIB // SECTOR, size * MIB // SECTOR)


def make_disk(boot, path, image, work):
    """Make a raw disk that boots itself.

    :param image: written into the data partition, where the guest compares
        it with its own name to tell its disk from others.
    :param work: an existing folder for temporary files.
    """
    fat_size = make_fat(boot, path, _FAT_START_MIB * MIB, work)
    packages.run([
        os.path.join(boot.unpacked['syslinux'], 'usr', 'bin', 'syslinux'),
        '--install', '--offset', str(_FAT_START_MIB * MIB), path],
        env=_mtools(boot.unpacked))
    data = os.path.join(work, 'data')
    os.mkdir(data)
    _file(data, 'image', image + '\n')
    file_system = os.path.join(work, 'data.ext4')
    packages.run([_mke2fs(), '-q', '-t', 'ext4', '-L', DATA_LABEL, '-d', data,
                  '-E', 'root_owner=0:0', file_system, '%dM' % DATA_MIB])
    data_start = _FAT_START_MIB + fat_size
    with open(boot.loader('syslinux', 'SYSLINUX', 'mbr.bin'), 'rb') as f:
        loader = f.read()
    with open(path, 'r+b') as disk:
        disk.write(loader.ljust(440, b'\0') + b'NVMR\0\0')
        disk.write(_partition(_FAT_TYPE, _FAT_START_MIB, fat_size, True))
        disk.write(_partition(_LINUX_TYPE, data_start, DATA_MIB))
        disk.write(b'\0' * 32 + b'\x55\xaa')
        disk.seek(data_start * MIB)
        with open(file_system, 'rb') as f:
            shutil.copyfileobj(f, disk)
        disk.truncate((data_start + DATA_MIB) * MIB)


def _mke2fs():
    found = shutil.which('mke2fs', path=os.environ.get('PATH', '')
                         + ':/usr/sbin:/sbin')
    if not found:
        raise packages.PackageError(
            'mke2fs is not installed: apt-get install e2fsprogs')
    return found


def make_cd(boot, path, label, work):
    """Make an ISO 9660 image that boots itself."""
    tree = os.path.join(work, 'cd')
    os.makedirs(os.path.join(tree, 'isolinux'))
    shutil.copy(boot.kernel, os.path.join(tree, 'vmlinuz'))
    shutil.copy(boot.initramfs, os.path.join(tree, 'initrd'))
    shutil.copy(boot.loader('isolinux', 'ISOLINUX', 'isolinux.bin'),
                os.path.join(tree, 'isolinux'))
    shutil.copy(boot.loader('syslinux-common', 'syslinux', 'modules', 'bios',
                            'ldlinux.c32'), os.path.join(tree, 'isolinux'))
    _file(tree, 'isolinux/isolinux.cfg', boot.syslinux_config())
    make_fat(boot, os.path.join(tree, 'efi.img'), 0, work)
    packages.run([
        'genisoimage', '-quiet', '-J', '-r', '-V', label, '-o', path,
        '-b', 'isolinux/isolinux.bin', '-c', 'isolinux/boot.cat',
        '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table',
        '-eltorito-alt-boot', '-e', 'efi.img', '-no-emul-boot', tree])
