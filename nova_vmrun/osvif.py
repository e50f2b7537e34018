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

"""Makes ``compute_driver = nova_vmrun.VmrunDriver`` loadable.

Nova 34 imports ``nova.virt.<compute_driver>`` and nothing else. nova-compute
calls os_vif.initialize() before it loads the driver, and that imports every
plug-in of the ``os_vif`` entry point group. This one adds a finder for the
single name ``nova.virt.nova_vmrun``. No file is put below Nova's own tree:
that would hide an editable Nova behind a namespace package.

The neutron agents initialise os-vif too, so nothing of Nova is imported here
until the alias is asked for.
"""

from collections.abc import Sequence
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types

from os_vif.objects import host_info
from os_vif.objects import instance_info as instances
from os_vif.objects import vif as vifs
from os_vif import plugin

ALIAS = 'nova.virt.nova_vmrun'


class AliasFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds ``nova.virt.nova_vmrun`` and gives it the driver class."""

    def find_spec(
            self, fullname: str, path: Sequence[str] | None = None,
            target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname == ALIAS:
            return importlib.util.spec_from_loader(fullname, self)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """Leaves making the module to Python."""

    def exec_module(self, module: types.ModuleType) -> None:
        from nova_vmrun import driver
        setattr(module, 'VmrunDriver', driver.VmrunDriver)


def install() -> None:
    """Adds the finder to sys.meta_path, once."""
    if not any(isinstance(finder, AliasFinder) for finder in sys.meta_path):
        sys.meta_path.append(AliasFinder())


class VmrunPlugin(plugin.PluginBase):
    """Plugs nothing: VMware's own virtual networks carry the NICs."""

    def describe(self) -> host_info.HostPluginInfo:
        return host_info.HostPluginInfo(
            plugin_name='nova_vmrun', vif_info=[])

    def plug(self, vif: vifs.VIFBase,
             instance_info: instances.InstanceInfo) -> None:
        """Does nothing: the .vmx names the network of each NIC."""

    def unplug(self, vif: vifs.VIFBase,
               instance_info: instances.InstanceInfo) -> None:
        """Does nothing: a NIC ends with its .vmx."""


install()
