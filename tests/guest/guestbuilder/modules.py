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

"""Kernel modules: which ones the guest gets."""

import lzma
import os
import re

#: Drivers of VMware's devices, of QEMU's that stand for them, and what the
#: guest's scripts use. A kernel has them built in, as modules, or not at all.
WANTED = (
    'vmw_pvscsi', 'mptspi', 'mptsas', 'sym53c8xx', 'BusLogic', 'ata_piix',
    'ata_generic', 'ahci', 'nvme', 'sd_mod', 'sr_mod', 'floppy',
    'vmxnet3', 'e1000', 'e1000e', 'pcnet32',
    'isofs', 'ext4', 'vfat', 'nls_cp437', 'nls_ascii', 'nls_utf8',
    'evdev', 'button', 'qemu_fw_cfg',
    'virtio_pci', 'virtio_console', 'virtio_scsi',
    'uhci-hcd', 'ehci-pci', 'xhci-pci', 'usbhid', 'hid-generic',
    'crc32c_generic', 'shpchp',
)

_NAME = re.compile(r'^(.*)\.ko(\.xz)?$')


def normal(name):
    """Module names are the same whether written with ``-`` or ``_``."""
    return name.replace('-', '_')


def read(path):
    """Return a module's bytes; Debian compresses them from trixie on."""
    with open(path, 'rb') as f:
        content = f.read()
    return lzma.decompress(content) if path.endswith('.xz') else content


def depends(content):
    """Return the names of the modules that a module says it needs."""
    found = re.search(rb'\0depends=([^\0]*)\0', content)
    names = found.group(1).decode() if found else ''
    return [normal(name) for name in names.split(',') if name]


def select(modules_folder, wanted=WANTED):
    """Return {file name below modules_folder: bytes} of what is wanted.

    Modules that others need are included; those that the kernel does not
    have are left out.

    :param modules_folder: a kernel's ``lib/modules/VERSION``.
    """
    paths = {}
    for folder, _, names in os.walk(modules_folder):
        for name in names:
            match = _NAME.match(name)
            if match:
                paths[normal(match.group(1))] = os.path.join(folder, name)
    selected = {}
    pending = [normal(name) for name in wanted]
    while pending:
        name = pending.pop()
        path = paths.pop(name, None)
        if path is None:
            continue
        content = read(path)
        relative = os.path.relpath(path, modules_folder)
        selected[re.sub(r'\.xz$', '', relative)] = content
        pending += depends(content)
    return selected
