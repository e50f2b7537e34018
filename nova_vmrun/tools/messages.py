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

"""Recognize the error texts of VMware's and other programs.

vmrun prints errors on standard output as ``Error: <text>`` and exits with 255;
some versions print the same and exit with 0. vmware-vdiskmanager prints the
same texts with the code in hexadecimal.
"""

import re

from nova_vmrun import exception
from nova_vmrun.tools import process

_REOPEN = ('Close the VM in the VMware window, or wait for the other program '
           'to finish, and try again.')
_LOOK_AT_LOG = 'See vmware.log in the folder of the VM for the cause.'

# The first pattern that matches wins. The texts come from the VIX error table
# and from captures of vmrun 1.17; see "Error lines" in the contract suite.
_REFUSALS: tuple[tuple[str, type[exception.VmrunError], str], ...] = (
    (r'Service type VIX_SERVICEPROVIDER_\w+ was specified,? but not installed',
     exception.WrongProduct,
     'Set [vmrun] product to the product that is installed.'),
    (r'The specified (version|service provider) was not found',
     exception.WrongProduct,
     'Set [vmrun] product to the product that is installed.'),
    (r'The virtual machine cannot be found',
     exception.VmNotFound, ''),
    (r'Cannot read the virtual machine configuration file',
     exception.ConfigUnreadable,
     'Check the file with "nova-vmrun vmx lint".'),
    (r'no display server is present',
     exception.NoDisplay,
     'Set [vmrun] show_gui to False, or start nova-compute in a desktop '
     'session.'),
    (r'The virtual machine is not powered on'
     r'|The virtual machine needs to be powered on',
     exception.NotPoweredOn, ''),
    (r'should not be powered on', exception.AlreadyPoweredOn, ''),
    (r'The virtual machine is paused', exception.VmPaused, ''),
    (r'VMware Tools are not running', exception.ToolsNotRunning,
     'Install open-vm-tools in the guest.'),
    (r'The file is already in use', exception.FileInUse, _REOPEN),
    (r'The operation was cancell?ed', exception.Canceled, _LOOK_AT_LOG),
    (r'The snapshot does not exist|Invalid snapshot name',
     exception.SnapshotNotFound, ''),
    (r'A snapshot with the name already exists|The snapshot already exists',
     exception.SnapshotExists, ''),
    (r'the disk is full|No space left on device|Disk quota exceeded',
     exception.DiskFull,
     'Free some space on the file system of the instances.'),
    (r'A password is required|Incorrect password'
     r'|Authentication for encrypted virtual machine failed',
     exception.ToolRefused,
     'The VM is encrypted. Remove the encryption in its settings in the '
     'VMware window; nova-vmrun knows no password.'),
    (r'The operation is not supported( with the current license)?\s*$'
     r'|One of the parameters was invalid',
     exception.NotSupported, ''),
)

# Nothing happened, and trying again shortly is safe.
_TRANSIENT = re.compile(
    'Cannot read the virtual machine configuration file'
    '|The file is already in use'
    '|The operation is not supported for the specified parameters')

_ERROR = re.compile(r'^(Error: .*|Unable to connect to host.*)', re.MULTILINE)
_DISK_ERROR = re.compile(r'^(Failed to .*|.*\(0x[0-9a-f]+\)\.?)\s*$',
                         re.MULTILINE)


def is_error(result: process.Result) -> bool:
    """Return whether vmrun reported an error.

    Checking the exit status is not enough: vmrun has been seen to print
    "Error:" and exit with 0.

    :param result: with the noise already removed
    """
    return _has(_ERROR, result)


def is_disk_error(result: process.Result) -> bool:
    """Return whether vmware-vdiskmanager reported an error."""
    return _has(_DISK_ERROR, result)


def _has(pattern: re.Pattern[str], result: process.Result) -> bool:
    return result.exit_code != 0 or any(
        map(pattern.search, (result.stdout, result.stderr)))


def is_transient(error: exception.VmrunError) -> bool:
    """Return whether the same command may succeed a moment later."""
    return bool(_TRANSIENT.search(error.output))


def refusal(result: process.Result, brief: str) -> exception.VmrunError:
    """Return the exception that fits what a program printed.

    :param result: of a program that reported an error
    :param brief: what failed, naming the VM or disk
    """
    output = (result.stdout + result.stderr).strip()
    for pattern, kind, resolution in _REFUSALS:
        if re.search(pattern, output, re.MULTILINE):
            break
    else:
        kind, resolution = exception.ToolRefused, ''
    # Nova truncates a fault at 255 bytes, so put the cause first.
    message = _ERROR.search(output) or _DISK_ERROR.search(output)
    if message:
        brief = '%s: %s' % (brief.rstrip('.'),
                            message.group(1).removeprefix('Error: ').strip())
    return kind(brief, result.details(), resolution, output=output,
                exit_code=result.exit_code)
