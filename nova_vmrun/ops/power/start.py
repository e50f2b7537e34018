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

"""Start of a VM, with a second attempt if that may help."""

from collections.abc import Callable
import threading
import time
from typing import Any

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import kernel_modules
from nova_vmrun.machine import adapters
from nova_vmrun.ops import parts
from nova_vmrun.ops.power import start_errors
from nova_vmrun.ops.power import time_limits
from nova_vmrun.server import states
from nova_vmrun.server import vm_log

LOG = logging.getLogger(__name__)


class Starter:
    """Starter of VMs.

    :param change: runs a verb of vmrun and checks the state after it
    """

    def __init__(self, host: parts.Host, servers: parts.Servers,
                 limits: time_limits.TimeLimits,
                 change: Callable[..., None]) -> None:
        self._vmrun = host.vmrun
        self._conf = host.conf.vmrun
        self._states = servers.states
        self._layout = servers.layout
        self._limits = limits
        self._change = change
        self._lock = threading.Lock()
        # The number of starts in progress, and of all starts so far.
        self._running = 0
        self._total = 0

    def start(self, uuid: str, gui: bool, keys: vmx.Vmx) -> None:
        """Power a VM on, or resume it if it is suspended.

        :param gui: whether to open a window
        :param keys: the .vmx; empty if it cannot be read
        :raises VmrunError: it does not run; the error has the cause from
            vmware.log
        """
        mark = vm_log.mark(self._layout.vmware_log(uuid))
        with self._lock:
            self._running += 1
            self._total += 1
            number, alone = self._total, self._running == 1
        try:
            try:
                self._once(uuid, gui, keys)
                alone = alone and number == self._total
                if not alone:
                    self._connect(uuid, keys)
                return
            except exception.VmrunError as error:
                alone = alone and number == self._total
                if not self._may_retry(uuid, error, mark, alone):
                    raise
                LOG.warning('Starting server %s again, since VMware often '
                            'refuses one of several starts: %s', uuid, error)
            time.sleep(self._conf.retry_interval)
            self._once(uuid, gui, keys)
            self._connect(uuid, keys)
        finally:
            with self._lock:
                self._running -= 1

    def _once(self, uuid: str, gui: bool, keys: vmx.Vmx) -> None:
        options: dict[str, Any] = {}
        if gui:
            # Some versions of "vmrun start gui" return when the VM stops.
            options['until'] = lambda: self._is_running(uuid)
        self._change(uuid, states.ON, self._vmrun.start, gui=gui,
                     timeout=self._limits.start(keys), **options)

    def _connect(self, uuid: str, keys: vmx.Vmx) -> None:
        """Connect the second and later adapters of a VM.

        If VMs start at the same time, such an adapter sometimes has no
        carrier, and rebooting the guest does not help. Nothing in vmware.log
        is known to show it.
        """
        try:
            names = ['ethernet%d' % slot
                     for slot in sorted(adapters.slots(keys).values())]
            for name in names[1:]:
                if keys.get_bool(name + '.startConnected', True):
                    self._vmrun.connect_device(self._layout.vmx(uuid), name)
        except exception.VmrunError as error:
            LOG.warning('An adapter of server %s may have no carrier: %s',
                        uuid, error)

    def _is_running(self, uuid: str) -> bool:
        try:
            return bool(self._states.is_running(uuid))
        except exception.VmrunError as error:
            LOG.debug('Cannot tell whether server %s is running: %s', uuid,
                      error)
            return False

    def _may_retry(self, uuid: str, error: exception.VmrunError,
                   mark: vm_log.Mark | None, alone: bool) -> bool:
        """Return whether a second attempt is safe and may succeed.

        VMware refuses one or two of many simultaneous starts. If this was the
        only start, there is a second attempt only if VMware gave no reason.
        """
        if (not start_errors.is_vague(error) or
                kernel_modules.missing_devices()):
            return False
        # A VM that may be on must not be started again.
        if self._states.get(uuid) not in states.NOT_ON:
            return False
        report = vm_log.read(self._layout.vmware_log(uuid), mark)
        return not alone or not (report.cause or report.question)
