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

"""The start of one VM: waiting for it, trying it again, telling why not."""

from collections.abc import Callable
import threading
import time

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import kernel_modules
from nova_vmrun.machine import adapters
from nova_vmrun.ops.power import start_errors
from nova_vmrun.server import states
from nova_vmrun.server import vm_log

LOG = logging.getLogger(__name__)


class Starter:
    """Starts VMs.

    :param vmrun: a nova_vmrun.tools.vmrun.Vmrun
    :param power_states: a nova_vmrun.server.states.PowerStates
    :param layout: a nova_vmrun.server.layout.Layout
    :param limits: a nova_vmrun.ops.power.time_limits.TimeLimits
    :param conf: the [vmrun] options
    :param change: runs a verb until a server is in one of some states, or
        raises what it raised, explained
    :param sleep: waits some seconds
    """

    def __init__(self, vmrun, power_states, layout, limits, conf,
                 change: Callable[..., None], sleep=time.sleep) -> None:
        self._vmrun = vmrun
        self._states = power_states
        self._layout = layout
        self._limits = limits
        self._conf = conf
        self._change = change
        self._sleep = sleep
        self._lock = threading.Lock()
        self._under_way = 0
        self._begun = 0

    def start(self, uuid: str, gui: bool, keys: vmx.Vmx) -> None:
        """Powers a VM on, or resumes it if it is suspended.

        :param uuid: of the server
        :param gui: whether it gets a window
        :param keys: its .vmx; empty if that cannot be read
        :raises VmrunError: it does not run; vmware.log's cause is in the error
        """
        mark = vm_log.mark(self._layout.vmware_log(uuid))
        with self._lock:
            self._under_way += 1
            self._begun += 1
            begun, alone = self._begun, self._under_way == 1
        try:
            try:
                self._once(uuid, gui, keys)
                alone = alone and begun == self._begun
                if not alone:
                    self._connect(uuid, keys)
                return
            except exception.VmrunError as error:
                alone = alone and begun == self._begun
                if not self._may_pass(uuid, error, mark, alone):
                    raise
                LOG.warning('Server %s is started again, since VMware often '
                            'refuses one of several starts: %s', uuid, error)
            self._sleep(self._conf.retry_interval)
            self._once(uuid, gui, keys)
            self._connect(uuid, keys)
        finally:
            with self._lock:
                self._under_way -= 1

    def _once(self, uuid: str, gui: bool, keys: vmx.Vmx) -> None:
        options = {}
        if gui:
            # "start gui" of some versions returns when the VM ends.
            options['until'] = lambda: self._runs(uuid)
        self._change(uuid, states.ON, self._vmrun.start, gui=gui,
                     timeout=self._limits.start(keys), **options)

    def _connect(self, uuid: str, keys: vmx.Vmx) -> None:
        """Connects the second adapter of a VM and those after it.

        Of VMs that are started at once some come up with such an adapter that
        has no carrier; a reboot of the guest does not help. Nothing in
        vmware.log is known to tell which.
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

    def _runs(self, uuid: str) -> bool:
        try:
            return self._states.is_running(uuid)
        except exception.VmrunError as error:
            LOG.debug('Whether server %s runs is not known: %s', uuid, error)
            return False

    def _may_pass(self, uuid: str, error: exception.VmrunError,
                  mark: vm_log.Mark | None, alone: bool) -> bool:
        """Tells whether a second try is safe and may do better.

        Of many starts at once VMware refuses one or two. A start that was
        alone gets a second try only if VMware gave no reason.
        """
        if (not start_errors.is_vague(error) or
                kernel_modules.missing_devices()):
            return False
        # A VM that may be on must not be started twice.
        if self._states.get(uuid) not in states.NOT_ON:
            return False
        report = vm_log.read(self._layout.vmware_log(uuid), mark)
        return not alone or not (report.cause or report.question)
