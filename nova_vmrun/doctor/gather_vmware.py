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

"""Read the facts about VMware: product, modules, libraries, networks."""

import glob
import ipaddress
import os

from oslo_config import cfg
import psutil

from nova_vmrun import conf as vmrun_conf
from nova_vmrun.doctor import facts
from nova_vmrun.doctor import options as doctor_options
from nova_vmrun import exception
from nova_vmrun.formats import vmnets
from nova_vmrun.host import host_networks
from nova_vmrun.host import kernel_modules
from nova_vmrun.host import product
from nova_vmrun.host import x_libraries
from nova_vmrun import system
from nova_vmrun.tools import process
from nova_vmrun.tools import vmrun

_MODULES = ('vmmon', 'vmnet')
# On macOS the adapters of VMware's networks have names like bridge100.
_OF_VMWARE = ('vmnet', 'bridge10')
_AIO = 'libaio.so.1'
_LICENCES = ('etc/vmware/license-ws-*', 'etc/vmware/license-player-*')
# The first four bytes are attributes, the fifth says whether it is on.
_SECURE_BOOT = 'sys/firmware/efi/efivars/SecureBoot-*'


class VmwareGatherer:
    """Reads facts about VMware on this host.

    :param root: root of the host's file system; tests replace it
    """

    def __init__(self, options: doctor_options.Options,
                 runner: process.Runner, root: str = '/') -> None:
        self._options = options
        self._runner = runner
        self._root = root
        self._platform = system.here().name

    def _path(self, path: str) -> str:
        return os.path.join(self._root, path)

    def _has(self, pattern: str) -> bool:
        return bool(glob.glob(os.path.join(glob.escape(self._root), pattern)))

    @property
    def _has_modules(self) -> bool:
        """Whether VMware's modules and programs are of this Linux host."""
        return (self._platform != system.MACOS and
                kernel_modules.is_installed(self._root))

    def product(self) -> facts.Product:
        """Find vmrun and have it list the running VMs."""
        try:
            path = product.find_program('vmrun', 'vmrun_path',
                                        self._options.vmrun_path)
        except exception.InvalidConfiguration as error:
            if self._options.vmrun_path:
                return facts.Product(
                    self._platform, self._options.vmrun_path,
                    refusal=(error.brief, error.resolution))
            return facts.Product(self._platform)
        has_licence = any(map(self._has, _LICENCES))
        try:
            found = product.detect(self._runner, self._options)
        except exception.VmrunError as error:
            return facts.Product(
                self._platform, path, None,
                ('%s %s' % (error.brief, error.details), error.resolution),
                has_licence)
        return facts.Product(self._platform, path, found,
                             has_licence_file=has_licence)

    def modules(self) -> facts.Modules:
        """Look for the device files and the modules of this kernel."""
        kernel = os.uname().release
        if not self._has_modules:
            return facts.Modules(False, kernel)
        missing = kernel_modules.missing_devices(self._root, self._platform)
        vmci = self._path('dev/vmci')
        if not os.path.exists(vmci):
            missing.append(vmci)
        folder = 'lib/modules/%s' % glob.escape(kernel)
        return facts.Modules(
            True, kernel,
            tuple('/' + os.path.relpath(path, self._root)
                  for path in missing),
            tuple(name for name in _MODULES
                  if not self._has('%s/misc/%s.ko*' % (folder, name)) and
                  not self._has('%s/*/%s.ko*' % (folder, name))),
            os.path.exists(self._path('lib/modules/%s/build' % kernel)),
            self._has_secure_boot())

    def _has_secure_boot(self) -> bool:
        for path in glob.glob(os.path.join(glob.escape(self._root),
                                           _SECURE_BOOT)):
            try:
                with open(path, 'rb') as file:
                    return file.read(5)[4:] == b'\1'
            except OSError:
                return False
        return False

    def libraries(self) -> facts.Libraries:
        """Look for the libraries that vmware-vmx is linked with."""
        if not self._has_modules:
            return facts.Libraries(False)
        return facts.Libraries(
            True,
            tuple(x_libraries.missing_libraries(self._root, self._platform)),
            x_libraries.has(_AIO, self._root) is not False)

    def networks(self, product_: facts.Product | facts.NoAnswer
                 ) -> facts.Networks:
        """Read the networks that VMware has, and those that servers use.

        :param product_: what product() has returned
        """
        found = (None if isinstance(product_, facts.NoAnswer)
                 else product_.found)
        wanted = self._options.networks
        if found is None:
            return facts.Networks({}, wanted, is_known=False)
        conf = cfg.ConfigOpts()
        vmrun_conf.register_opts(conf)
        conf([])
        networks = host_networks.HostNetworks(vmrun.Vmrun(
            self._runner, found.vmrun, found.kind, conf.vmrun))
        networks.find(vmnets.NAT)
        known = {name: network for name in networks.names()
                 if (network := networks.find(name)) is not None}
        if found.is_fake:
            # They exist in the state of the fakes only.
            return facts.Networks(known, wanted)
        return facts.Networks(known, wanted, self._missing_devices(known),
                              _host_subnets())

    def _missing_devices(self, known: dict[str, vmnets.Vmnet]
                         ) -> tuple[str, ...]:
        if not self._has_modules:
            return ()
        return tuple(
            '/dev/' + name for name in sorted(known)
            if known[name].kind != vmnets.BRIDGED and
            not os.path.exists(self._path('dev/' + name)))


def _host_subnets() -> dict[str, ipaddress.IPv4Network]:
    """Return the subnets of adapters that are not VMware's."""
    found = {}
    for adapter, addresses in psutil.net_if_addrs().items():
        for each in addresses:
            if (adapter.startswith(_OF_VMWARE) or not each.netmask or
                    ':' in each.address):
                continue
            try:
                network = ipaddress.IPv4Network(
                    (each.address, each.netmask), strict=False)
            except ValueError:
                continue
            if not network.is_loopback:
                found[adapter] = network
    return found
