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

"""Firmware, secure boot and the order of boot devices."""

from nova_vmrun.catalog import properties as props
from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.machine.choices import request as requests

_SECURE_BOOT_SINCE = 14
_BOOT_ORDER = ('hdd', 'cdrom', 'floppy')


def firmware(request: requests.Request) -> requests.Choice:
    """Chooses bios or efi.

    A server that must boot securely gets efi, unless the image says bios.
    """
    asked = request.image('hw_firmware_type')
    if asked.name:
        chosen = props.one_of(asked.name, asked.value, props.FIRMWARE)
        if chosen == 'bios' and request.is_arm:
            raise exception.InvalidProperty(
                asked.name, asked.value, 'Apple silicon has UEFI only.',
                'Use uefi.')
        return asked.choose(chosen, shown=asked.value)
    policy, asked = _policy(request)
    if policy == 'required':
        return asked.choose('efi', shown=policy)
    return request.default(request.profile.firmware)


def offers_secure_boot(hw_version: int, architecture: str) -> bool:
    """Tells whether VMs can boot securely.

    :param hw_version: virtualHW.version
    :param architecture: of the guest, x86_64 or aarch64
    """
    return hw_version >= _SECURE_BOOT_SINCE and (
        architecture != guestos.AARCH64)


def secure_boot(request: requests.Request,
                chosen_firmware: str) -> requests.Choice:
    """Chooses whether the firmware checks what it boots."""
    possible = chosen_firmware == 'efi' and offers_secure_boot(
        request.hw_version, request.guest.arch)
    policy, asked = _policy(request)
    if policy is None:
        return request.default(request.profile.secure_boot and possible)
    if policy == 'required' and not possible:
        raise exception.InvalidProperty(
            asked.name, asked.value, 'Secure boot needs UEFI firmware and '
            'virtual hardware %d of x86.' % _SECURE_BOOT_SINCE,
            'Set hw_firmware_type=uefi.')
    return asked.choose(policy != 'disabled' and possible, shown=policy)


def _policy(request: requests.Request) -> tuple[str | None, requests.Asked]:
    asked = request.flavor('os:secure_boot')
    if not asked.name:
        asked = request.image('os_secure_boot')
    if not asked.name:
        return None, asked
    return props.one_of(asked.name, asked.value, props.SECURE_BOOT), asked


def boot_order(request: requests.Request) -> requests.Choice:
    """Chooses a tuple of names from machine.BOOT_DEVICES."""
    asked = request.image(*props.names('boot_order'))
    if not asked.name:
        return requests.Choice(_BOOT_ORDER, 'default')
    order = props.words(asked.name, asked.value, props.BOOT_DEVICES)
    return asked.choose(order, shown=','.join(order))
