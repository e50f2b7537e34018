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

"""Options that name the programs of this host."""

from oslo_config import cfg

product_opts = [
    cfg.StrOpt(
        'vmrun_path',
        help="""
Path of the vmrun program.

Possible values:

* An absolute path.
* Not set (the default): PATH is searched, then the places where Workstation,
  Player and Fusion install it.

Related options:

* ``vdiskmanager_path``
* ``product``
"""),
    cfg.StrOpt(
        'vdiskmanager_path',
        help="""
Path of the vmware-vdiskmanager program.

Possible values:

* An absolute path.
* Not set (the default): the folder of vmrun is searched, then PATH, then the
  places where Workstation, Player and Fusion install it.

Related options:

* ``vmrun_path``
"""),
    cfg.StrOpt(
        'qemu_img_path',
        default='qemu-img',
        help="""
The qemu-img program, which converts images to VMware's disk format.

Possible values:

* A name that is looked up in PATH, or an absolute path.
"""),
    cfg.StrOpt(
        'product',
        default='auto',
        choices=[
            ('auto', 'Find out when nova-compute starts: Fusion on macOS; '
                     'elsewhere Workstation, and Player if vmrun says that '
                     'Workstation is not installed'),
            ('ws', 'VMware Workstation Pro'),
            ('player', 'VMware Workstation Player: no pause, snapshot or '
                       'clone, and no VNC for a VM with a window'),
            ('fusion', 'VMware Fusion'),
        ],
        help="""
The product that runs the servers: the value of vmrun's -T flag.

Related options:

* ``vmrun_path``
"""),
    cfg.BoolOpt(
        'show_gui',
        default=False,
        # The generator prints no former name but one that is given.
        deprecated_name='show_gui',
        deprecated_group='vix',
        help="""
Open a window of the product for each server that is started.

nova-compute then needs a desktop session: DISPLAY (or WAYLAND_DISPLAY) in its
environment on Linux, a logged-in user on macOS. Without one nova-compute
refuses to start, since vmrun would hang.

VNC consoles are made for servers without windows. Player serves none for a
VM whose window is open. Workstation 17.6 was reported to serve it only if its
main window was open before the VM was started.

Possible values:

* True: windows open, except for images with the property vix_show_gui=False.
* False (the default): servers run without a window; use the VNC console.

Related options:

* ``remote_display``
"""),
]

migration_opts = [
    cfg.StrOpt(
        'ssh_path',
        default='ssh',
        help="""
The ssh program, which prepares another host for a server that moves to it.

The user who runs nova-compute must be able to log in there without a
password. Other names, keys and ports belong in that user's ~/.ssh/config.

Possible values:

* A name that is looked up in PATH, or an absolute path.

Related options:

* ``scp_path``
"""),
    cfg.StrOpt(
        'scp_path',
        default='scp',
        help="""
The scp program, which copies the files of a server to another host.

Possible values:

* A name that is looked up in PATH, or an absolute path.

Related options:

* ``ssh_path``
"""),
]

OPTS = product_opts + migration_opts
