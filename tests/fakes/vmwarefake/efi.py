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

"""What the EFI firmware tries to boot, according to vmware.log."""

from __future__ import annotations

import os

from vmwarefake import devices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import dictionary
    from vmwarefake import vm as vms

_DISKS = {'scsi': 'SCSI Hard Drive', 'sata': 'SATA Hard Drive',
          'ide': 'IDE Hard Drive', 'nvme': 'NVME Namespace'}
#: The firmware on Apple silicon sees no CD here.
_UNSEEN = 'sata0:0'
_NO_MEDIA = 'Guest: Status upon boot failure: No Media'


def drop_unseen(order: dict[str, int], config: dictionary.Dictionary,
                directory: str) -> None:
    """Remove the drive that the firmware does not see from a boot order.

    :param order: {node: index}; see engine.qemu.storage.boot_order.
    """
    for drive in devices.drives(config, directory):
        if drive.node == _UNSEEN and drive.is_cdrom:
            order.pop(_UNSEEN, None)


def boot_lines(vm: vms.VM) -> list[str]:
    """Return the log lines of a cold boot; with a BIOS there are none.

    EFI follows ``bios.bootOrder`` too. Every disk counts as bootable.
    """
    config = vm.config
    if config.get('firmware', 'bios').lower() != 'efi':
        return []
    lines = ['Unrecognized efi.bootOrder: "%s".' % word
             for word in _words(config, 'efi.bootOrder')]
    drives = devices.drives(config, vm.directory)
    for kind in _words(config, 'bios.bootOrder') + ['hdd', 'cdrom']:
        for drive in drives:
            if drive.is_cdrom != (kind == 'cdrom') or kind not in (
                    'hdd', 'cdrom'):
                continue
            if drive.is_cdrom and not _has_medium(drive):
                continue
            lines.append('Guest: About to do EFI boot: EFI VMware Virtual %s '
                         '(%d.0)' % (_title(drive), drive.unit))
            if not (vm.session.product.arm and drive.is_cdrom
                    and drive.node == _UNSEEN):
                return lines
            lines.append(_NO_MEDIA)
    return lines + ['[msg.Backdoor.OsNotFound] No operating system was '
                    'found.']


def _words(config: dictionary.Dictionary, key: str) -> list[str]:
    return [word.strip().lower() for word in config.get(key, '').split(',')
            if word.strip()]


def _has_medium(drive: devices.Drive) -> bool:
    return drive.start_connected and os.path.isfile(drive.path)


def _title(drive: devices.Drive) -> str:
    if drive.is_cdrom:
        return '%s CDROM Drive' % drive.bus.upper()
    return _DISKS[drive.bus]
