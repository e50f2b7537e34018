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

"""Knobs of the QEMU engine.

``FAKE_VMRUN_QEMU``
    path of the emulator. Default: qemu-system-x86_64 on PATH
``FAKE_VMRUN_QEMU_ACCEL``
    tcg (default) or kvm. /dev/kvm is not probed, because it may open where no
    guest can run
``FAKE_VMRUN_QEMU_CPU``
    processor model. Default: Nehalem, with kvm that of the host
``FAKE_VMRUN_QEMU_HARDWARE``
    native (default): QEMU's model of each device, or the nearest one for the
    few that QEMU lacks (LSI Logic, BusLogic, vmxnet); exact: those few are
    refused; cloud: all SCSI and SATA controllers become pvscsi and all NICs
    vmxnet3, for cloud kernels that lack other drivers. vmware.log lists
    everything that differs from the .vmx
``FAKE_VMRUN_QEMU_FIRMWARE``
    folder of OVMF. Default: the folders of common distributions
``FAKE_VMRUN_NET``
    how the host reaches guests on NAT and host-only networks. tap: each has
    an interface of its name on the host, which needs root and /dev/net/tun;
    namespace: it has one in a network namespace of the user's own, which
    needs user namespaces and a /dev/net/tun that the user may open; user: by
    ports that QEMU's user-mode network forwards; auto (default): the first
    of these that is possible. vmware.log says which
"""

from __future__ import annotations

import os
import shutil

from vmwarefake.engine import base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc

_FIRMWARE_FOLDERS = ('/usr/share/OVMF', '/usr/share/edk2/x64',
                     '/usr/share/edk2/ovmf')
_FIRMWARE_FILES = (('OVMF_CODE_4M.fd', 'OVMF_VARS_4M.fd'),
                   ('OVMF_CODE.4m.fd', 'OVMF_VARS.4m.fd'),
                   ('OVMF_CODE.fd', 'OVMF_VARS.fd'))
_CHOICES = {
    'QEMU_ACCEL': ('tcg', 'kvm'),
    'QEMU_HARDWARE': ('native', 'exact', 'cloud'),
    'NET': ('auto', 'tap', 'namespace', 'user'),
}


class Options:
    """The values of the knobs.

    :raises base.EngineError: for an invalid value.
    """

    def __init__(self, environ: abc.Mapping[str, str]) -> None:
        self._environ = environ
        self.accel = self._choice('QEMU_ACCEL')
        self.hardware = self._choice('QEMU_HARDWARE')
        self.net = self._choice('NET')
        self.arm = self._get('HOST_ARCH') == 'arm64'
        default = 'host' if self.accel == 'kvm' else 'Nehalem'
        self.cpu = self._get('QEMU_CPU') or default

    def _get(self, name: str) -> str:
        return self._environ.get('FAKE_VMRUN_' + name, '')

    def _choice(self, name: str) -> str:
        choices = _CHOICES[name]
        value = self._get(name) or choices[0]
        if value not in choices:
            raise base.EngineError(
                'msg.engine.knob', 'FAKE_VMRUN_%s=%s is not one of %s'
                % (name, value, ', '.join(choices)))
        return value

    def qemu(self) -> str:
        """Return the path of the emulator.

        :raises base.EngineError: if it is missing.
        """
        return program(self._get('QEMU') or 'qemu-system-x86_64',
                       'qemu-system-x86')

    def firmware(self) -> tuple[str, str]:
        """Return the paths of OVMF's code and of its variables template.

        :raises base.EngineError: if they are missing.
        """
        folder = self._get('QEMU_FIRMWARE')
        for place in [folder] if folder else _FIRMWARE_FOLDERS:
            for names in _FIRMWARE_FILES:
                code, variables = [os.path.join(place, name)
                                   for name in names]
                if os.path.exists(code) and os.path.exists(variables):
                    return code, variables
        raise base.EngineError(
            'msg.engine.missing', 'firmware = "efi" needs OVMF, which is not '
            'installed: apt-get install ovmf')


def program(name: str, package: str) -> str:
    """Return the path of a program.

    :raises base.EngineError: naming the Debian package that has it.
    """
    path = shutil.which(name)
    if not path:
        raise base.EngineError(
            'msg.engine.missing', '%s is not installed: apt-get install %s'
            % (name, package))
    return path
