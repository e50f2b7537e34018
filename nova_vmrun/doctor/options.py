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

"""The options that decide where the doctor looks, from nova.conf or not."""

from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import os

from oslo_config import cfg

from nova_vmrun import conf as vmrun_conf
from nova_vmrun import exception
from nova_vmrun.storage import folder_settings

# Seconds for one answer of vmrun; a healthy one takes half a second.
_LIST_TIMEOUT = 20


@dataclasses.dataclass
class Options:
    """Options of nova-compute, and what they mean for this host.

    The first ones have the names and meanings of those in [vmrun].

    :ivar instances: folder of the servers; None: nova-compute is not
        configured here
    :ivar storage_folders: of [vmrun] storage_folders
    :ivar state_folder: where "nova-vmrun aio" keeps everything
    :ivar environment: variables to start VMware's programs with
    :ivar ports: who needs a port that has to be free, by port
    :ivar novnc: folder of noVNC; None: the usual one
    """

    vmrun_path: str | None = None
    vdiskmanager_path: str | None = None
    qemu_img_path: str = 'qemu-img'
    product: str = 'auto'
    list_timeout: int = _LIST_TIMEOUT
    show_gui: bool = False
    use_linked_clone: bool = True
    vnc_range: tuple[int, int] = (5900, 6099)
    networks: Mapping[str, str] = dataclasses.field(
        default_factory=lambda: {'nat': 'The default of "nova-vmrun aio"'})
    instances: str | None = None
    storage_folders: tuple[folder_settings.Setting, ...] = ()
    state_folder: str | None = None
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    ports: Mapping[int, str] = dataclasses.field(default_factory=dict)
    novnc: str | None = None

    @property
    def folder(self) -> str:
        """A folder on the file system that servers are or will be on."""
        folder = self.instances or self.state_folder or os.path.expanduser('~')
        while not os.path.isdir(folder) and folder != os.path.dirname(folder):
            folder = os.path.dirname(folder)
        return folder


def read(files: Sequence[str]) -> Options:
    """Read nova.conf, without Nova.

    :param files: paths of configuration files; later ones win
    :raises InvalidConfiguration: a file or a value cannot be used
    """
    conf = cfg.ConfigOpts()
    vmrun_conf.register_opts(conf)
    conf.register_opts([cfg.StrOpt('state_path', default=os.getcwd()),
                        cfg.StrOpt('instances_path',
                                   default='$state_path/instances')])
    try:
        conf(args=[], default_config_files=list(files),
             default_config_dirs=[])
        own = conf.vmrun
        ports = vmrun_conf.port_range(own.vnc_port_range)
        networks = {network: '[vmrun] vmnet_mappings'
                    for network in own.vmnet_mappings.values()}
        if own.default_vmnet:
            networks.setdefault(own.default_vmnet, '[vmrun] default_vmnet')
        return Options(
            own.vmrun_path, own.vdiskmanager_path, own.qemu_img_path,
            own.product, min(own.list_timeout, _LIST_TIMEOUT), own.show_gui,
            own.use_linked_clone, (ports.start, ports.stop - 1), networks,
            conf.instances_path, folder_settings.parse(own.storage_folders))
    except (cfg.Error, ValueError, OSError) as error:
        raise exception.InvalidConfiguration(
            '%s cannot be used.' % ', '.join(files), '%s.' % error,
            'Correct it, or name another file with --config-file.') from error
