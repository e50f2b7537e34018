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

"""Keys of a .vmx that mean hardware or features which QEMU has not.

A key is refused if the guest would see another machine without it. What no
guest needs to boot is left out, with a line in the log.
"""

from __future__ import annotations

import re

from vmwarefake.engine import base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import dictionary

#: Devices whose ``.present`` other modules of this engine handle.
_KNOWN = re.compile(
    r'(scsi\d+|sata\d+|nvme\d+|ide\d+|(scsi|sata|nvme|ide)\d+:\d+|'
    r'ethernet\d+|serial\d+|parallel\d+|floppy\d+|usb|ehci|usb_xhci|sound|'
    r'hpet\d+|pcibridge\d+|svga)\Z', re.I)

#: Keys that are left out, and the consequence. Values that mean nothing are
#: empty, FALSE or 0.
_LEFT_OUT = tuple((re.compile(pattern + r'\Z', re.I), reason) for
                  pattern, reason in (
    (r'vmci\d+\.present', 'QEMU has no such device; the guest does without'),
    (r'usb(_xhci)?:\d+(\.\w+)?\.present',
     'the guest has a keyboard and a mouse on PS/2 instead'),
    (r'sharedFolder\d+\.present', 'no folder of the host is shared'),
    (r'mks\.enable3d', 'the display has no 3D'),
    (r'svga\.(vramSize|numDisplays)', 'there is one display of 16 MiB'),
    (r'vm\.genidX?', 'the guest finds no generation id'),
    (r'numa\.vcpu\..*', 'all memory is as near to every processor'),
    (r'efi\.legacyBoot\.enabled', 'UEFI boots what is made for UEFI'),
    (r'keyboard\.vusb\.enable', 'the keyboard is on PS/2'),
    (r'ethernet\d+\.[rt]xbw\.limit', 'the network is as fast as it can be'),
    (r'(mem|vcpu)\.hotadd', 'nothing can be added while it runs'),
    (r'bios\.(bootDelay|forceSetupOnce)', 'the firmware waits for nobody'),
    (r'keyboard\.typematicMinDelay', 'keys repeat as the guest wants'),
    (r'RemoteDisplay\.vnc\.keyMap', 'keys are those of a US keyboard'),
))

_NEEDS_KVM = ('needs the processor\'s virtualization, which emulation does '
              'not give: leave it out, or set FAKE_VMRUN_QEMU_ACCEL=kvm')
_REFUSED_WHEN_TRUE = {
    'vhv.enable': _NEEDS_KVM,
    'vpmc.enable': _NEEDS_KVM,
    'vvtd.enable': 'there is no IOMMU on this chipset',
    'vtpm.present': 'there is no TPM',
    'uefi.secureBoot.enabled': 'secure boot needs another chipset',
    'smbios.reflectHost': 'the host\'s SMBIOS is not shown to guests',
    'serialNumber.reflectHost': 'the host\'s SMBIOS is not shown to guests',
    'board-id.reflectHost': 'the host\'s SMBIOS is not shown to guests',
    'hw.model.reflectHost': 'the host\'s SMBIOS is not shown to guests',
}
_REFUSED_WHEN_SET = {
    'encryption.keySafe': 'encrypted virtual machines cannot be read',
    'encryption.data': 'encrypted virtual machines cannot be read',
    'board-id': 'the SMBIOS is VMware\'s',
    'hw.model': 'the SMBIOS is VMware\'s',
    'serialNumber': 'the SMBIOS has the serial number of uuid.bios',
    'featMask.vm.hv.capable': _NEEDS_KVM,
}
_WITH_KVM = ('vhv.enable', 'vpmc.enable', 'featMask.vm.hv.capable')
_CPUID_MASK = re.compile(r'cpuid\.[0-9a-f]+\.(eax|ebx|ecx|edx)(\.amd)?\Z',
                         re.I)


def check(config: dictionary.Dictionary, accel: str) -> list[str]:
    """Check the keys of a .vmx.

    :returns: lines for the log about keys that are left out.
    :raises base.Unsupported: for a key that is refused.
    """
    allowed = _WITH_KVM if accel == 'kvm' else ()
    for key, reason in _REFUSED_WHEN_TRUE.items():
        if key not in allowed and config.true(key):
            raise base.Unsupported(key, reason)
    for key, reason in _REFUSED_WHEN_SET.items():
        if key not in allowed and config.get(key):
            raise base.Unsupported(key, reason)
    if config.get('guestOS', '').lower().startswith('arm'):
        raise base.Unsupported('guestOS', 'the emulated machine is an x86')
    return _check_devices(config)


def _check_devices(config: dictionary.Dictionary) -> list[str]:
    notes = []
    for key, value in config.items():
        if _CPUID_MASK.match(key):
            raise base.Unsupported(key, 'there are no masks for CPUID')
        if value.lower() in ('', '0', 'false'):
            continue
        reason = _why_left_out(key)
        device, dot, last = key.rpartition('.')
        if reason:
            notes.append('%s = "%s": %s.' % (key, value, reason))
        elif (last.lower() == 'present' and config.true(key)
              and not _KNOWN.match(device) and key not in _REFUSED_WHEN_TRUE):
            raise base.Unsupported(key, 'QEMU has no such device')
    return notes


def _why_left_out(key: str) -> str | None:
    return next((reason for pattern, reason in _LEFT_OUT
                 if pattern.match(key)), None)
