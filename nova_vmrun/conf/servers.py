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

"""Options for servers: guest settings, guest information and disks."""

from oslo_config import cfg

guest_opts = [
    cfg.StrOpt(
        'default_guestos',
        default='otherlinux-64',
        deprecated_name='default_guestos',
        deprecated_group='vix',
        help="""
Guest operating system for images that do not specify one.

The image properties vmware_ostype, vix_guestos, os_distro and os_type take
precedence.

Possible values:

* A VMware guest OS identifier as used in a .vmx (``ubuntu-64``), in vSphere
  (``ubuntu64Guest``) or in VIX (``otherLinux64``).
"""),
    cfg.MultiStrOpt(
        'template_dirs',
        default=[],
        help="""
Directories to search for .vmx templates before the driver's own.

A file there replaces the driver's template of the same name, for example
``linux.vmx.j2``. Templates are code and are trusted: use only your own.

Possible values:

* An absolute path. The option can be repeated; the first match wins.
"""),
    cfg.BoolOpt(
        'desktop_integration',
        default=False,
        help="""
Share the host's clipboard and drag and drop with guests.

VMware's hardening guides recommend against it, because it lets a guest read
anything that the desktop user copies. Shared folders are always disabled.

Possible values:

* True: guests share the host's clipboard.
* False (the default): guests and the host do not share a clipboard.

Related options:

* ``show_gui``
"""),
]

guest_info_opts = [
    cfg.BoolOpt(
        'install_guest_agent',
        default=True,
        help="""
Have cloud-init install the QEMU guest agent in new servers.

Adds a part to the vendor data of servers whose image has
``hw_qemu_guest_agent=yes`` and a Linux guest. It installs the package
``qemu-guest-agent`` and a systemd unit that uses the serial port of the agent.
The guest needs a network to install the package, unless the image has it. A
user's own user data takes precedence: its ``packages``, ``write_files`` or
``runcmd`` replace those of all vendor data.

Possible values:

* True (the default): add the part after the operator's own vendor data.
* False: pass only the operator's own vendor data.

Related options:

* ``[api] vendordata_jsonfile_path``
* ``use_guestinfo``
"""),
    cfg.BoolOpt(
        'use_guestinfo',
        default=False,
        help="""
Pass config drive data to guests through VMware guestinfo variables as well.

Sets ``guestinfo.metadata``, ``guestinfo.userdata`` and
``guestinfo.vendordata`` in the .vmx of each new server, in the format of
cloud-init's VMware data source: name, keys, fixed addresses and user data. The
administrator's password is only in the config drive.

Any process in the guest can read these variables, not only root.

Possible values:

* True: set the variables. User data larger than 64 KiB after compression and
  base64 encoding is refused.
* False (the default): do not set them.

Related options:

* ``[DEFAULT] force_config_drive``
* ``use_machine_id``
"""),
    cfg.BoolOpt(
        'use_machine_id',
        default=False,
        help="""
Pass IP addresses to guests in ``machine.id``, as OpenStack Essex did on ESX.

Use it for guests without cloud-init. In the guest, ``guest_tool.py`` from the
``contrib`` directory of the source tree configures the addresses.

Possible values:

* True: set ``machine.id``, with one IPv4 address per adapter, and
  ``guestinfo.hostname`` in the .vmx of each new server.
* False (the default): do not set them.

Related options:

* ``use_guestinfo``
"""),
]

disk_opts = [
    cfg.BoolOpt(
        'use_linked_clone',
        default=True,
        help="""
Give each server a small copy-on-write disk on top of a shared base disk.

The image properties vmrun_cow, img_linked_clone and vmware_linked_clone take
precedence.

Possible values:

* True (the default): booting a server copies only a few megabytes.
* False: booting a server copies the whole disk; the guest's disk is slightly
  faster.

Related options:

* ``[DEFAULT] use_cow_images``: setting it to False has the same effect.
"""),
    cfg.StrOpt(
        'cache_prefix',
        default='',
        regex=r'\A[A-Za-z0-9._-]*\Z',
        max_length=100,
        help="""
Prefix for the name of the image cache directory.

Compute nodes that share a host or an ``[DEFAULT] instances_path`` share the
image cache if they have the same prefix, and keep separate caches otherwise.
Set it before you create the first server: existing disks keep using the cache
that they are linked to, and images there no longer expire. The cache must
stay below ``[DEFAULT] instances_path``, owned and writable only by the user
who runs nova-compute: a server whose base disk is elsewhere cannot be
snapshotted or resized.

Possible values:

* Letters, digits, dots, hyphens and underscores.
* Empty (the default): use the name in ``[image_cache] subdirectory_name``
  as it is.

Related options:

* ``[image_cache] subdirectory_name``
* ``[DEFAULT] instances_path``
"""),
]

OPTS = guest_opts + guest_info_opts + disk_opts
