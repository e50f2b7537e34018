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

"""What a power-on writes to the .vmx.

The first power-on adds keys at the end of the file. Every power-on records
that the shutdown has not been clean yet.
"""

from __future__ import annotations

import os
import zlib

from vmwarefake import devices
from vmwarefake import digest
from vmwarefake import slots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake import dictionary
    from vmwarefake import vm as vms


def format_uuid(raw: bytes) -> str:
    """Format 16 bytes as VMware does, with a dash after the eighth."""
    pairs = ['%02x' % byte for byte in raw]
    return '%s-%s' % (' '.join(pairs[:8]), ' '.join(pairs[8:]))


def _uuid_bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace('-', ' ').replace(' ', ''))


def location_uuid(vmx: str) -> str:
    """Return the uuid.location of a path, which moving a VM changes."""
    place = '%s:%s' % (os.uname().nodename, os.path.realpath(vmx))
    return format_uuid(b'VM' + digest.digest(os.fsencode(place), 14))


def prepare(vm: vms.VM, ask: abc.Callable[[str, str], None]) -> None:
    """Add the keys of a power-on to ``vm.config``."""
    _identify(vm, ask)
    base = vm.base
    config = vm.config
    config.setdefault('.encoding', 'UTF-8')
    config.setdefault('extendedConfigFile', base + '.vmxf')
    config.setdefault('virtualHW.productCompatibility', 'hosted')
    config.setdefault('vmxstats.filename', base + '.scoreboard')
    config.setdefault('nvram', base + '.nvram')
    cpus = config.integer('numvcpus', 1)
    cores = config.integer('cpuid.coresPerSocket', 1)
    config.setdefault('numa.autosize.cookie',
                      str(cpus * 10000 + cores * 10 + 2))
    config.setdefault('numa.autosize.vcpu.maxPerVirtualNode', str(cpus))
    config.setdefault('cpuid.coresPerSocket.cookie', str(cores))
    slots.assign(vm)
    for drive in devices.disks(config, vm.directory):
        config.setdefault(drive.node + '.redo', '')
    config.setdefault('svga.vramSize', '268435456')
    _addresses(config, vm.session.product.host == 'windows')
    config.setdefault('vmotion.checkpointFBSize', '4194304')
    config.setdefault('vmotion.checkpointSVGAPrimarySize', '268435456')
    if config.true('vmci0.present'):
        tail = _uuid_bytes(config['uuid.bios'])[-4:]
        config.setdefault('vmci0.id',
                          str(int.from_bytes(tail, 'big', signed=True)))
    config.setdefault('monitor.phys_bits_used', '45')
    _hide_vnc_password(config)
    config['cleanShutdown'] = 'FALSE'
    config['softPowerOff'] = 'FALSE'
    if vm.session.product.numbers >= (25, 0) and not config.get(
            'checkpoint.vmState'):
        config.pop('checkpoint.vmState')
        config['checkpoint.vmState.readOnly'] = 'FALSE'


def _identify(vm: vms.VM, ask: abc.Callable[[str, str], None]) -> None:
    """Make the uuids, or check them and ask about a copied VM."""
    config = vm.config
    here = location_uuid(vm.vmx)
    if config.get('uuid.location', here).lower() != here:
        action = config.get('uuid.action', '').lower()
        if action not in ('create', 'keep', 'change'):
            ask('msg.uuid.altered',
                'This virtual machine might have been moved or copied.')
            action = 'create'
        if action != 'keep':
            _forget_identity(config)
            config['uuid.bios'] = format_uuid(b'VM' + os.urandom(14))
    # Derived from host and path, so the same path gives the same addresses.
    config.setdefault('uuid.bios', here)
    config['uuid.location'] = here


def _forget_identity(config: dictionary.Dictionary) -> None:
    config.pop('uuid.bios')
    config.pop('vmci0.id')
    for n in devices.nics(config):
        config.pop('ethernet%d.generatedAddress' % n)
        config.pop('ethernet%d.generatedAddressOffset' % n)


def _addresses(config: dictionary.Dictionary, upper: bool) -> None:
    """Generate MAC addresses: 00:0c:29, three bytes of the uuid plus 10*N.

    :param upper: whether to write them as products on Windows do.
    """
    form = '%02X' if upper else '%02x'
    tail = int.from_bytes(_uuid_bytes(config['uuid.bios'])[-3:], 'big')
    for n in devices.nics(config):
        nic = 'ethernet%d' % n
        if config.get(nic + '.addressType', 'generated').lower() != (
                'generated'):
            continue
        value = (tail & 0xffff00) | ((tail + 10 * n) & 0xff)
        raw = b'\x00\x0c\x29' + value.to_bytes(3, 'big')
        config.setdefault(nic + '.addressType', 'generated')
        config.setdefault(nic + '.generatedAddress',
                          ':'.join(form % byte for byte in raw))
        config.setdefault(nic + '.generatedAddressOffset', str(10 * n))


def _hide_vnc_password(config: dictionary.Dictionary) -> None:
    """Replace the clear password with a key, as the products do.

    How they obfuscate it is unknown; the fakes do it in their own way.
    """
    password = config.pop('RemoteDisplay.vnc.password')
    if password:
        config['RemoteDisplay.vnc.key'] = vnc_key(password)


def vnc_key(password: str) -> str:
    import base64
    raw = password[:8].encode('utf-8', 'surrogateescape')[:8].ljust(8, b'\0')
    mixed = bytes(a ^ b for a, b in zip(raw, _PAD))
    return base64.b64encode(b'fake' + mixed).decode('ascii')


def vnc_password(config: dictionary.Dictionary) -> bytes | None:
    """Return the clear password, at most 8 bytes, None if there is none."""
    import base64
    clear = config.get('RemoteDisplay.vnc.password')
    if clear:
        return clear.encode('utf-8', 'surrogateescape')[:8]
    key = config.get('RemoteDisplay.vnc.key')
    if not key:
        return None
    raw = base64.b64decode(key)
    return bytes(a ^ b for a, b in zip(raw[4:], _PAD)).rstrip(b'\0')


_PAD = zlib.crc32(b'vnc').to_bytes(4, 'big') * 2


def extra_files(vm: vms.VM) -> None:
    """Write the .vmxf and .nvram of a VM that has run once."""
    from vmwarefake import files
    vmxf = vm.path(vm.config['extendedConfigFile'])
    if not os.path.exists(vmxf):
        files.replace(vmxf, _VMXF.replace(
            '@NAME@', os.path.basename(vm.vmx).replace('&', '&amp;')
            .replace('<', '&lt;')).replace(
            '@ID@', vm.config['uuid.bios']).encode(
                'utf-8', 'surrogateescape'))
    nvram = vm.path(vm.config['nvram'])
    if not os.path.exists(nvram):
        files.replace(nvram, b'MRVN' + bytes(8684 - 4))
    files.replace(vm.path(vm.config['vmxstats.filename']), bytes(8192))


_VMXF = """<?xml version="1.0"?>
<Foundry>
<VM>
<VMId type="string">@ID@</VMId>
<ClientMetaData>
<clientMetaDataAttributes/>
<HistoryEventList/></ClientMetaData>
<vmxPathName type="string">@NAME@</vmxPathName></VM></Foundry>
"""
