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

"""Help texts with the products' layout in our own words."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import product as products

_HEAD = """
%s

Usage: vmrun [AUTHENTICATION-FLAGS] COMMAND [PARAMETERS]



AUTHENTICATION-FLAGS
--------------------
These must appear before the command and any command parameters.

   -T <hostType> (ws|fusion||player)
   -vp <password for encrypted virtual machine>
   -gu <userName in guest OS>
   -gp <password in guest OS>

"""

#: Sections of (command, parameters, description).
_VMX = 'Path to vmx file'
_SECTIONS = (
    ('POWER COMMANDS', (
        ('start', (_VMX, '[gui|nogui]'), 'Start a VM'),
        ('stop', (_VMX, '[hard|soft]'), 'Stop a VM'),
        ('reset', (_VMX, '[hard|soft]'), 'Reset a VM'),
        ('suspend', (_VMX, '[hard|soft]'), 'Suspend a VM'),
        ('pause', (_VMX,), 'Pause a VM'),
        ('unpause', (_VMX,), 'Unpause a VM'))),
    ('SNAPSHOT COMMANDS', (
        ('listSnapshots', (_VMX, '[showTree]'), 'List a VM\'s snapshots'),
        ('snapshot', (_VMX, 'Snapshot name'), 'Take a snapshot of a VM'),
        ('deleteSnapshot', (_VMX, 'Snapshot name', '[andDeleteChildren]'),
         'Remove a snapshot'),
        ('revertToSnapshot', (_VMX, 'Snapshot name'),
         'Go back to a snapshot'))),
    ('HOST NETWORK COMMANDS', (
        ('listHostNetworks', (), 'List the host\'s networks'),
        ('listPortForwardings', ('Host network name',),
         'List port forwardings of a network'),
        ('setPortForwarding', ('Host network name', 'Protocol', 'Host port',
                               'Guest ip', 'Guest port', '[Description]'),
         'Set or change a port forwarding'),
        ('deletePortForwarding', ('Host network name', 'Protocol',
                                  'Host port'),
         'Remove a port forwarding'))),
    ('GUEST OS COMMANDS', (
        ('runProgramInGuest', (_VMX, '[-noWait]', '[-activeWindow]',
                               '[-interactive]',
                               'Complete-Path-To-Program',
                               '[Program arguments]'),
         'Run a program in the guest'),
        ('fileExistsInGuest', (_VMX, 'Path to file in guest'),
         'Check for a file in the guest'),
        ('directoryExistsInGuest', (_VMX, 'Path to directory in guest'),
         'Check for a directory in the guest'),
        ('setSharedFolderState', (_VMX, 'Share name', 'Host path',
                                  'writable | readonly'),
         'Change a shared folder'),
        ('addSharedFolder', (_VMX, 'Share name', 'New host path'),
         'Add a shared folder'),
        ('removeSharedFolder', (_VMX, 'Share name'),
         'Remove a shared folder'),
        ('enableSharedFolders', (_VMX, '[runtime]'),
         'Enable shared folders'),
        ('disableSharedFolders', (_VMX, '[runtime]'),
         'Disable shared folders'),
        ('listProcessesInGuest', (_VMX,), 'List running processes'),
        ('killProcessInGuest', (_VMX, 'process id'), 'End a process'),
        ('runScriptInGuest', (_VMX, '[-noWait]', '[-activeWindow]',
                              '[-interactive]', 'Interpreter path',
                              'Script text'),
         'Run a script in the guest'),
        ('deleteFileInGuest', (_VMX, 'Path in guest'), 'Delete a file'),
        ('createDirectoryInGuest', (_VMX, 'Directory path in guest'),
         'Make a directory'),
        ('deleteDirectoryInGuest', (_VMX, 'Directory path in guest'),
         'Delete a directory'),
        ('CreateTempfileInGuest', (_VMX,), 'Make a temporary file'),
        ('listDirectoryInGuest', (_VMX, 'Directory path in guest'),
         'List a directory'),
        ('CopyFileFromHostToGuest', (_VMX, 'Path on host', 'Path in guest'),
         'Copy a file into the guest'),
        ('CopyFileFromGuestToHost', (_VMX, 'Path in guest', 'Path on host'),
         'Copy a file out of the guest'),
        ('renameFileInGuest', (_VMX, 'Original name', 'New name'),
         'Rename a file'),
        ('typeKeystrokesInGuest', (_VMX, 'keystroke string'),
         'Type on the keyboard'),
        ('connectNamedDevice', (_VMX, 'device name'), 'Connect a device'),
        ('disconnectNamedDevice', (_VMX, 'device name'),
         'Disconnect a device'),
        ('captureScreen', (_VMX, 'Path on host'), 'Save the screen'),
        ('writeVariable', (_VMX, '[runtimeConfig|guestEnv|guestVar]',
                           'variable name', 'variable value'),
         'Write a variable'),
        ('readVariable', (_VMX, '[runtimeConfig|guestEnv|guestVar]',
                          'variable name'), 'Read a variable'),
        ('getGuestIPAddress', (_VMX, '[-wait]'),
         'Get the guest\'s address'))),
    ('GENERAL COMMANDS', (
        ('list', (), 'List the running VMs'),
        ('upgradevm', (_VMX,), 'Upgrade the virtual hardware'),
        ('installTools', (_VMX,), 'Connect the Tools CD'),
        ('checkToolsState', (_VMX,), 'Ask whether Tools run'),
        ('deleteVM', (_VMX,), 'Delete a VM'),
        ('clone', (_VMX, 'Path to destination vmx file', 'full|linked',
                   '[-snapshot=Snapshot Name]', '[-cloneName=Name]'),
         'Make a copy of a VM'))),
    ('Template VM COMMANDS', (
        ('downloadPhotonVM', ('Path for new VM',), 'Download Photon VM'),)),
)

_FUSION_SECTION = ('NETWORKADAPTER COMMANDS', (
    ('listNetworkAdapters', (_VMX,), 'List a VM\'s network adapters'),
    ('addNetworkAdapter', (_VMX, 'Adapter type', '[Host network]'),
     'Add a network adapter'),
    ('setNetworkAdapter', (_VMX, 'Adapter index', 'Adapter type',
                           '[Host network]'), 'Change a network adapter'),
    ('deleteNetworkAdapter', (_VMX, 'Adapter index'),
     'Remove a network adapter')))

_EXAMPLES = """Examples:


Start a VM with no window:
   vmrun -T ws start "/vms/web/web.vmx" nogui


Stop it, asking the guest first:
   vmrun -T ws stop "/vms/web/web.vmx" soft


Clone it from a snapshot:
   vmrun -T ws clone "/vms/web/web.vmx" "/vms/web2/web2.vmx" linked \
-snapshot=base
"""


def _row(command: str, parameter: str, description: str) -> str:
    return ('%-25s%-21s%s' % (command, parameter, description)).rstrip()


def _section(title: str,
             commands: tuple[tuple[str, tuple[str, ...], str], ...]) -> str:
    head = _row(title, 'PARAMETERS', 'DESCRIPTION')
    lines = [head, '-' * len(head)]
    for command, parameters, description in commands:
        first = parameters[0] if parameters else ''
        lines += ['', _row(command, first, description)]
        lines += [_row('', parameter, '') for parameter in parameters[1:]]
    return '\n'.join(lines) + '\n\n\n'


def vmrun(product: products.Product) -> str:
    """Return the help of vmrun.

    Versions up to 15.x have no host networks; only Fusion has adapters.
    """
    sections = list(_SECTIONS)
    if product.kind != 'fusion' and product.numbers < (16, 0):
        sections = [s for s in sections if not s[0].startswith('HOST')]
    if product.kind == 'fusion':
        sections.insert(3, _FUSION_SECTION)
    return (_HEAD % product.vmrun_version()
            + ''.join(_section(*section) for section in sections)
            + _EXAMPLES)


_VDISKMANAGER = """VMware Virtual Disk Manager - build %s.
Usage: vmware-vdiskmanager OPTIONS <disk-name> | <mount-point>
Works on disks of virtual machines that are powered off
  Operations (give exactly one):
     -c                   : make a new disk; needs -a, -s and -t
     -d                   : defragment a growable disk
     -k                   : shrink a growable disk that has no parent
     -n <source-disk>     : rename a disk and its extents to <disk-name>
     -p                   : get a disk mounted at <mount-point> ready for -k
     -r <source-disk>     : copy a disk to <disk-name>; needs -t
     -x <new-capacity>    : raise the capacity of a disk
     -R                   : check a growable disk and mend it
     -e                   : check that the links of a disk fit together
     -D                   : mark a copied disk as one that may be deleted
  Others:
     -q                   : print no progress

  For -c and -r:
     -a <adapter>         : one of ide, buslogic, lsilogic, pvscsi; use
                            lsilogic for every other kind of adapter
     -s <size>            : capacity, in sectors or with KB, MB or GB
     -t <disk-type>       : one of the numbers below

  Disk types:
      0                   : one file that grows
      1                   : several files that grow
      2                   : one file of full size
      3                   : several files of full size
      4                   : full size, for ESX
      5                   : compressed, for streaming (only with -r)
      6                   : growing, for ESX

     Capacities from 1MB to 8192.0GB, with buslogic to 2040.0GB.
"""


def vdiskmanager(product: products.Product) -> str:
    """Return the help of vmware-vdiskmanager."""
    return _VDISKMANAGER % product.build
