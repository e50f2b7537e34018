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

"""VIX error codes and their texts, which vmrun and vdiskmanager print.

The texts are those of the products' own message table. Crypto codes that are
missing here (17000-17012) all read "Security library error".
"""

from __future__ import annotations

VIX = {
    1: 'Unknown error',
    2: 'Memory allocation failed. Out of memory.',
    3: 'One of the parameters was invalid',
    4: 'A file was not found',
    5: (
        'This function cannot be performed because the handle is executing '
        'another function'),
    6: 'The operation is not supported',
    7: 'A file access error occurred on the host or guest operating system',
    8: (
        'An error occurred while writing a file; the disk is full. Data has '
        'not been saved. Free some disk space and try again'),
    9: 'An error occurred while accessing a file: wrong file type',
    10: 'The operation was canceled',
    11: 'The file is write-protected',
    12: 'The file already exists',
    13: 'You do not have access rights to this file',
    14: 'The file system does not support large files',
    15: 'The file is already in use',
    16: (
        'The system returned an error. Communication with the virtual '
        'machine might have been interrupted'),
    20: 'The command is not supported on remote objects',
    21: 'The file is too large for the file system',
    22: 'The file name is not valid',
    23: 'Already exists',
    24: 'Buffer is too small',
    25: 'The request refers to an object that does not exist',
    26: 'Unable to connect to the host',
    27: 'The string parameter has incorrect encoding',
    29: 'The job has not finished',
    30: 'A decryption key is required to perform the operation',
    31: 'The operation is already in progress',
    32: 'This operation is not supported with the current license',
    34: (
        "Unable to communicate with the virtual machine's host because it "
        'is disconnected'),
    35: 'Authentication for encrypted virtual machine failed',
    36: 'The connection to the host was lost',
    41: 'Another object is using this name',
    3000: (
        'A timeout error occurred while waiting for VMware Tools to start '
        'in the guest OS'),
    3001: 'The command is not recognized by the virtual machine',
    3003: (
        'The requested operation is not supported on this guest operating '
        'system'),
    3004: 'A program could not run on the guest operating system',
    3005: 'Cannot power on a read-only virtual machine',
    3006: 'The virtual machine needs to be powered on',
    3007: (
        'The virtual machine should not be powered on. It is already '
        'running.'),
    3008: 'Cannot connect to the virtual machine',
    3009: 'Cannot execute scripts',
    3010: 'There is no operating system installed in the virtual machine',
    3011: (
        'Not enough physical memory is available to power on this virtual '
        'machine'),
    3012: 'An error occurred while suspending the virtual machine',
    3013: (
        'This virtual machine is configured to run with 2 CPUs, but the '
        'host has only 1 CPU. The virtual machine cannot be powered on.'),
    3014: 'Insufficient permissions in the host operating system',
    3015: (
        'Authentication failure or insufficient permissions in guest '
        'operating system'),
    3016: 'VMware Tools are not running in the guest',
    3017: 'Guest operations are not allowed on this virtual machine',
    3018: (
        'Anonymous guest operations are not allowed on this virtual '
        'machine. You must call VixVM_LoginInGuest before performing '
        'guest operations'),
    3019: (
        'Guest operations are not allowed for the administrative user on '
        'this virtual machine'),
    3023: (
        'The virtual machine configuration must specify the guest account '
        'name to be used for anonymous guest operations'),
    3024: 'The virtual machine cannot authenticate users with guest',
    3025: 'The command is not recognized by VMware Tools',
    3026: (
        'Guest operations are not allowed for console users on this '
        'virtual machine'),
    3027: 'Only the console user can run the command',
    3028: 'The virtual machine is blocked waiting for a user operation',
    3031: 'The command is not allowed by this login type',
    3032: 'This login type is not supported',
    3033: 'The guest OS does not support empty passwords',
    3034: (
        'The specified guest user must be logged in interactively to '
        'perform this operation'),
    3035: (
        'The specified guest user does not match the user currently '
        'logged in interactively'),
    3041: 'The virtual machine could not start',
    3043: (
        'Cannot launch the UI because no display server is present in the '
        'current environment'),
    4000: 'The virtual machine cannot be found',
    4001: 'The operation is not supported for this virtual machine version',
    4002: 'Cannot read the virtual machine configuration file',
    4003: 'Cannot perform this operation on a template virtual machine',
    4004: 'The virtual machine has already been loaded',
    4006: 'The virtual machine is already up-to-date',
    4011: (
        'The specified guest operating system is not supported on the '
        'host that is the target of the operation'),
    13000: 'A snapshot-related error has occurred',
    13001: 'Unable to open the snapshot file',
    13002: 'Disk error',
    13003: 'The snapshot does not exist',
    13004: 'The snapshot already exists',
    13005: 'Snapshots are not allowed on this virtual machine',
    13006: 'Insufficient permissions',
    13007: 'There is an error in the configuration file',
    13008: (
        'The state of the virtual machine has not changed since the last '
        'snapshot operation'),
    13009: 'Unable to save the snapshot file',
    13010: 'A snapshot operation is already in progress',
    13011: 'The snapshot files are in an inconsistent state',
    13012: 'The filename is too long',
    13013: 'Cannot snapshot all metadata files',
    13014: 'One or more of the disks are busy',
    13015: 'The virtual disk is used multiple times',
    13016: (
        'Cannot take snapshots of powered on virtual machines with '
        'independent disks'),
    13017: 'The name does not uniquely identify one snapshot',
    13018: (
        'Failed to take a memory snapshot because the virtual machine is '
        'configured with independent disks'),
    13019: 'Exceeded the maximum number of permitted snapshots',
    13020: (
        'Available free space is less than the configured minimum free '
        'space'),
    13021: 'Snapshot hierarchy is too deep',
    16000: 'One of the parameters supplied is invalid',
    16001: 'The disk library has not been initialized',
    16002: (
        'The called function requires the virtual disk to be opened for '
        'I/O'),
    16003: (
        'The called function cannot be performed on partial chains. Open '
        'the parent virtual disk'),
    16006: 'The specified virtual disk needs repair',
    16007: (
        'You have requested access to an area of the virtual disk that '
        'is out of bounds'),
    16008: (
        'The parent virtual disk has been modified since the child was '
        "created. Parent virutal disk's content ID does not match with "
        'the parent content ID in the child'),
    16009: (
        'The specified virtual disk cannot be shrunk because it is not '
        'the parent disk'),
    16010: (
        'The partition table on the physical disk has changed since the '
        'disk was created. Remove the physical disk from the virtual '
        'machine, then add it again'),
    16011: (
        'The version of the virtual disk is newer than the version '
        'supported by this program'),
    16012: 'The parent of this virtual disk could not be opened',
    16013: 'The specified feature is not supported by this version',
    16014: 'One or more required keys were not provided',
    16015: (
        'Will not create an unencrypted child of an encrypted disk '
        'without explicit request'),
    16016: 'Not an encrypted disk',
    16017: 'No keys were supplied for encrypting the disk',
    16018: 'The partition table is invalid',
    16019: 'Only sparse extents with embedded descriptors can be encrypted',
    16020: 'Not an encrypted descriptor file',
    16022: 'The file system is not VMFS',
    16024: 'The physical disk is too big',
    16027: (
        "The host's limit for open files has been exceeded"),
    16028: 'Too many levels of redo logs',
    16029: 'The physical disk is too small',
    16030: (
        'Invalid disk chain: cannot mix hosted and managed style disks '
        'in the same chain'),
    16052: 'The specified key is not found in the disk database',
    16053: 'One or more required subsystems failed to initialize',
    16054: 'Invalid connection handle',
    16061: 'Disk encoding error',
    16062: 'The disk is corrupted and unrepairable.',
    16063: 'The specified file is not a virtual disk',
    16064: 'The host is not licensed for this feature',
    16065: 'The device does not exist',
    16066: 'The operation is not supported on this type of device',
    17004: 'A password is required for this operation',
    17005: 'Incorrect password',
    18000: 'Cannot connect to the host',
    18001: 'Only a local host can support this feature',
    18002: (
        'Malformed hostname parameter. For the given service provider, '
        'the hostname must be a URL in the form '
        'https://<hostname>:<port>/sdk'),
    19000: 'Could not capture screen',
    19001: 'Requested unsupported format',
    19002: 'Could not compress the screen capture',
    19003: 'The screen capture data is larger than the maximum size',
    20000: 'The drives are not frozen',
    20001: 'The object is not a file',
    20002: 'The object is not a directory',
    20003: 'No such process',
    20004: 'File name too long',
    21000: 'No VMware Tools image exists for the guest operating system',
    21001: 'The VMware Tools image is inaccessible',
    21002: (
        'The guest operating system does not have a device configured '
        'for the VMware Tools installation to use'),
    21003: (
        'The guest operating system device used for installation of '
        'VMware Tools is not connected'),
    21004: 'The VMware Tools installation was canceled',
    21005: 'The VMware Tools installation failed to initialize',
    21006: 'The VMware Tools installation cannot be upgraded automatically',
    21007: (
        'VMware Tools are not running in the guest OS. Automatic upgrade '
        'is not possible'),
    21009: 'The VMware Tools installation failed with an unknown error',
    21010: 'VMware Tools are already up to date',
    21011: 'A VMware Tools installation is already in progress',
    22001: (
        'Service type VIX_SERVICEPROVIDER_VMWARE_WORKSTATION was '
        'specified but not installed'),
    22002: 'The specified version was not found',
    22003: 'The specified service provider was not found',
    22004: (
        'Service type VIX_SERVICEPROVIDER_VMWARE_PLAYER was specified '
        'but not installed'),
    22005: (
        'Cannot find support libraries; VIX appears to have not been '
        'installed'),
    22006: 'Cannot connect with multiple service providers',
}


def vix(code: int) -> str:
    """Return the text of a VIX error code."""
    return VIX[code]


def with_code(code: int) -> str:
    """Return ``TEXT (0xCODE).``, as vmware-vdiskmanager ends its lines."""
    return '%s (0x%x).' % (VIX[code], code)
