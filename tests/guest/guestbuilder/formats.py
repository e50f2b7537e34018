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

"""The formats in which an image may be had, all but two by qemu-img."""

import os
import shutil

from guestbuilder import packages

#: name: (suffix, qemu-img's format, its options)
QEMU_IMG = {
    'qcow2': ('.qcow2', 'qcow2', ('-c',)),
    'vmdk': ('.vmdk', 'vmdk', (
        '-o', 'subformat=monolithicSparse,adapter_type=%(adapter)s')),
    'vmdk-stream': ('-stream.vmdk', 'vmdk', (
        '-o', 'subformat=streamOptimized,adapter_type=%(adapter)s')),
    'vmdk-flat': ('-split.vmdk', 'vmdk', (
        '-o', 'subformat=monolithicFlat,adapter_type=%(adapter)s')),
    'vhd': ('.vhd', 'vpc', ()),
    'vhdx': ('.vhdx', 'vhdx', ()),
    'vdi': ('.vdi', 'vdi', ()),
}

#: The one that most ask for, kept beside the raw disk.
KEPT = 'qcow2'

NAMES = ('raw', 'iso', *QEMU_IMG)


def keep(raw, name):
    """Convert the raw disk in its own folder; return the new file's path.

    Only the first call takes time.

    :param name: one of QEMU_IMG that needs no adapter.
    """
    suffix, qemu_format, options = QEMU_IMG[name]
    path = os.path.splitext(raw)[0] + suffix
    if not os.path.exists(path):
        # Another process may be doing the same.
        part = '%s.%d' % (path, os.getpid())
        packages.run(['qemu-img', 'convert', '-f', 'raw', '-O', qemu_format,
                      *options, raw, part])
        os.replace(part, path)
    return path


def convert(raw, name, folder, base, adapter):
    """Write the raw disk in another format.

    :param name: one of QEMU_IMG, or ``raw``.
    :param adapter: for the VMDK's descriptor: ide, lsilogic, buslogic.
    :returns: the path of the new file.
    """
    if name == 'raw':
        path = os.path.join(folder, base + '.raw')
        shutil.copyfile(raw, path)
        return path
    suffix, qemu_format, options = QEMU_IMG[name]
    path = os.path.join(folder, base + suffix)
    if name == KEPT:
        shutil.copyfile(keep(raw, name), path)
        return path
    packages.run(['qemu-img', 'convert', '-f', 'raw', '-O', qemu_format,
                  *(option % {'adapter': adapter} for option in options),
                  raw, path])
    return path
