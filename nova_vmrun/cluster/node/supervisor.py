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

"""Keep a node's processes running.

nova-compute is started when the tunnel is there, and keeps running while the
tunnel is away: servers run on, and Nova reports the node as down until the
tunnel is back.
"""

import socket
import threading
import time

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import sshd
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import log_files
from nova_vmrun.aio import report as aio_report
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster import messages
from nova_vmrun.cluster.node import children
from nova_vmrun.cluster.node import files as node_files
from nova_vmrun.cluster.node import gateway
from nova_vmrun.cluster.node import left_behind
from nova_vmrun.cluster.node import membership as node_membership
from nova_vmrun.cluster.node import units
from nova_vmrun.cluster.node import wire
from nova_vmrun import exception

# Seconds between two looks at the processes, and between two questions
# whether Nova uses the node: if it may not, and if it does. A question costs
# the first machine a second of a processor.
_INTERVAL = 0.5
_RETURN_INTERVAL, _CHECK_INTERVAL = 5.0, 300.0
# Seconds that Nova may refuse to use the node, counted from the start of
# nova-compute. What was evacuated since then only another start removes.
_PATIENCE = 300.0
# Seconds for an answer. Until then, nothing else is looked after.
_STATE_TIMEOUT = 60
# launchd gives the supervisor a log of its own.
_LOGS = (*children.ALL, units.LOG)
# What ssh says about it.
_KEY_REFUSED = 'Permission denied'


class Supervisor:
    """The processes of one node, until it is told to stop."""

    def __init__(self, layout: aio_layout.Layout,
                 member: node_membership.Membership,
                 report: aio_report.Report) -> None:
        self._layout = layout
        self._files = node_files.Files(layout)
        self._member = member
        self._report = report
        variables = children.environment(layout, member.knobs)
        self._children = {
            name: children.Child(layout, name, words, variables)
            for name, words in children.commands(self._files).items()}
        # Whether nova-compute was started when the machine had been declared
        # off, if it has been, and so has removed what was evacuated.
        self._is_clean = False
        self._ask_at = 0.0
        # Seconds between two questions, which cost the first machine a second
        # of a processor each: more and more if it does not answer them.
        self._pause = _RETURN_INTERVAL
        self._connected = False
        # Whether VMs were looked for since this node was thrown out, and when
        # they are looked for again, if one did not stop.
        self._has_swept = False
        self._sweep_at = 0.0
        self._said: str = ''

    @property
    def compute_started(self) -> float:
        """time.monotonic() of nova-compute's last start, or 0."""
        return self._children[children.COMPUTE].started

    def run(self, stopping: threading.Event) -> None:
        """Start what is not running; at the end, stop all.

        It ends when an event is set, or when the node has left its cloud.

        :raises AioError: sshd cannot be prepared
        """
        sshd.prepare()
        children.end_leftovers(self._files)
        try:
            while not stopping.is_set():
                if not self._files.membership.exists():
                    self._say('this machine has left the cloud')
                    break
                self.look()
                stopping.wait(_INTERVAL)
        finally:
            # nova-compute says goodbye through the tunnel.
            for name in reversed(children.ALL):
                self._children[name].stop()

    def look(self) -> None:
        """Start what has ended, and ask to be used again if need be."""
        log_files.keep_small(self._layout, _LOGS)
        for child in self._children.values():
            ended = child.note_end()
            if ended:
                self._say(ended)
                if _KEY_REFUSED in ended and child.name == children.TUNNEL:
                    self._be_thrown_out()
        tunnel = self._children[children.TUNNEL]
        if tunnel.may_start:
            self._open_tunnel(tunnel)
        server = self._children[children.SSHD]
        if server.may_start:
            self._start(server)
        connected = tunnel.alive and _answers(
            self._member.services['keystone'])
        if connected and not self._connected:
            self._say('connected with the first machine')
            self._is_clean = False
            self._has_swept = False
            self._ask_soon()
        self._connected = connected
        compute = self._children[children.COMPUTE]
        if connected and compute.may_start:
            self._say('starting nova-compute')
            self._start(compute)
            self._is_clean = True
            self._ask_soon()
        if (connected and compute.alive
                and time.monotonic() >= self._ask_at):
            self._pause = {
                True: _CHECK_INTERVAL, False: _RETURN_INTERVAL,
                None: min(2 * self._pause, _CHECK_INTERVAL)}[self._return()]
            self._ask_at = time.monotonic() + self._pause

    def _be_thrown_out(self) -> None:
        """Stop nova-compute, and VMs whose disks another host has.

        nova-compute would try to log in to the bus again and again. It cannot
        learn from Nova any more what was evacuated from here. A key that was
        lost, here or on the first machine, looks the same, so other VMs are
        only named.
        """
        self._children[children.COMPUTE].stop()
        if self._has_swept or time.monotonic() < self._sweep_at:
            return
        try:
            # One refusal may be of the moment. Two are no proof, either.
            gateway.Gateway(
                self._files.ssh_config, self._member.addresses[0]).ask(
                messages.Verb.STATE, timeout=_STATE_TIMEOUT)
        except gateway.KeyRefused:
            self._sweep()
        except exception.VmrunError as error:
            self._say(str(error))

    def _sweep(self) -> None:
        self._sweep_at = time.monotonic() + _CHECK_INTERVAL
        try:
            found = left_behind.stop(self._layout, self._member, every=False)
        except errors.AioError as error:
            self._say(str(error))
            return
        self._has_swept = not any(vm.may_run_on for vm in found)
        if found:
            self._say(left_behind.described(self._member.name, found))

    def _ask_soon(self) -> None:
        self._ask_at, self._pause = 0.0, _RETURN_INTERVAL

    def _open_tunnel(self, tunnel: children.Child) -> None:
        try:
            address = gateway.reachable(self._member.addresses,
                                        self._member.port)
            wire.write_tunnel(self._files, self._member, address)
        except errors.AioError as error:
            self._say(str(error))
            tunnel.delay()
            return
        self._start(tunnel)

    def _start(self, child: children.Child) -> None:
        """Start a process; if that fails, try again after a while.

        On a full disk, for example, the others must run on.
        """
        try:
            child.start()
        except errors.AioError as error:
            self._say(str(error))
            child.delay()

    def _return(self) -> bool | None:
        """Ask Nova to use this node again, if an operator said it was off.

        What was evacuated meanwhile runs elsewhere. nova-compute removes it
        when it starts, so it is started again if it has run all the time. No
        clocks are compared: they may be set while it runs.

        :returns: whether Nova uses the node; None if nobody says
        """
        first = gateway.Gateway(self._files.ssh_config,
                                self._member.addresses[0])
        compute = self._children[children.COMPUTE]
        try:
            state = first.state(_STATE_TIMEOUT)
        except gateway.KeyRefused as error:
            # The connection may be there still.
            self._say(str(error))
            self._be_thrown_out()
            self._children[children.TUNNEL].stop()
            return None
        except exception.VmrunError as error:
            self._say(str(error))
            return None
        if not state.fenced:
            # If it is declared off later, this process has run before.
            self._is_clean = False
            return state.reported >= 0
        if not self._is_clean:
            self._say('this machine was declared off: nova-compute is '
                      'started again, to remove what was evacuated')
            compute.stop()
            return False
        age = time.monotonic() - compute.started
        if state.reported > age:
            # It has not yet removed what was evacuated.
            return False
        self._is_clean = age < _PATIENCE
        try:
            first.ask(messages.Verb.RETURN)
        except exception.VmrunError as error:
            self._say(str(error))
            return False
        self._is_clean = False
        self._say('Nova uses this node again')
        return True

    def _say(self, text: str) -> None:
        """Report something, unless it was the last thing said."""
        if text != self._said:
            self._report.line(text)
        self._said = text


def _answers(port: int) -> bool:
    """Return whether somebody listens on a port of this machine."""
    try:
        socket.create_connection((aio_settings.ADDRESS, port), 1).close()
    except OSError:
        return False
    return True
