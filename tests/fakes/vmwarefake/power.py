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

"""Power operations on one VM, used by several verbs.

All of them are called with the VM's lock held, unless they say otherwise.
"""

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


def _asker(vm):
    """Return the function that answers (or not) what a dialog would ask."""
    def ask(msg_id, text):
        answer = vm.config.get('answer.' + msg_id)
        if answer is None and vm.config.true('msg.autoAnswer'):
            answer = 'default'
        if answer is None and vm.session.knobs['DIALOGS'] == 'wait':
            vm.log.begin(os.getpid(), vm.session.product)
            vm.log.unanswered(msg_id, text)
            raise errors.Waits()
        if answer is None:
            raise errors.PowerOnFailed(
                msg_id, text + '\nThe question was not answered.')
        vm.log.question(msg_id, text, answer)
    return ask


def power_on(vm):
    """Start or resume a VM that is off or suspended.

    :raises errors.Refused: ``The operation was canceled`` for whatever is
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


def _need_modules(vm):
    """Refuse when a kernel module of the host is missing.

    Only the GUI tells which; vmware.log tells nothing.
    """
    missing = vm.session.knobs['MODULES_MISSING'].replace(',', ' ').split()
    if 'vmmon' in missing or 'vmnet' in missing:
        raise errors.vix(10)


def check_not_locked(vm):
    """Refuse when another process, a GUI say, has the VM open."""
    try:
        locks.check(vm.vmx, owner=vm.owner)
    except locks.Busy:
        raise errors.vix(15)


def _prepare(vm):
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


def _make_vmem(vm):
    path = vm.vmem_path()
    files.check_space(path)
    with open(path, 'wb') as f:
        f.truncate(vm.config.integer('memsize', 32) * 1024 * 1024)


def _truncate_serial_files(vm):
    """Begin the files of serial ports anew, unless the answer is Append.

    A VM that resumes goes on where it was.
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


def _renew_content_ids(vm):
    """A guest that boots writes, and writing changes a disk's CID.

    That is what breaks the children of a disk which is booted itself.
    """
    from vmwarefake.vmdk import disk
    for drive in devices.disks(vm.config, vm.directory):
        if drive.writes_back:
            disk.open_link(drive.path).renew_cid()


def _run(vm):
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


def _leave_without_carrier(vm):
    """Unplug the NICs that come up so, whatever startConnected says."""
    for nic in vm.session.knobs['NO_CARRIER'].replace(',', ' ').split():
        if vm.config.true(nic + '.present'):
            with engine_errors(vm):
                vm.engine.device_connected(nic, False)
            vm.record.data.setdefault('connected', {})[nic] = False
            vm.record.save()


def _undo(vm, msg_id, text):
    """Leave the VM as one that is off; returns the refusal."""
    vm.config['cleanShutdown'] = 'TRUE'
    refusal = _canceled(vm, msg_id, text)
    vm.finish(vm.owner, 'Power on failed.')
    return refusal


def _canceled(vm, msg_id, text, further=()):
    """Leave the reason in a vmware.log of its own and return the refusal.

    :param further: (message id, text) of further messages.
    """
    vm.log.begin(os.getpid(), vm.session.product)
    vm.log.error(msg_id, text)
    for message in further:
        vm.log.error(*message)
    vm.log.error('msg.moduletable.powerOnFailed', 'Power on failed.')
    return errors.vix(10)


def power_off(vm):
    """Cut the power of a VM that is on."""
    owner = vm.owner
    vm.engine.stop_hard()
    vm.went_off(owner, soft=False)


def suspend(vm):
    """Save a VM that is on to a .vmss and end it."""
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


def _last_address(vm):
    """Return the address that a suspended VM goes on telling, or None."""
    from vmwarefake import guestops
    if guestops.tools_state(vm) != 'running':
        return None
    return guestops.guest_address(vm)


def suspend_path(vm):
    """Name the state file: the VM's name and eight hex digits."""
    number = int.from_bytes(os.urandom(4), 'big')
    return vm.path('%s-%08x.vmss' % (vm.base, number))


@contextlib.contextmanager
def engine_errors(vm):
    """Turn an engine's failure into vmrun's words, the reason logged."""
    try:
        yield
    except base.EngineError as e:
        vm.log.error(e.msg_id, str(e))
        raise errors.vix(16)
