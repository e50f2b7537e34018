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

"""Lets Nova load ``compute_driver = nova_vmrun.VmrunDriver``.

Nova 34 only imports drivers from ``nova.virt.<compute_driver>``. Before it
loads the driver, nova-compute calls os_vif.initialize(), which imports every
plug-in in the ``os_vif`` entry point group. This plug-in adds a finder for the
name ``nova.virt.nova_vmrun``. Installing a file in Nova's own package instead
would hide an editable Nova behind a namespace package.

The Neutron agents initialize os-vif, too, so import nothing from Nova until
the alias is used.
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
    """Finds ``nova.virt.nova_vmrun``, and puts the driver class into it."""

    def find_spec(
            self, fullname: str, path: Sequence[str] | None = None,
            target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname == ALIAS:
            return importlib.util.spec_from_loader(fullname, self)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """Let Python create the module."""

    def exec_module(self, module: types.ModuleType) -> None:
        from nova_vmrun import driver
        setattr(module, 'VmrunDriver', driver.VmrunDriver)


def install() -> None:
    """Add the finder to sys.meta_path; safe to call repeatedly."""
    if not any(isinstance(finder, AliasFinder) for finder in sys.meta_path):
        sys.meta_path.append(AliasFinder())


class VmrunPlugin(plugin.PluginBase):
    """A plug-in without VIF types: VMware connects the NICs itself."""

    def describe(self) -> host_info.HostPluginInfo:
        return host_info.HostPluginInfo(
            plugin_name='nova_vmrun', vif_info=[])

    def plug(self, vif: vifs.VIFBase,
             instance_info: instances.InstanceInfo) -> None:
        """Do nothing: the .vmx names the network of each NIC."""

    def unplug(self, vif: vifs.VIFBase,
               instance_info: instances.InstanceInfo) -> None:
        """Do nothing: a NIC disappears with its .vmx."""


install()
