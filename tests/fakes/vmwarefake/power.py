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

"""Power operations on a VM, used by several verbs.

Call them with the VM's lock held.
"""

from __future__ import annotations

import contextlib
import os

from vmwarefake import checkpoint
from vmwarefake.checks import power_on as checks
from vmwarefake import devices
from vmwarefake.engine import base
from vmwarefake import errors
from vmwarefake import files
from vmwarefake import firstboot
from vmwarefake import locks
from vmwarefake import process
from vmwarefake import slots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake import vm as vms


def _asker(vm: vms.VM) -> abc.Callable[[str, str], None]:
    """Return the function that answers the questions of dialogs."""
    def ask(msg_id: str, text: str) -> None:
        default = 'default' if vm.config.true('msg.autoAnswer') else None
        key = 'answer.' + msg_id
        answer = vm.config[key] if key in vm.config else default
        if answer is None and vm.session.knobs['DIALOGS'] == 'wait':
            vm.log.begin(os.getpid(), vm.session.product)
            vm.log.unanswered(msg_id, text)
            raise errors.Waits()
        if answer is None:
            raise errors.PowerOnFailed(
                msg_id, text + '\nThe question was not answered.')
        vm.log.question(msg_id, text, answer)
    return ask


def power_on(vm: vms.VM) -> None:
    """Start or resume a VM that is off or suspended.

    :raises errors.Refused: ``The operation was canceled``, whatever is
        wrong; the reason is in vmware.log.
    """
    check_not_locked(vm)
    _need_modules(vm)
    vm.log.hold()
    try:
        _prepare(vm)
    except errors.PowerOnFailed as e:
        raise _canceled(vm, e.msg_id, str(e), e.further)
    except base.EngineError as e:
        raise _canceled(vm, e.msg_id, str(e))
    except errors.Died as e:
        vm.died(process.short_lived(), e.lines)
        raise errors.vix(1)
    except OSError as e:
        raise _canceled(vm, 'msg.fileio.generic', str(e))
    _run(vm)


def _need_modules(vm: vms.VM) -> None:
    """Raise errors.Refused if a kernel module of the host is missing.

    Only the GUI says which; vmware.log says nothing.
    """
    missing = vm.session.knobs['MODULES_MISSING'].replace(',', ' ').split()
    if 'vmmon' in missing or 'vmnet' in missing:
        raise errors.vix(10)


def check_not_locked(vm: vms.VM) -> None:
    """Raise errors.Refused if another process, such as a GUI, has the VM."""
    try:
        locks.check(vm.vmx, owner=vm.owner)
    except locks.Busy:
        raise errors.vix(15)


def _prepare(vm: vms.VM) -> None:
    ask = _asker(vm)
    checks.all_checks(vm, ask)
    vm.engine.check()
    firstboot.prepare(vm, ask)
    vm.save_config()
    slots.check(vm)
    firstboot.extra_files(vm)
    if vm.uses_vmem():
        _make_vmem(vm)
    _truncate_serial_files(vm)
    _renew_content_ids(vm)
    vm.began()


def _make_vmem(vm: vms.VM) -> None:
    path = vm.vmem_path()
    files.check_space(path)
    with open(path, 'wb') as f:
        f.truncate(vm.config.integer('memsize', 32) * 1024 * 1024)


def _truncate_serial_files(vm: vms.VM) -> None:
    """Truncate the files of serial ports, unless the answer is Append.

    A VM that resumes keeps them.
    """
    answer = vm.config.get('answer.msg.serial.file.open', '').lower()
    if answer == 'append' or vm.config.get('checkpoint.vmState'):
        return
    for n in range(4):
        port = 'serial%d' % n
        path = vm.path(vm.config.get(port + '.fileName', ''))
        if vm.config.true(port + '.present') and vm.config.get(
                port + '.fileType', '').lower() == 'file' and (
                    os.path.isfile(path)):
            files.step()
            os.truncate(path, 0)


def _renew_content_ids(vm: vms.VM) -> None:
    """Change the content ids of disks, as a guest that boots does.

    This is why booting a disk breaks the children of that disk.
    """
    from vmwarefake.vmdk import disk
    for drive in devices.disks(vm.config, vm.directory):
        if drive.writes_back:
            disk.open_link(drive.path).renew_cid()


def _run(vm: vms.VM) -> None:
    state = vm.config.get('checkpoint.vmState')
    memory = checkpoint.memory_path(vm.path(state)) if state else None
    try:
        vm.engine.start(memory)
    except base.EngineError as e:
        raise _undo(vm, e.msg_id, str(e))
    try:
        vm.complete_power_on()
    except locks.Busy as e:
        vm.engine.stop_hard()
        raise _undo(vm, 'msg.disk.noBackEnd',
                    'Failed to lock the file (%s)' % e.path)
    _leave_without_carrier(vm)


def _leave_without_carrier(vm: vms.VM) -> None:
    """Unplug the NICs that start unplugged despite startConnected."""
    for nic in vm.session.knobs['NO_CARRIER'].replace(',', ' ').split():
        if vm.config.true(nic + '.present'):
            with engine_errors(vm):
                vm.engine.device_connected(nic, False)
            vm.record.data.setdefault('connected', {})[nic] = False
            vm.record.save()


def _undo(vm: vms.VM, msg_id: str, text: str) -> errors.Refused:
    """Turn the VM off again and return the refusal."""
    vm.config['cleanShutdown'] = 'TRUE'
    refusal = _canceled(vm, msg_id, text)
    vm.finish(vm.owner, 'Power on failed.')
    return refusal


def _canceled(vm: vms.VM, msg_id: str, text: str,
              further: abc.Iterable[tuple[str, str]] = ()) -> errors.Refused:
    """Write the reason to a new vmware.log and return the refusal.

    :param further: (message id, text) of further messages.
    """
    vm.log.begin(os.getpid(), vm.session.product)
    vm.log.error(msg_id, text)
    for message in further:
        vm.log.error(*message)
    vm.log.error('msg.moduletable.powerOnFailed', 'Power on failed.')
    return errors.vix(10)


def power_off(vm: vms.VM) -> None:
    """Power off a VM that is on."""
    owner = vm.owner
    vm.engine.stop_hard()
    vm.went_off(owner, soft=False)


def suspend(vm: vms.VM) -> None:
    """Suspend a VM that is on to a .vmss."""
    path = suspend_path(vm)
    owner = vm.owner
    vm.log('Checkpoint: suspending to %s' % path)
    try:
        checkpoint.write(path, {
            'hardware': checkpoint.hardware(vm.config, vm.directory),
            'address': _last_address(vm)})
        vm.engine.suspend(checkpoint.memory_path(path))
    except (base.EngineError, OSError) as e:
        files.remove(path)
        files.remove(checkpoint.memory_path(path))
        vm.log.error('msg.checkpoint.suspend', str(e))
        raise errors.vix(3012)
    vm.config['checkpoint.vmState'] = os.path.basename(path)
    vm.config['cleanShutdown'] = 'TRUE'
    vm.finish(owner, 'Transitioned vmx/execState/val to suspended')


def _last_address(vm: vms.VM) -> str | None:
    """Return the address that a suspended VM keeps, or None."""
    from vmwarefake import guestops
    if guestops.tools_state(vm) != 'running':
        return None
    return guestops.guest_address(vm)


def suspend_path(vm: vms.VM) -> str:
    """Return a new path for a state: the VM's name and 8 hex digits."""
    number = int.from_bytes(os.urandom(4), 'big')
    return vm.path('%s-%08x.vmss' % (vm.base, number))


@contextlib.contextmanager
def engine_errors(vm: vms.VM) -> abc.Iterator[None]:
    """Turn an error of the engine into vmrun's, and log the reason."""
    try:
        yield
    except base.EngineError as e:
        vm.log.error(e.msg_id, str(e))
        raise errors.vix(16)
