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

"""Explanations of why a VM did not start.

vmrun prints "The operation was canceled" or "Unknown error" for everything.
The cause is in vmware.log, or is something missing on the host or in the .vmx.
"""

from collections.abc import Callable
import re
from typing import NamedTuple

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import kernel_modules
from nova_vmrun.server import vm_log

_VAGUE = re.compile(r'^Error: Unknown error\s*$', re.MULTILINE)
# Nova shows users 255 bytes. Leave room for the resolution, if there is one.
_BRIEF_LENGTH = 140
_REWRITE_VMX = ('Reboot the server hard. This rewrites its .vmx with PCI '
                'Express ports and without old slot numbers.')


class _Known(NamedTuple):
    """The meaning of a text in vmware.log, and what to do about it.

    :ivar cause: if empty, use VMware's own words
    :ivar anywhere: also look outside of dialogs, where VMware logs the whole
        .vmx and the names of devices
    """

    pattern: str
    cause: str
    resolution: str
    anywhere: bool = False


# Texts from real products; see doc/source/unproven.rst.
_KNOWN = (
    _Known(r'msg\.pci\.no(slotavail|SecondarySlots)'
           r'|failed to register e1000e device'
           r'|failed to reserve slot for \w+ PCIe device',
           'A PCI Express device has no port or no slot, so the VM cannot run',
           _REWRITE_VMX, anywhere=True),
    _Known(r'(Failed to|Could not|Cannot) open (device )?"?/dev/vm(ci|mon)',
           'A VMware kernel module is not loaded', kernel_modules.REMEDY,
           anywhere=True),
    _Known(r'/dev/vmmon|/dev/vmci|msg\.vmmonVMX|msg\.vmmon\.', '',
           kernel_modules.REMEDY),
    _Known(r'/dev/vmnet|msg\.vnet\.', '',
           'Run "sudo vmware-networks --start", and check that the network '
           'exists.'),
    _Known(r'msg\.vtpm\.|msg\.\S*notEncrypted', '',
           'Remove the TPM from the .vmx: it needs an encrypted VM, and vmrun '
           'cannot encrypt VMs.'),
    _Known(r'msg\.serial\.file\.open', '',
           'Set answer.msg.serial.file.open to Append in the .vmx.'),
    _Known(r'msg\.uuid\.(altered|moved)', '',
           'Set uuid.action to keep in the .vmx.'),
    _Known(r'msg\.\S*hw_?[vV]ersion|virtualHW\.version'
           r'|created by a (VMware )?product that is incompatible'
           r'|configuration file was created by .* newer', '',
           'The .vmx needs newer virtual hardware than this product has. '
           'Reboot the server hard, or update VMware.'),
)
# Keys of a .vmx that have made VMware cancel a start without a window.
_SUSPECTS = (
    ('mks.enable3d', 'TRUE',
     'VMs with mks.enable3d are reported not to start without a window. '
     'Remove it from the template or the .vmx.'),
    ('managedvm.autoAddVTPM', 'SOFTWARE',
     'vmrun is reported not to start VMs with managedvm.autoAddVTPM. '
     'Remove it from the template or the .vmx.'),
    ('vtpm.present', 'TRUE',
     'A TPM needs an encrypted VM, which vmrun cannot create. Remove '
     'vtpm.present from the template or the .vmx.'),
)


def is_vague(error: exception.VmrunError) -> bool:
    """Return whether vmrun said that a start failed, but not why."""
    return isinstance(error, exception.Canceled) or bool(
        _VAGUE.search(error.output))


def explain(error: exception.VmrunError, report: vm_log.Report,
            load: Callable[[], vmx.Vmx]) -> None:
    """Add what vmrun does not say to the error of a verb.

    :param error: changed in place
    :param report: the part of vmware.log that was written during the verb
    :param load: reads the .vmx of the VM
    """
    cause = report.cause
    known = _find_known(report)
    if known:
        cause = cause or known.cause
        error.resolution = known.resolution
    if not cause and report.question:
        cause = ('VMware is waiting for an answer to this question: %s'
                 % report.question)
        if not known:
            error.resolution = ('Answer it in VMware\'s window, or set the '
                                'answer in the .vmx.')
    missing = [] if cause else kernel_modules.missing_devices()
    if missing:
        cause = kernel_modules.describe(missing)
        error.resolution = kernel_modules.REMEDY
    if not cause and isinstance(error, exception.Canceled):
        error.resolution = _suspect(load) or error.resolution
    cause = cause or report.hint
    if cause:
        _put_first(error, cause, bool(known or missing))
    elif report.text:
        error.details = '%s Last lines of vmware.log: %s' % (
            error.details, report.last_words)


def _put_first(error: exception.VmrunError, cause: str,
               has_remedy: bool) -> None:
    brief = '%s: %s' % (error.brief.rstrip('.'), cause)
    if has_remedy and len(brief) > _BRIEF_LENGTH:
        error.details = '%s %s' % (cause, error.details)
        brief = brief[:_BRIEF_LENGTH].rpartition(' ')[0] + ' ...'
    error.brief = brief


def _find_known(report: vm_log.Report) -> _Known | None:
    dialogs = '\n'.join('%s %s' % (' '.join(message.ids), message.text)
                        for message in report.messages
                        if message.kind != vm_log.HINT)
    return next((known for known in _KNOWN if re.search(
        known.pattern, report.text if known.anywhere else dialogs)), None)


def _suspect(load: Callable[[], vmx.Vmx]) -> str:
    try:
        keys = load()
    except (OSError, exception.VmrunError):
        return ''
    for key, value, resolution in _SUSPECTS:
        if keys.get(key, '').upper() == value:
            return resolution
    return ''
