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

"""Options for volumes."""

from oslo_config import cfg

OPTS = [
    cfg.MultiStrOpt(
        'volume_folders',
        default=[],
        help="""
Folders in which Cinder keeps the files of volumes on this host.

Servers can only have volumes of the type ``local`` that are in one of these
folders. The files must belong to the user who runs nova-compute.

Possible values:

* An absolute path, which the Cinder driver of nova-vmrun has as well. The
  option can be repeated.
* Empty (the default): volumes of the type ``local`` are refused.
"""),
    cfg.MultiStrOpt(
        'nfs_mounts',
        default=[],
        help="""
Folders where exports of NFS servers are mounted that have volumes of Cinder.

The driver mounts nothing: mount each export on this host, so that the user who
runs nova-compute can write to the files in it. Only raw volumes can be used;
leave Cinder's ``nfs_qcow2_volumes`` at False.

Possible values:

* ``export=folder``, where the export is written as in Cinder's list of shares,
  for example ``server:/volumes=/mnt/volumes``. The option can be repeated.
* Empty (the default): volumes of the type ``nfs`` are refused.
"""),
    cfg.StrOpt(
        'qemu_storage_daemon_path',
        default='qemu-storage-daemon',
        help="""
Name or path of qemu-storage-daemon, which connects iSCSI volumes on Linux.

It needs QEMU's iSCSI driver and FUSE. Each volume has a daemon of its own, as
long as it is attached.

Possible values:

* An absolute path, or a name to look up in PATH.

Related options:

* ``iscsi_timeout``
"""),
    cfg.IntOpt(
        'iscsi_timeout',
        default=30, min=1, max=24 * 60 * 60,
        help="""
Timeout for logging in to an iSCSI target, in seconds.

When it expires, the attachment or the start of the server fails.

Related options:

* ``qemu_storage_daemon_path``
"""),
    cfg.ListOpt(
        'os_brick_volume_types',
        default=[],
        help="""
Types of volumes that os-brick connects to the kernel of this host, as root.

VMware then opens a block device. This needs sudo or privsep as for Nova's
libvirt driver, and for ``iscsi`` the service iscsid. It works only on Linux.

It has been run with a stand-in for the storage network only: nobody has tried
it with a SAN or with VMware.

Possible values:

* A list of driver_volume_types of Cinder, for example
  ``iscsi,fibre_channel``.
* Empty (the default): ``iscsi`` volumes are connected without root, through
  qemu-storage-daemon; other network volumes are refused.

Related options:

* ``qemu_storage_daemon_path``
"""),
]
