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

"""Options of what servers are and what they are told."""

from oslo_config import cfg

guest_opts = [
    cfg.StrOpt(
        'default_guestos',
        default='otherlinux-64',
        deprecated_name='default_guestos',
        deprecated_group='vix',
        help="""
Guest operating system of servers whose image names none.

Possible values:

* VMware's identifier as it stands in a .vmx (``ubuntu-64``), in vSphere's
  spelling (``ubuntu64Guest``) or in VIX's (``otherLinux64``).

Related options:

* The image properties vmware_ostype, vix_guestos, os_distro and os_type come
  first.
"""),
    cfg.MultiStrOpt(
        'template_dirs',
        default=[],
        help="""
Directories that are searched for .vmx templates before the driver's own.

A file there replaces the template of the same name, for example
``linux.vmx.j2``. Templates are trusted code of the operator.

Possible values:

* Absolute paths; the option may be given several times, the first wins.
"""),
    cfg.BoolOpt(
        'desktop_integration',
        default=False,
        help="""
Let guests use the clipboard and drag and drop of the host's desktop.

Off by default, as VMware's hardening guides ask: with it a guest can read
what the person at the machine copies. Shared folders are never offered.

Possible values:

* True: guests and the host share one clipboard.
* False (the default): they are kept apart.

Related options:

* ``show_gui``
"""),
]

guest_info_opts = [
    cfg.BoolOpt(
        'use_guestinfo',
        default=False,
        help="""
Tell guests through VMware's guestinfo variables what a config drive tells.

The .vmx of each new server then has ``guestinfo.metadata``,
``guestinfo.userdata`` and ``guestinfo.vendordata`` as cloud-init's VMware data
source reads them: name, keys, fixed addresses, user data. The administrator's
password is in the config drive only.

Any process in the guest can read these variables, also without being root.

Possible values:

* True: they are set. User data of more than 64 KiB, compressed and in base64,
  are refused.
* False (the default): they are not.

Related options:

* ``[DEFAULT] force_config_drive``
* ``use_machine_id``
"""),
    cfg.BoolOpt(
        'use_machine_id',
        default=False,
        help="""
Tell guests their addresses in ``machine.id``, as OpenStack Essex did on ESX.

It is for guests without cloud-init. ``guest_tool.py``, which is in the folder
``contrib`` of the sources, sets the addresses of a guest from it.

Possible values:

* True: the .vmx of each new server has ``machine.id``, with one IPv4 address
  of each adapter, and ``guestinfo.hostname``.
* False (the default): it has none.

Related options:

* ``use_guestinfo``
"""),
]

disk_opts = [
    cfg.BoolOpt(
        'use_linked_clone',
        default=True,
        help="""
Give each server a small disk that refers to a shared, read-only base.

Possible values:

* True (the default): a boot copies a few megabytes.
* False: a boot copies the whole disk; the guest's disk is a little faster.

Related options:

* ``[DEFAULT] use_cow_images``: False has the same effect as False here.
* The image properties vmrun_cow, img_linked_clone and vmware_linked_clone
  come first.
"""),
    cfg.StrOpt(
        'cache_prefix',
        default='',
        regex=r'\A[A-Za-z0-9._-]*\Z',
        max_length=100,
        help="""
What the name of the folder of cached images begins with.

Compute nodes on one host, or with ``[DEFAULT] instances_path`` on one file
system, share the cache where this is the same, and keep caches of their own
where it differs. Choose it before the first server: disks go on to use the
cache that they are linked to, which ages no more. It must stay below
``[DEFAULT] instances_path``, owned by and writable for the user who runs
nova-compute alone: of a server whose base disk lies elsewhere no image can be
made, and it cannot be resized.

Possible values:

* Letters, digits, dots, hyphens and underscores.
* Empty (the default): the name is that of ``[image_cache]
  subdirectory_name`` alone.

Related options:

* ``[image_cache] subdirectory_name``
* ``[DEFAULT] instances_path``
"""),
]

OPTS = guest_opts + guest_info_opts + disk_opts
