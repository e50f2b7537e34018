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

"""Check that nothing will still write to the disks of a VM."""

from nova_vmrun.cmd.image import vm as vms
from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.server import vm_process

_ENCRYPTED = ('encryption.keySafe', 'encryption.data', 'encryptedVM.guid')


def require(vm: vms.Vm) -> None:
    """Refuse a VM that is encrypted, in use or suspended.

    :raises InvalidInput: says which of these it is
    """
    if any(key in vm.keys for key in _ENCRYPTED):
        raise exception.InvalidInput(
            'Cannot upload the VM %s.' % vm.path, 'It is encrypted.',
            'Remove the encryption in its settings (with Windows 11 also the '
            'TPM, which servers do not have), and try again.')
    if vm_process.is_locked(vm.folder):
        raise exception.InvalidInput(
            'Cannot upload the VM %s.' % vm.path,
            'It is running: a live process has a lock in %s.' % vm.folder,
            'Shut the guest down, and try again.')
    saved = vm.keys.get(vmx.MEMORY)
    if saved:
        raise exception.InvalidInput(
            'Cannot upload the VM %s.' % vm.path,
            'It is suspended: data that its guest has not written to the disk '
            'yet is in %s.' % saved,
            'Resume it, shut the guest down, and try again.')
