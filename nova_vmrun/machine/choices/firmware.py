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

from nova_vmrun.catalog import obeyed
from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.machine.choices import request as requests

_SECURE_BOOT_SINCE = 14
_BOOT_ORDER = ('hdd', 'cdrom', 'floppy')


def firmware(request: requests.Request) -> requests.Choice[str]:
    """Choose bios or efi.

    A server that must boot securely gets efi, unless the image says bios.
    """
    found = request.image(obeyed.FIRMWARE_TYPE)
    if found is not None:
        if found.value == 'bios' and request.is_arm:
            raise exception.InvalidProperty(
                found.name, found.text, 'Apple silicon only has UEFI.',
                'Use uefi.')
        return found.choose(found.value, written=found.text)
    policy = request.flavor_or_image(obeyed.SECURE_BOOT)
    if policy is not None and policy.value == 'required':
        return policy.choose('efi', written=policy.value)
    return request.default(request.profile.firmware)


def offers_secure_boot(hw_version: int, architecture: str) -> bool:
    """Return whether VMs can boot securely.

    :param hw_version: virtualHW.version
    :param architecture: of the guest, x86_64 or aarch64
    """
    return hw_version >= _SECURE_BOOT_SINCE and (
        architecture != guestos.AARCH64)


def secure_boot(request: requests.Request,
                chosen_firmware: str) -> requests.Choice[bool]:
    """Choose whether the firmware verifies what it boots."""
    possible = chosen_firmware == 'efi' and offers_secure_boot(
        request.hw_version, request.guest.arch)
    policy = request.flavor_or_image(obeyed.SECURE_BOOT)
    if policy is None:
        return request.default(request.profile.secure_boot and possible)
    if policy.value == 'required' and not possible:
        raise exception.InvalidProperty(
            policy.name, policy.text, 'Secure boot needs UEFI firmware and '
            'virtual hardware %d or later on x86.' % _SECURE_BOOT_SINCE,
            'Set hw_firmware_type=uefi.')
    return policy.choose(policy.value != 'disabled' and possible,
                         written=policy.value)


def boot_order(request: requests.Request) -> requests.Choice[tuple[str, ...]]:
    """Choose the devices to boot from, in order."""
    found = request.image(obeyed.BOOT_ORDER)
    if found is None:
        return requests.Choice(_BOOT_ORDER, requests.DEFAULT)
    return found.choose(found.value, written=','.join(found.value))
