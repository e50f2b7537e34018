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

"""Servers whose disks stand still while somebody copies them.

Nova asks for it before Cinder makes snapshots of the volumes of a server, and
the driver does it itself for images. A guest with a QEMU guest agent freezes
its file systems; any other server is paused, if its disks need it.

A mark says that a guest is frozen or a VM is paused for a copy; it is written
before, so that nova-compute lets the server go on if it was killed meanwhile.
A user who pauses the server replaces the mark of a pause, and the server then
stays paused.
"""

from collections import abc
import contextlib
import time

from nova import exception as nova_exception
from nova.objects import image_meta as nova_image
from nova.objects import instance as nova_instance
from oslo_log import log as logging
from oslo_utils import excutils

from nova_vmrun.catalog import obeyed
from nova_vmrun import exception
from nova_vmrun.host import product as product_module
from nova_vmrun.ops.power import power as power_module
from nova_vmrun.server import freeze_marks
from nova_vmrun.server import guest_agents as guest_agents_module
from nova_vmrun.server import records as records_module
from nova_vmrun.server import states
from nova_vmrun.tools import guest_agent

LOG = logging.getLogger(__name__)

# How often a thaw is tried, and seconds between the attempts.
_THAWS = 3
_THAW_INTERVAL = 1.0


class Quiescer:
    """Freezes guests, or pauses servers, for a copy of their disks.

    :param sleep: waits some seconds; tests replace it
    """

    def __init__(self, product: product_module.Product,
                 power_states: states.PowerStates,
                 records: records_module.Records,
                 power: power_module.Power,
                 guest_agents: guest_agents_module.GuestAgents,
                 marks: freeze_marks.FreezeMarks,
                 sleep: abc.Callable[[float], None] = time.sleep) -> None:
        self._product = product
        self._states = power_states
        self._records = records
        self._power = power
        self._guest_agents = guest_agents
        self._marks = marks
        self._sleep = sleep

    def quiesce(self, instance: nova_instance.Instance,
                image_meta: nova_image.ImageMeta) -> None:
        """Freeze a guest, or else pause its server, until unquiesce.

        After any error Nova makes the snapshots without it, unless the image
        has os_require_quiesce, and never calls unquiesce.

        :param image_meta: of the server's image
        :raises QemuGuestAgentNotEnabled: Nova's; the image requires a freeze
            but no agent
        :raises InstanceQuiesceFailed: Nova's; the image requires a freeze,
            and the guest cannot do it
        :raises InstanceQuiesceNotSupported: Nova's; the product cannot pause
            servers
        :raises VmrunError: it may still be writing to its disks
        """
        if not self._is_running(instance.uuid):
            return
        if self._freeze_if_wanted(instance, image_meta):
            return
        if not self._product.can_pause:
            raise nova_exception.InstanceQuiesceNotSupported(
                instance_id=instance.uuid,
                reason='%s cannot pause it. Stop the server first.'
                       % self._product.name)
        self._pause(instance.uuid)

    def unquiesce(self, uuid: str) -> None:
        """Let a server go on that quiesce has stopped, and no user since.

        :raises VmrunError: it may still be frozen or paused
        """
        if self._marks.is_marked(uuid):
            self._thaw(uuid)
        self._marks.unmark(uuid)
        if self._states.is_paused_for_copy(uuid):
            self._power.unpause(uuid)

    @contextlib.contextmanager
    def frozen(self, instance: nova_instance.Instance) -> abc.Iterator[None]:
        """Keep a guest frozen during the block, if its image wants that.

        :raises QemuGuestAgentNotEnabled: as for quiesce
        :raises InstanceQuiesceFailed: as for quiesce
        """
        is_frozen = self._freeze_if_wanted(instance, instance.image_meta)
        try:
            yield
        finally:
            if is_frozen:
                self._let_go_or_log(instance.uuid)

    @contextlib.contextmanager
    def still(self, instance: nova_instance.Instance) -> abc.Iterator[None]:
        """Keep a guest frozen, or else a server paused, during the block.

        :raises QemuGuestAgentNotEnabled: as for quiesce
        :raises InstanceQuiesceFailed: as for quiesce
        :raises VmrunError: it may still be writing to its disks
        """
        if self._is_running(instance.uuid) and not self._freeze_if_wanted(
                instance, instance.image_meta):
            self._pause(instance.uuid)
        try:
            yield
        finally:
            self._let_go_or_log(instance.uuid)

    def finish_interrupted(self) -> None:
        """Let all servers go on that a crash has left frozen or paused."""
        for record in self._records.all():
            self._let_go_or_log(record.uuid)

    def _is_running(self, uuid: str) -> bool:
        state = self._states.get(uuid)
        if state is states.State.UNKNOWN:
            raise exception.StateUnknown(
                'Cannot hold server %s still for a copy of its disks.' % uuid,
                'Its power state is unknown; the log of nova-compute says '
                'why.', 'Try again when "vmrun list" works.')
        return state is states.State.RUNNING

    def _freeze_if_wanted(self, instance: nova_instance.Instance,
                          image_meta: nova_image.ImageMeta) -> bool:
        """Freeze a running guest that has an agent; return whether it is.

        :raises QemuGuestAgentNotEnabled: as for quiesce
        :raises InstanceQuiesceFailed: as for quiesce
        """
        wanted = image_meta.properties
        is_required = wanted.get(obeyed.REQUIRE_QUIESCE.image[0])
        if not wanted.get(obeyed.GUEST_AGENT.image[0]):
            if is_required:
                raise nova_exception.QemuGuestAgentNotEnabled()
            return False
        try:
            self._freeze(instance.uuid)
        except exception.VmrunError as error:
            LOG.warning('The guest did not freeze its file systems: %s',
                        error, instance=instance)
            if is_required:
                raise nova_exception.InstanceQuiesceFailed(
                    reason=error.brief) from error
            return False
        LOG.info('The guest has frozen its file systems', instance=instance)
        return True

    def _freeze(self, uuid: str) -> None:
        agent = self._agent(uuid)
        self._marks.mark(uuid)
        try:
            if not agent.freeze():
                raise exception.AgentRefused(
                    'The guest of server %s has no file system that can be '
                    'frozen.' % uuid, 'Its agent froze none.')
        except exception.AgentNotRunning:
            self._marks.unmark(uuid)
            raise
        except exception.VmrunError:
            with excutils.save_and_reraise_exception():
                # Some may be frozen, and others not.
                self._let_go_or_log(uuid)

    def _thaw(self, uuid: str) -> None:
        agent = self._agent(uuid)
        for left in reversed(range(_THAWS)):
            try:
                agent.thaw()
                return
            except exception.VmrunError as error:
                if not left:
                    raise
                LOG.info('Thawing the guest of server %s again after: %s',
                         uuid, error)
                self._sleep(_THAW_INTERVAL)

    def _agent(self, uuid: str) -> guest_agent.GuestAgent:
        agent = self._guest_agents.of(uuid)
        if agent is None:
            raise exception.AgentNotRunning(
                'The VM of server %s has no port for a guest agent.' % uuid,
                'It was started before its image wanted one.',
                'Stop the server and start it again.')
        return agent

    def _pause(self, uuid: str) -> None:
        try:
            self._power.pause(uuid, for_copy=True)
        except exception.VmPaused:
            LOG.info('Server %s was paused in VMware, and stays so', uuid)
        except exception.VmrunError:
            with excutils.save_and_reraise_exception():
                # vmrun may have failed after the pause.
                self._let_go_or_log(uuid)

    def _let_go_or_log(self, uuid: str) -> None:
        try:
            self.unquiesce(uuid)
        except (exception.VmrunError, OSError) as error:
            LOG.error('Server %s stays frozen or paused after its disks were '
                      'copied, until nova-compute starts again or the server '
                      'is rebooted hard: %s', uuid, error)
