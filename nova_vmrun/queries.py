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

"""What Nova asks about one server: its state, diagnostics and consoles.

None of it changes a server. What does is in driver.py.
"""

import contextlib
from typing import Any, TypeAlias

from nova import context as nova_context
from nova import exception as nova_exception
from nova.objects import instance as nova_instance
from nova.virt import hardware

from nova_vmrun import exception
from nova_vmrun import host_calls
from nova_vmrun.ops.nova import errors
from nova_vmrun.ops.nova import evacuations
from nova_vmrun.ops.power import power_states
from nova_vmrun.server.serial import utf8_log

Context: TypeAlias = nova_context.RequestContext
Instance: TypeAlias = nova_instance.Instance


class ServerQueries(host_calls.HostCalls):
    """Answers what Nova asks about servers."""

    # Servers and their states

    def list_instances(self) -> list[str]:
        return [record.name for record in self._hypervisor.records.all()]

    def list_instance_uuids(self) -> list[str]:
        return [record.uuid for record in self._hypervisor.records.all()]

    def get_info(self, instance: Instance,
                 use_cache: bool = True) -> hardware.InstanceInfo:
        record = self._hypervisor.record(instance.uuid)
        if record is None:
            raise nova_exception.InstanceNotFound(instance_id=instance.uuid)
        if record.image_ref is None:
            # While its disks move, another process writes the record.
            with (contextlib.suppress(exception.VmrunError),
                  self._hypervisor.storage.held(instance.uuid)):
                self._hypervisor.source_images.remember(instance)
        state = self._hypervisor.state(record, use_cache)
        return hardware.InstanceInfo(
            state=power_states.for_nova(instance, state))

    def instance_exists(self, instance: Instance) -> bool:
        # Nova asks this before an evacuation to this host. One that was
        # interrupted here is repeated.
        return not evacuations.is_elsewhere(instance, self._host) and (
            self._hypervisor.exists(instance.uuid))

    @errors.translated
    def get_diagnostics(self, instance: Instance) -> dict[str, Any]:
        found: dict[str, Any] = self._hypervisor.diagnostics.untyped(instance)
        return found

    @errors.translated
    def get_instance_diagnostics(self, instance: Instance) -> Any:
        return self._hypervisor.diagnostics.typed(instance)

    # Consoles

    def get_console_output(self, context: Context,
                           instance: Instance) -> bytes:
        log = self._hypervisor.serial_consoles.log(instance.uuid)
        return utf8_log.Utf8Log(log)

    def get_serial_console(self, context: Context, instance: Instance) -> Any:
        find = self._hypervisor.serial_consoles.console
        return self._console(instance, find, 'serial')

    def get_vnc_console(self, context: Context, instance: Instance) -> Any:
        return self._console(instance, self._hypervisor.consoles.vnc, 'vnc')

    def _console(self, instance: Instance, find: Any, kind: str) -> Any:
        if not self._hypervisor.exists(instance.uuid):
            raise nova_exception.InstanceNotFound(instance_id=instance.uuid)
        console = find(instance.uuid)
        if console is None:
            raise nova_exception.ConsoleTypeUnavailable(console_type=kind)
        return console
