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

"""Options for the programs on this host."""

from oslo_config import cfg

product_opts = [
    cfg.StrOpt(
        'vmrun_path',
        help="""
Path to vmrun.

Possible values:

* An absolute path.
* Not set (the default): search PATH, then the default install locations of
  Workstation, Player and Fusion.

Related options:

* ``vdiskmanager_path``
* ``product``
"""),
    cfg.StrOpt(
        'vdiskmanager_path',
        help="""
Path to vmware-vdiskmanager.

Possible values:

* An absolute path.
* Not set (the default): search the directory of vmrun, then PATH, then the
  default install locations of Workstation, Player and Fusion.

Related options:

* ``vmrun_path``
"""),
    cfg.StrOpt(
        'qemu_img_path',
        default='qemu-img',
        help="""
Name or path of qemu-img, which converts images to VMware's disk format.

Possible values:

* An absolute path, or a name to look up in PATH.
"""),
    cfg.StrOpt(
        'product',
        default='auto',
        choices=[
            ('auto', 'Detect when nova-compute starts: Fusion on macOS; '
                     'elsewhere Workstation, or Player if vmrun reports that '
                     'Workstation is not installed'),
            ('ws', 'VMware Workstation Pro'),
            ('player', 'VMware Workstation Player: no pause, snapshots or '
                       'clones, and no VNC for a VM with an open window'),
            ('fusion', 'VMware Fusion'),
        ],
        help="""
VMware product that runs the servers (the value of vmrun's -T flag).

Related options:

* ``vmrun_path``
"""),
    cfg.BoolOpt(
        'show_gui',
        default=False,
        # oslo-config-generator prints a former name only if it is given.
        deprecated_name='show_gui',
        deprecated_group='vix',
        help="""
Open a VMware window for each server that starts.

nova-compute then needs a desktop session: DISPLAY (or WAYLAND_DISPLAY) in its
environment on Linux, a logged-in user on macOS. Without one, vmrun would hang,
so nova-compute refuses to start.

VNC consoles are meant for servers without windows. Player offers no VNC for a
VM with an open window. Workstation 17.6 has been reported to offer it only if
its main window was already open when the VM started.

Possible values:

* True: open a window, unless the image has the property vix_show_gui=False.
* False (the default): run servers without a window; use the VNC console.

Related options:

* ``remote_display``
"""),
]

migration_opts = [
    cfg.StrOpt(
        'ssh_path',
        default='ssh',
        help="""
Name or path of ssh, which moves servers to other hosts.

On the other host it runs ``nova-vmrun-receive`` as the user of the same name,
without a password. Put other user names, keys and ports in ``~/.ssh/config``,
or in the file that ``ssh_config`` names.

Possible values:

* An absolute path, or a name to look up in PATH.

Related options:

* ``ssh_config``
"""),
    cfg.StrOpt(
        'ssh_config',
        help="""
Configuration file for ssh, passed with its option -F.

ssh then reads neither ``~/.ssh/config`` nor ``/etc/ssh/ssh_config``.

Possible values:

* An absolute path.
* Not set (the default): ssh reads its usual files.

Related options:

* ``ssh_path``
* ``migration_address``
"""),
    cfg.StrOpt(
        'migration_address',
        regex='^([a-z_][a-z0-9_.-]{0,31}@)?[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}$',
        help="""
Address or name by which other hosts reach this one to move servers to it.

It is what the other hosts pass to ssh, so it may also be a ``Host`` of the
files that their ssh reads. Each host needs one of its own.

Possible values:

* An IP address or a name, of letters, digits, dots, hyphens and colons. With
  a user name and an ``@`` before it, ssh logs in as that user.
* Not set (the default): ``[DEFAULT] my_ip``.

Related options:

* ``[DEFAULT] my_ip``
* ``ssh_config``
"""),
]

OPTS = product_opts + migration_opts
