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

"""The groups of parts that operations share, built from nova.conf."""

import os

from nova import utils
from oslo_config import cfg
from oslo_log import log as logging

from nova_vmrun.host import product
from nova_vmrun.ops import parts
from nova_vmrun.server import disk_lists
from nova_vmrun.server import layout
from nova_vmrun.server import records
from nova_vmrun.server import states
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import base_disk_usage
from nova_vmrun.storage import builds
from nova_vmrun.storage import folder_identity
from nova_vmrun.storage import folder_settings
from nova_vmrun.storage import folders
from nova_vmrun.storage import image_cache
from nova_vmrun.storage import server_storage
from nova_vmrun.tools import fusermount
from nova_vmrun.tools import process
from nova_vmrun.tools import qemu_img
from nova_vmrun.tools import qemu_storage_daemon
from nova_vmrun.tools import vdiskmanager
from nova_vmrun.tools import vmrun
from nova_vmrun.volumes import brick
from nova_vmrun.volumes import connectors
from nova_vmrun.volumes import iscsi
from nova_vmrun.volumes import iscsi_export
from nova_vmrun.volumes import local
from nova_vmrun.volumes import nfs

LOG = logging.getLogger(__name__)


def make_layout(conf: cfg.ConfigOpts) -> layout.Layout:
    """Return the folders of this compute node; create them if need be.

    :raises InvalidConfiguration: they cannot be used
    """
    made = layout.Layout(
        conf.instances_path,
        conf.vmrun.cache_prefix + conf.image_cache.subdirectory_name)
    made.prepare()
    return made


def detect_host(conf: cfg.ConfigOpts, runner: process.Runner,
                architecture: str) -> parts.Host:
    """Return this host, with the VMware product that is installed.

    :param architecture: of its processor
    :raises VmrunError: no product was found, or it cannot be used
    """
    own = conf.vmrun
    found = product.detect(runner, own)
    LOG.info('Servers run on %s %s, through %s', found.name,
             found.version_text, found.vmrun)
    disk_tool = None
    if found.vdiskmanager:
        disk_tool = vdiskmanager.VDiskManager(runner, found.vdiskmanager,
                                              own.disk_timeout)
    return parts.Host(
        conf, found, architecture,
        vmrun.Vmrun(runner, found.vmrun, found.kind, own),
        qemu_img.QemuImg(runner, own.qemu_img_path, own.disk_timeout),
        disk_tool)


def make_folders(host: parts.Host,
                 server_layout: layout.Layout) -> folders.StorageFolders:
    """Return the storage folders; instances_path is the first one.

    :raises InvalidConfiguration: they cannot be used
    """
    own = host.conf.vmrun
    settings = folder_settings.parse(own.storage_folders)
    known = folder_identity.KnownFolders(server_layout.known_storage())
    found: list[folders.StorageFolder] = []
    found += [_folder(host, folder_settings.default(server_layout.root),
                      server_layout, found)]
    found += [_folder(host, each, layout.Layout(
        each.path, os.path.basename(server_layout.cache)), found, known)
        for each in settings]
    made = folders.StorageFolders(
        found[0], found[1:],
        own.storage_folder_regex if settings else None,
        max(host.conf.disk_allocation_ratio or 1.0, 1.0))
    made.require_tag(own.default_storage_tag)
    return made


def _folder(host: parts.Host, setting: folder_settings.Setting,
            its_layout: layout.Layout, every: list[folders.StorageFolder],
            known: folder_identity.KnownFolders | None = None
            ) -> folders.StorageFolder:
    users = base_disk_usage.BaseDiskUsage(its_layout)
    cache = image_cache.ImageCache(
        its_layout, host.qemu_img, host.vdiskmanager,
        host.conf.compute.vmdk_allowed_types, users,
        lambda: [each.cache for each in every
                 if each.name != setting.name and each.is_there()])
    return folders.StorageFolder(setting, its_layout, cache, users,
                                 builds.Builds(its_layout), known)


def make_servers(host: parts.Host, server_layout: layout.Layout,
                 storage_folders: folders.StorageFolders,
                 compute_id: str) -> parts.Servers:
    """Return what is known of the servers of this compute node.

    :param compute_id: its id in Nova
    """
    vmx_files = vmx_file.VmxFiles(server_layout)
    server_records = records.Records(server_layout, compute_id)
    return parts.Servers(
        server_layout, server_records,
        disk_lists.DiskLists(server_layout, server_records),
        states.PowerStates(host.vmrun, server_layout,
                           vmx_files.load_patiently),
        vmx_files, server_storage.ServerStorage(
            storage_folders, server_layout, server_records, vmx_files,
            compute_id))


def make_connectors(conf: cfg.ConfigOpts, runner: process.Runner,
                    server_layout: layout.Layout) -> connectors.Connectors:
    """Return what connects volumes, by the types that Cinder calls them.

    :raises InvalidConfiguration: an option is malformed
    """
    own = conf.vmrun
    by_fuse = iscsi.IscsiConnector(server_layout, iscsi_export.Tools(
        qemu_storage_daemon.QemuStorageDaemon(
            runner, own.qemu_storage_daemon_path, own.iscsi_timeout),
        fusermount.Fusermount(runner)))
    os_brick = brick.Brick(utils.get_root_helper())
    by_brick = brick.BrickConnector(server_layout, os_brick)
    return connectors.Connectors(
        {'iscsi': by_fuse,
         **dict.fromkeys(own.os_brick_volume_types, by_brick),
         'local': local.LocalConnector(own.volume_folders),
         'nfs': nfs.NfsConnector(server_layout, nfs.mounts(own.nfs_mounts))},
        others=[by_fuse, by_brick],
        host_properties=(os_brick.host_properties
                         if own.os_brick_volume_types else None))
