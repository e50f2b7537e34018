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


"""What the operations of a compute node share, in three groups."""

import dataclasses

from oslo_config import cfg

from nova_vmrun.host import product as host_product
from nova_vmrun.server import disk_lists as server_disk_lists
from nova_vmrun.server import layout as server_layout
from nova_vmrun.server import records as server_records
from nova_vmrun.server import states as server_states
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import base_disk_usage
from nova_vmrun.storage import builds as storage_builds
from nova_vmrun.storage import image_cache
from nova_vmrun.storage import server_storage
from nova_vmrun.tools import qemu_img as qemu_img_tool
from nova_vmrun.tools import vdiskmanager as vdiskmanager_tool
from nova_vmrun.tools import vmrun as vmrun_tool


@dataclasses.dataclass(frozen=True)
class Host:
    """The options, the product and the programs of this host.

    :ivar conf: nova.conf.CONF
    :ivar architecture: x86_64 or aarch64
    :ivar vdiskmanager: None if the product has none
    """

    conf: cfg.ConfigOpts
    product: host_product.Product
    architecture: str
    vmrun: vmrun_tool.Vmrun
    qemu_img: qemu_img_tool.QemuImg
    vdiskmanager: vdiskmanager_tool.VDiskManager | None


@dataclasses.dataclass(frozen=True)
class Servers:
    """What is known about the servers of this compute node.

    :ivar storage: their disks in storage folders
    """

    layout: server_layout.Layout
    records: server_records.Records
    disk_lists: server_disk_lists.DiskLists
    states: server_states.PowerStates
    vmx_files: vmx_file.VmxFiles
    storage: server_storage.ServerStorage


@dataclasses.dataclass(frozen=True)
class Images:
    """The image cache, and who depends on it.

    :ivar users: the disks that are linked to base disks
    :ivar builds: the builds in progress
    """

    cache: image_cache.ImageCache
    users: base_disk_usage.BaseDiskUsage
    builds: storage_builds.Builds
