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

"""Adapters of VMs that are on, whose ports have been deleted in Neutron.

VMware removes no adapter while a VM is on or suspended, but another server may
get the address at any time. Disconnecting the adapter, as if its cable had
been pulled, works only while the VM runs: not if it is paused or suspended.
"""

from collections import abc
import contextlib

from nova import context as nova_context
from nova import exception as nova_exception
from nova.network import model
from nova.objects import instance as nova_instance
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.machine import adapters
from nova_vmrun.ops.nova import ports as ports_module
from nova_vmrun.ops import parts

LOG = logging.getLogger(__name__)


class Cables:
    """Disconnects adapters; what fails is logged, and raises nothing."""

    def __init__(self, host: parts.Host, servers: parts.Servers,
                 ports: ports_module.Ports) -> None:
        self._vmrun = host.vmrun
        self._states = servers.states
        self._layout = servers.layout
        self._vmx_files = servers.vmx_files
        self._ports = ports

    def pull(self, instance: nova_instance.Instance, vif: model.VIF) -> None:
        """Disconnect the adapter of a port that was deleted.

        MAC addresses are unique in a network only. An adapter stays connected
        if it may be that of another port of the server.
        """
        with _logged(instance):
            self._pull(instance, vif)

    def _pull(self, instance: nova_instance.Instance, vif: model.VIF) -> None:
        mac = vif['address'].lower()
        others = [port for port in self._remembered(instance)
                  if port['id'] != vif['id']]
        if mac in _macs(others):
            LOG.warning('The adapter of the deleted port %s stays connected: '
                        'another port of the server has its address, %s',
                        vif['id'], mac, instance=instance)
            return
        slot = self._slots(instance).get(mac)
        if slot is not None:
            self._disconnect(instance, mac, slot)

    def pull_stale(self, instance: nova_instance.Instance) -> None:
        """Disconnect the adapters that have no port.

        Call this after the VM has gone on with the hardware that it had. It
        runs no program if each adapter has a port.
        """
        with _logged(instance):
            self._pull_stale(instance)

    def _pull_stale(self, instance: nova_instance.Instance) -> None:
        slots = self._slots(instance)
        known = _macs(self._remembered(instance)) if slots else set()
        if slots and not known:
            # As at a start: Nova's memory has been empty by mistake.
            found = self._ports.of_server(nova_context.get_admin_context(),
                                          instance)
            if found is None:
                LOG.warning('The adapters of the server stay connected',
                            instance=instance)
                return
            known = _macs(found)
        for mac, slot in slots.items():
            if mac not in known:
                self._disconnect(instance, mac, slot)

    def _slots(self, instance: nova_instance.Instance) -> dict[str, int]:
        try:
            return adapters.static_slots(self._vmx_files.load(instance.uuid))
        except (exception.VmNotFound, exception.InvalidVmx) as error:
            LOG.warning('Cannot tell which adapters the server has: %s',
                        error, instance=instance)
            return {}

    def _remembered(self, instance: nova_instance.Instance
                    ) -> list[model.VIF]:
        try:
            return list(ports_module.remembered(
                nova_context.get_admin_context(), instance) or ())
        except nova_exception.InstanceInfoCacheNotFound as error:
            LOG.warning('%s', error, instance=instance)
            return []

    def _disconnect(self, instance: nova_instance.Instance, mac: str,
                    slot: int) -> None:
        uuid, device = instance.uuid, 'ethernet%d' % slot
        try:
            if self._states.is_running(uuid, fresh=False):
                LOG.info('Disconnecting %s, since the port with its address '
                         '%s is deleted', device, mac, instance=instance)
                self._vmrun.disconnect_device(self._layout.vmx(uuid), device)
        except exception.VmrunError as error:
            LOG.warning('Cannot disconnect %s, whose port is deleted; the '
                        'guest still answers at its address (%s). Reboot the '
                        'server hard: %s', device, mac, error,
                        instance=instance)


@contextlib.contextmanager
def _logged(instance: nova_instance.Instance) -> abc.Iterator[None]:
    """Log any error: what the user asked for has been done."""
    try:
        yield
    except Exception:
        LOG.exception('It is unknown whether adapters of the server have '
                      'ports, so they stay connected', instance=instance)


def _macs(ports: abc.Iterable[model.VIF]) -> set[str]:
    return {port['address'].lower() for port in ports}
