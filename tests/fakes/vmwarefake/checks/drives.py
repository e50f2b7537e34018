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

"""Power-on checks of drives, controllers and the chains of the disks."""

from __future__ import annotations

import os

from vmwarefake.checks import nics
from vmwarefake.checks import ports
from vmwarefake import devices
from vmwarefake import errors
from vmwarefake import locks
from vmwarefake import messages
from vmwarefake import vmdk
from vmwarefake.vmdk import disk as disks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from typing import NoReturn
    from vmwarefake import dictionary
    from vmwarefake import vm as vms

SCSI_KINDS = ('', 'lsilogic', 'lsisas1068', 'pvscsi', 'buslogic')
DISK_KINDS = ('', 'disk', 'scsi-harddisk', 'ata-harddisk', 'rawdisk',
              'plaindisk')
MODES = ('persistent', 'nonpersistent', 'independent-persistent',
         'independent-nonpersistent', 'undoable', 'append')


def fail(msg_id: str, text: str) -> NoReturn:
    raise errors.PowerOnFailed(msg_id, text)


def all_checks(vm: vms.VM, ask: abc.Callable[[str, str], None]) -> None:
    drives = devices.drives(vm.config, vm.directory)
    for drive in drives:
        check_node(vm.config, drive)
    seen: set[str] = set()
    for drive in drives:
        if drive.is_cdrom:
            check_cdrom(drive, ask)
        else:
            check_disk(vm, drive, seen)
    ports.check_floppy(vm, ask)
    check_vmci(vm)
    ports.check_serial(vm, ask)
    nics.all_checks(vm, ask)


def check_node(config: dictionary.Dictionary, drive: devices.Drive) -> None:
    """Require that the controller is present and has such a unit.

    Products were seen to drop devices out of range silently (strictest
    reading: refuse, so that no disk is lost unnoticed).
    """
    controllers, units, reserved = devices.LIMITS[drive.bus]
    if drive.bus_number >= controllers or drive.unit >= units or (
            drive.unit in reserved):
        fail('msg.disk.configureDiskError',                     # inferred id
             '%s is no place for a device: %s has %d controllers with %d '
             'units%s.' % (drive.node, drive.bus, controllers, units,
                           ', unit 7 reserved' if reserved else ''))
    if drive.bus != 'ide' and not config.true(
            drive.controller + '.present'):
        fail('msg.disk.noController',                           # inferred id
             '%s is present but its controller is not: %s.present is not '
             '"TRUE".' % (drive.node, drive.controller))
    kind = config.get(drive.controller + '.virtualDev', '').lower()
    if drive.bus == 'scsi' and kind not in SCSI_KINDS:
        fail('msg.scsi.badType', '%s.virtualDev = "%s".'        # inferred id
             % (drive.controller, kind))
    if drive.bus == 'nvme' and config.integer('virtualHW.version') < 13:
        fail('msg.nvme.hardware',                               # inferred id
             'NVMe needs virtualHW.version 13 or newer.')
    if drive.bus == 'nvme' and drive.is_cdrom:
        # There is no dialog: the process dies (VIX 16).
        raise errors.vix(16)


def check_vmci(vm: vms.VM) -> None:
    missing = vm.session.knobs['MODULES_MISSING'].replace(',', ' ').split()
    if 'vmci' in missing and vm.config.true('vmci0.present'):
        fail('msg.vmci.openFailed',                             # inferred id
             'Failed to open device "/dev/vmci": No such file or directory\n'
             "Please make sure that the kernel module 'vmci' is loaded.\n"
             "Module 'DevicePowerOn' power on failed.")


def check_cdrom(drive: devices.Drive,
                ask: abc.Callable[[str, str], None]) -> None:
    if drive.device_type != 'cdrom-image':
        return
    if drive.start_connected and not os.path.isfile(drive.path):
        ask('msg.cdromImage.cannotOpen',                        # inferred id
            'Cannot find the CD image "%s" of %s. It will be disconnected.'
            % (drive.file_name, drive.node))


def check_disk(vm: vms.VM, drive: devices.Drive, seen: set[str]) -> None:
    """Check a disk, its chain and its locks."""
    if drive.device_type not in DISK_KINDS:
        fail('msg.disk.badType', '%s.deviceType = "%s".'        # inferred id
             % (drive.node, drive.device_type))
    if drive.mode not in MODES:
        fail('msg.disk.badMode', '%s.mode = "%s".'              # inferred id
             % (drive.node, drive.mode))
    if not drive.file_name:
        fail('msg.disk.notConfigured2',
             '%s is present but no file is configured.' % drive.node)
    chain = _chain(drive)
    if chain[0].descriptor.create_type == 'streamOptimized':
        fail('msg.disk.noBackEnd',
             'Cannot open the disk \'%s\': streamOptimized disks are '
             'read-only.' % drive.path)
    _check_access(drive, chain)
    for link in chain[:1]:
        real = os.path.realpath(link.path)
        if real in seen:
            fail('msg.disk.duplicate',                          # inferred id
                 '%s: %s' % (messages.vix(13015), drive.path))
        seen.add(real)
    _check_locks(drive, chain)


def _no_backend(drive: devices.Drive, reason: object) -> NoReturn:
    fail('msg.disk.noBackEnd',
         'Cannot open the disk \'%s\' or one of the snapshot disks it '
         'depends on.\nReason: %s\nModule \'Disk\' power on failed.'
         % (drive.path, reason))


def _chain(drive: devices.Drive) -> list[disks.Disk]:
    try:
        return disks.open_chain(drive.path)
    except vmdk.DiskError as e:
        _no_backend(drive, '%s (%s)' % (messages.vix(e.code), e.path))


def _check_access(drive: devices.Drive, chain: list[disks.Disk]) -> None:
    for path in chain[0].files():
        if drive.writes_back and not os.access(path, os.W_OK):
            _no_backend(drive, 'Insufficient permission to access the file')
    for link in chain[1:]:
        for path in link.files():
            if not os.access(path, os.R_OK):
                _no_backend(drive,
                            'Insufficient permission to access the file')


def _check_locks(drive: devices.Drive, chain: list[disks.Disk]) -> None:
    if not drive.config.true('disk.locking', True):
        return
    try:
        locks.check(chain[0].path)
        for link in chain[1:]:
            locks.check(link.path, shared=True)
    except locks.Busy as e:
        _no_backend(drive, 'Failed to lock the file (%s)' % e.path)
