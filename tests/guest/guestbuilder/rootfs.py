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

"""The guest's root file system, as a folder to be packed."""

import glob
import os
import shutil

from guestbuilder import modules
from guestbuilder import packages

SOURCE = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'rootfs')

#: Package, file in it, and where the guest has it.
_PROGRAMS = (
    ('qemu-guest-agent', '**/qemu-ga', 'bin/qemu-ga'),
    ('dropbear-bin', '**/sbin/dropbear', 'sbin/dropbear'),
    ('dropbear-bin', '**/bin/dropbearkey', 'bin/dropbearkey'),
    # With which the agent sets passwords.
    ('passwd', '**/sbin/chpasswd', 'sbin/chpasswd'),
    # With which tempest looks for disks.
    ('util-linux', '**/bin/lsblk', 'bin/lsblk'),
    ('util-linux', '**/sbin/blkid', 'sbin/blkid'),
    # Where dropbear looks for it.
    ('openssh-sftp-server', '**/openssh/sftp-server', 'usr/lib/sftp-server'),
)


def assemble(unpacked, root):
    """Fill the folder ``root``.

    :param unpacked: {package: folder}, see packages.unpack.
    """
    shutil.copytree(SOURCE, root)
    for name in ('dev', 'proc', 'sys', 'lib64', 'root', 'usr'):
        os.makedirs(os.path.join(root, name))
    _add_busybox(unpacked['busybox-static'], root)
    _add_programs(unpacked, root)
    _add_modules(unpacked['kernel'], root)


def _add_busybox(folder, root):
    busybox = _one(folder, '**/bin/busybox')
    shutil.copy2(busybox, os.path.join(root, 'bin', 'busybox'))
    for applet in packages.run([busybox, '--list']).split():
        link = os.path.join(root, 'bin', applet)
        if not os.path.lexists(link):
            os.symlink('busybox', link)
    for name in ('init', 'modprobe', 'reboot', 'poweroff', 'acpid'):
        os.symlink('../bin/busybox', os.path.join(root, 'sbin', name))


def _add_programs(unpacked, root):
    loader = _one(unpacked['libc6'], '**/ld-linux-x86-64.so.2')
    shutil.copy2(loader, os.path.join(root, 'lib64'))
    folders = sorted({os.path.dirname(path) for folder in unpacked.values()
                      for path in glob.glob(folder + '/**/lib*.so.*',
                                            recursive=True)})
    for package, pattern, target in _PROGRAMS:
        program = _one(unpacked[package], pattern)
        path = os.path.join(root, target)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy2(program, path)
        listing = packages.run([loader, '--library-path', ':'.join(folders),
                                '--list', program])
        for name, library in libraries(listing).items():
            shutil.copy(library, os.path.join(root, 'lib', name))


def libraries(listing):
    """Return {name: path} of what the dynamic loader's --list prints.

    The loader lists itself too, and by an absolute path. A name is a plain
    file name here, never a path: joined to a folder, an absolute one would
    be written to this machine's own file.
    """
    found = {}
    for line in listing.splitlines():
        name, arrow, rest = line.strip().partition(' => ')
        path = rest.rpartition(' (')[0]
        if arrow and path and os.sep not in name:
            found[name] = path
    return found


def _add_modules(kernel, root):
    source = _one(kernel, '**/lib/modules/*')
    folder = os.path.join(root, 'lib', 'modules', os.path.basename(source))
    for name, content in modules.select(source).items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(content)
    packages.run([os.path.join(root, 'bin', 'busybox'), 'depmod', '-b', root,
                  os.path.basename(source)])


def _one(folder, pattern):
    found = sorted(glob.glob(os.path.join(folder, pattern), recursive=True))
    if not found:
        raise packages.PackageError('no %s in package %s' % (
            pattern, os.path.basename(folder)))
    return found[0]
