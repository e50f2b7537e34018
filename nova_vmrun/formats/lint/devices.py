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

"""Checks that devices are complete and within VMware's limits."""

from collections.abc import Iterator
import re

from nova_vmrun.formats import identity
from nova_vmrun.formats.lint import finding
from nova_vmrun.formats import vmx
from nova_vmrun.formats.vmx import pci

_PRESENT = re.compile(
    '(?P<kind>scsi|sata|nvme|ide|ethernet|serial|floppy)(?P<number>[0-9]+)'
    '(:(?P<unit>[0-9]+))?[.]present', re.IGNORECASE)
_UNITS = {'scsi': 16, 'sata': 30, 'nvme': 64, 'ide': 2}
_NUMBERS = {'scsi': 4, 'sata': 4, 'nvme': 4, 'ide': 2, 'ethernet': 10,
            'serial': 4, 'floppy': 2}
_SCSI_CONTROLLER_UNIT = 7
# Static addresses that VMware accepts without checkMACAddress = FALSE.
_OWN_MACS = re.compile('00:50:56:[0-3][0-9a-f]:', re.IGNORECASE)


def check(settings: vmx.Vmx) -> Iterator[finding.Finding]:
    """Check every device that is present."""
    macs: dict[str, str] = {}
    for key in settings:
        match = _PRESENT.fullmatch(key)
        if not match or not settings.get_bool(key):
            continue
        device = key.rpartition('.')[0]
        kind = match.group('kind').lower()
        number = int(match.group('number'))
        if number >= _NUMBERS[kind]:
            yield finding.error(key, 'is out of range: VMware ignores it.')
        elif match.group('unit') is not None:
            yield from _check_unit(settings, device, kind,
                                   int(match.group('unit')))
        elif kind == 'ethernet':
            yield from _check_nic(settings, device, macs)
    yield from _check_slots(settings)


def _needs(settings: vmx.Vmx, key: str) -> Iterator[finding.Finding]:
    if not settings.get(key):
        yield finding.error(key, 'is missing.')


def _check_unit(settings: vmx.Vmx, device: str, kind: str,
                unit: int) -> Iterator[finding.Finding]:
    controller = device.partition(':')[0]
    if kind not in _UNITS or unit >= _UNITS[kind] or (
            kind == 'scsi' and unit == _SCSI_CONTROLLER_UNIT):
        yield finding.error(device + '.present',
                            'is out of range: VMware ignores it.')
    elif kind != 'ide' and not settings.get_bool(controller + '.present'):
        yield finding.error(device + '.present',
                            'is on %s, which is not present.' % controller)
    device_type = settings.get(device + '.deviceType', '').lower()
    if kind == 'nvme' and device_type.startswith('cdrom'):
        yield finding.error(device + '.deviceType',
                            'is %s; NVMe has no CD drives.' % device_type)


def _check_nic(settings: vmx.Vmx, device: str,
               macs: dict[str, str]) -> Iterator[finding.Finding]:
    if settings.get(device + '.connectionType', '').lower() == 'custom':
        yield from _needs(settings, device + '.vnet')
    elif settings.get(device + '.connectionType', '').lower() == 'pvn':
        yield from _check_segment(settings, device + '.pvnID')
    kind = settings.get(device + '.addressType', 'generated').lower()
    if kind != 'static':
        return
    yield from _needs(settings, device + '.address')
    key = device + '.address'
    mac = settings.get(key, '').lower()
    if not mac:
        return
    if mac in macs:
        yield finding.error(key, 'is %s, the address of %s.'
                            % (mac, macs[mac]))
    macs[mac] = device
    if not settings.get_bool(device + '.checkMACAddress', True):
        return
    if mac.startswith(identity.RESERVED_MACS):
        yield finding.error(key, 'is %s; VMware reserves such addresses '
                            'and would not start the VM.' % mac)
    elif not _OWN_MACS.match(mac):
        yield finding.warning(
            key, "is %s, which is outside VMware's range; set "
            '%s.checkMACAddress to FALSE.' % (mac, device))


def _check_segment(settings: vmx.Vmx, key: str) -> Iterator[finding.Finding]:
    yield from _needs(settings, key)
    value = settings.get(key, '')
    if value and not identity.is_segment(value):
        yield finding.error(
            key, 'is %s, which is not the id of a LAN segment: 16 bytes in '
            'hexadecimal digits with blanks, and a dash in the middle.'
            % value)


def _check_slots(settings: vmx.Vmx) -> Iterator[finding.Finding]:
    key = pci.missing_port(settings)
    if key:
        yield finding.error(
            key, 'needs a PCI Express port: set pciBridge4.present to TRUE '
            'and pciBridge4.virtualDev to pcieRootPort.')
    for key, problem in pci.misplaced(settings):
        yield finding.error(key, problem + ' The VM would crash. Delete the '
                            'key, and VMware finds a slot.')
