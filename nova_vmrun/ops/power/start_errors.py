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

"""Why a VM did not start, in words that help.

vmrun says "The operation was canceled" or "Unknown error" for everything. The
cause is in vmware.log, or in what the host and the .vmx lack.
"""

from collections.abc import Callable
import re
from typing import NamedTuple

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import kernel_modules
from nova_vmrun.server import vm_log

_VAGUE = re.compile(r'^Error: Unknown error\s*$', re.MULTILINE)
# Nova shows users 255 bytes: leave room for what to do, where we know it.
_BRIEF_LENGTH = 140
_WRITE_ANEW = ('Reboot the server hard: that writes its .vmx anew, with PCI '
               'Express ports and without slots of other hardware.')


class _Known(NamedTuple):
    """What a text in vmware.log means, and what to do.

    An empty cause leaves VMware's own words. Most texts count in a dialog
    only: VMware logs the whole .vmx and the names of its devices too.
    """

    pattern: str
    cause: str
    resolution: str
    anywhere: bool = False


# Texts of real products, see doc/source/unproven.rst.
_KNOWN = (
    _Known(r'msg\.pci\.no(slotavail|SecondarySlots)'
           r'|failed to register e1000e device'
           r'|failed to reserve slot for \w+ PCIe device',
           'A PCI Express device has no port or no slot, which ends the VM',
           _WRITE_ANEW, anywhere=True),
    _Known(r'(Failed to|Could not|Cannot) open (device )?"?/dev/vm(ci|mon)',
           'A kernel module of VMware is not loaded', kernel_modules.REMEDY,
           anywhere=True),
    _Known(r'/dev/vmmon|/dev/vmci|msg\.vmmonVMX|msg\.vmmon\.', '',
           kernel_modules.REMEDY),
    _Known(r'/dev/vmnet|msg\.vnet\.', '',
           'Start VMware\'s networks: "sudo vmware-networks --start", and see '
           'that the network exists.'),
    _Known(r'msg\.vtpm\.|msg\.\S*notEncrypted', '',
           'Remove the TPM from the .vmx: VMware gives one to encrypted VMs '
           'only, and vmrun cannot encrypt.'),
    _Known(r'msg\.serial\.file\.open', '',
           'Set answer.msg.serial.file.open to Append in the .vmx.'),
    _Known(r'msg\.uuid\.(altered|moved)', '',
           'Set uuid.action to keep in the .vmx.'),
    _Known(r'msg\.\S*hw_?[vV]ersion|virtualHW\.version'
           r'|created by a (VMware )?product that is incompatible'
           r'|configuration file was created by .* newer', '',
           'The .vmx asks for newer virtual hardware than this product has. '
           'Reboot the server hard, or update VMware.'),
)
# Keys of a .vmx with which a start without a window was seen to be canceled.
_SUSPECTS = (
    ('mks.enable3d', 'TRUE',
     'VMs with mks.enable3d were reported not to start without a window. '
     'Remove it from the template or the .vmx.'),
    ('managedvm.autoAddVTPM', 'SOFTWARE',
     'VMs with managedvm.autoAddVTPM were reported not to start by vmrun. '
     'Remove it from the template or the .vmx.'),
    ('vtpm.present', 'TRUE',
     'A TPM needs an encrypted VM, which vmrun cannot make. Remove '
     'vtpm.present from the template or the .vmx.'),
)


def is_vague(error: exception.VmrunError) -> bool:
    """Tells whether vmrun said that a start failed, and no word of why."""
    return isinstance(error, exception.Canceled) or bool(
        _VAGUE.search(error.output))


def explain(error: exception.VmrunError, report: vm_log.Report,
            load: Callable[[], vmx.Vmx]) -> None:
    """Adds to the error of a verb what vmrun does not tell.

    :param error: is changed
    :param report: what vmware.log got since the verb began
    :param load: reads the .vmx of the VM
    """
    cause = report.cause
    known = _known(report)
    if known:
        cause = cause or known.cause
        error.resolution = known.resolution
    if not cause and report.question:
        cause = ('VMware asks a question that nobody answers: %s'
                 % report.question)
        if not known:
            error.resolution = ('Answer it in VMware\'s window, or give the '
                                'answer in the .vmx.')
    lost = [] if cause else kernel_modules.missing_devices()
    if lost:
        cause = kernel_modules.describe(lost)
        error.resolution = kernel_modules.REMEDY
    if not cause and isinstance(error, exception.Canceled):
        error.resolution = _suspect(load) or error.resolution
    cause = cause or report.hint
    if cause:
        _tell(error, cause, bool(known or lost))
    elif report.text:
        error.details = '%s Last lines of vmware.log: %s' % (
            error.details, report.last_words)


def _tell(error: exception.VmrunError, cause: str, has_remedy: bool) -> None:
    brief = '%s: %s' % (error.brief.rstrip('.'), cause)
    if has_remedy and len(brief) > _BRIEF_LENGTH:
        error.details = '%s %s' % (cause, error.details)
        brief = brief[:_BRIEF_LENGTH].rpartition(' ')[0] + ' ...'
    error.brief = brief


def _known(report: vm_log.Report) -> _Known | None:
    told = '\n'.join('%s %s' % (' '.join(message.ids), message.text)
                     for message in report.messages
                     if message.kind != vm_log.HINT)
    return next((known for known in _KNOWN if re.search(
        known.pattern, report.text if known.anywhere else told)), None)


def _suspect(load: Callable[[], vmx.Vmx]) -> str:
    try:
        keys = load()
    except (OSError, exception.VmrunError):
        return ''
    for key, value, resolution in _SUSPECTS:
        if keys.get(key, '').upper() == value:
            return resolution
    return ''
