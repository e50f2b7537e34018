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

"""Checks of a VM that is about to be powered on.

Each check raises :class:`errors.PowerOnFailed` with the message id of the
products (marked *inferred* if it is not known). vmrun does not print the
message; it is only in vmware.log.
"""

from __future__ import annotations

import os
import re

from vmwarefake import checkpoint
from vmwarefake.checks import drives
from vmwarefake import errors
from vmwarefake import guestos

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake import dictionary
    from vmwarefake import knobs
    from vmwarefake import product as products
    from vmwarefake import vm as vms
    from vmwarefake import vmlog

UUID = re.compile(r'(?:[0-9a-f]{2} ){7}[0-9a-f]{2}-(?:[0-9a-f]{2} ){7}'
                  r'[0-9a-f]{2}\Z', re.I)
MAX_CPUS = 32
MAX_MEMORY = 131072
_FIRMWARE = ('bios', 'efi')


def fail(msg_id: str, text: str) -> None:
    raise errors.PowerOnFailed(msg_id, text)


def all_checks(vm: vms.VM, ask: abc.Callable[[str, str], None]) -> None:
    """Run all checks.

    :param ask: called with message id and text of each question that VMware
        would ask in a dialog; raises an exception if nothing answers it.
    """
    config = vm.config
    check_version(config, vm.session.product)
    check_guest(config, vm.session.product)
    check_cpus(config, vm.session.knobs)
    check_memory(config, vm.session.knobs)
    check_firmware(config)
    check_tpm(config, vm.session.product)
    check_uuid(config)
    check_vnc(config, vm.log)
    warn_about_values(config, vm.log)
    drives.all_checks(vm, ask)
    check_checkpoint(vm)


def check_version(config: dictionary.Dictionary,
                  product: products.Product) -> None:
    if config.get('config.version') != '8':
        fail('msg.config.version',                              # inferred id
             'The configuration file has no or a bad config.version.')
    hardware = config.integer('virtualHW.version')
    if hardware < 3:
        fail('msg.virtualHW.missing',                           # inferred id
             'The configuration file has no or a bad virtualHW.version.')
    if hardware > product.newest_hardware():
        fail('msg.virtualHW.tooNew',                            # inferred id
             'This virtual machine uses hardware version %d, which is no '
             'longer or not yet supported: this product runs up to %d.'
             % (hardware, product.newest_hardware()))


def check_guest(config: dictionary.Dictionary,
                product: products.Product) -> None:
    guest = config.get('guestOS', '')
    if not guestos.known(guest, product):
        fail('msg.guestos.badname',
             'Guest operating system \'%s\' is not supported by this '
             'product.' % guest)


def _number(config: dictionary.Dictionary, key: str, default: int) -> int:
    """Return a number; VMware replaces an invalid one with the default."""
    return config.integer(key, default)


def check_cpus(config: dictionary.Dictionary, knobs: knobs.Knobs) -> None:
    cpus = _number(config, 'numvcpus', 1)
    cores = _number(config, 'cpuid.coresPerSocket', 1)
    if not 1 <= cpus <= MAX_CPUS:
        fail('msg.cpuid.numvcpus',                              # inferred id
             'numvcpus = "%d" is out of range (1 to %d).' % (cpus, MAX_CPUS))
    if cores < 1 or cpus % cores:
        fail('msg.cpuid.asymmetricalCores',
             'The number of virtual CPUs, %d, is not a multiple of the '
             'number of cores per socket, %d.' % (cpus, cores))
    if cpus > knobs.number('HOST_CPUS'):
        fail('msg.vmmonVMX.tooManyVCPUs',                       # inferred id
             'This virtual machine is configured to run with %d CPUs, but '
             'the host has only %s.' % (cpus, knobs['HOST_CPUS']))


def check_memory(config: dictionary.Dictionary, knobs: knobs.Knobs) -> None:
    size = _number(config, 'memsize', 32)
    if size % 4 or not 4 <= size <= MAX_MEMORY:
        fail('msg.memsize.bad',                                 # inferred id
             'memsize = "%d" is no multiple of 4 between 4 and %d.'
             % (size, MAX_MEMORY))
    if size > knobs.number('HOST_MEMORY'):
        fail('msg.vmmonVMX.notEnoughMem',                       # inferred id
             'Not enough physical memory is available to power on this '
             'virtual machine with its configured settings.')


def check_firmware(config: dictionary.Dictionary) -> None:
    firmware = config.get('firmware', 'bios').lower()
    if firmware not in _FIRMWARE:
        fail('msg.firmware.bad', 'firmware = "%s".' % firmware)   # inferred
    if config.true('uefi.secureBoot.enabled') and firmware != 'efi':
        fail('msg.firmware.secureBoot',                         # inferred id
             'Secure boot needs firmware = "efi".')


def check_tpm(config: dictionary.Dictionary,
              product: products.Product) -> None:
    """A TPM needs an encrypted VM.

    The key with which the GUI lets products add both is ignored without a
    GUI; 25.0.0 does not even start.
    """
    if config.true('vtpm.present') and 'encryption.keySafe' not in config:
        raise errors.PowerOnFailed(
            'msg.vtpm.poweron.notEncrypted',
            'The virtual machine must be encrypted.',
            [('msg.vtpm.initfail', 'Virtual TPM initialization failed.')])
    if config.get('managedvm.autoAddVTPM') and (25, 0) == product.numbers:
        fail('msg.vtpm.autoAdd',                                # inferred id
             'Cannot add a virtual TPM.')


def check_uuid(config: dictionary.Dictionary) -> None:
    for key in ('uuid.bios', 'uuid.location'):
        if key in config and not UUID.match(config[key]):
            fail('msg.uuid.bad',                                # inferred id
                 '%s = "%s" is no UUID.' % (key, config[key]))


def check_vnc(config: dictionary.Dictionary, log: vmlog.Log) -> None:
    """A VNC server that cannot be is a line in the log, not a failure."""
    if not config.true('RemoteDisplay.vnc.enabled'):
        return
    if len(config.get('RemoteDisplay.vnc.password', '')) > 8:
        log('RemoteDisplay.vnc.password: only the first 8 characters count.')


_BOOLEANS = re.compile(
    r'(.*\.present|.*\.startConnected|.*\.enabled|.*\.enable|.*\.disable|'
    r'msg\.autoAnswer|disk\.EnableUUID|vcpu\.hotadd|mem\.hotadd)\Z', re.I)
_INTEGERS = ('memsize', 'numvcpus', 'cpuid.coresPerSocket',
             'virtualHW.version', 'bios.bootDelay',
             'RemoteDisplay.vnc.port')
_WORDS = ('true', 'false', 'yes', 'no', 'on', 'off', '1', '0', '')


def warn_about_values(config: dictionary.Dictionary, log: vmlog.Log) -> None:
    for key, value in config.items():
        if _BOOLEANS.match(key) and value.strip().lower() not in _WORDS:
            log.error('msg.dictionary.notBoolean',
                      'Value "%s" for variable "%s" is not a valid boolean '
                      'value. Using the default.' % (value, key))
    for key in _INTEGERS:
        value = config.get(key, '').strip()
        if value and not re.match(r'-?(0[xX][0-9a-fA-F]+|\d+)\Z', value):
            log.error('msg.dictionary.notInteger',
                      'Value "%s" for variable "%s" is not a valid integer '
                      'value. Using the default.' % (value, key))


def check_checkpoint(vm: vms.VM) -> None:
    """Refuse to resume on hardware that has changed."""
    state = vm.config.get('checkpoint.vmState')
    if not state:
        return
    path = vm.path(state)
    if not os.path.exists(path):
        fail('msg.checkpoint.resume.open',                      # inferred id
             'Cannot open the suspended state "%s".' % path)
    saved = checkpoint.read(path).get('hardware', {})
    now = checkpoint.hardware(vm.config, vm.directory)
    for key, value in saved.items():
        if now.get(key) != value:
            name = ('msg.checkpoint.memsize.mismatch' if key == 'memsize'
                    else 'msg.checkpoint.mismatch')
            fail(name, 'The suspended state was saved with %s = "%s", the '
                 'virtual machine now has "%s".' % (key, value, now.get(key)))
