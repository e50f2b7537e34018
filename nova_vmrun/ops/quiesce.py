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

"""Servers that are paused while somebody copies their disks.

Nova asks for it before Cinder makes snapshots of the volumes of a server, and
the driver does it itself for images of servers with volumes. The marker of the
paused VM says so; it is written before the pause. A user who pauses the
server meanwhile replaces the marker, and the server then stays paused.
"""

from collections import abc
import contextlib

from nova import exception as nova_exception
from nova.objects import image_meta as nova_image
from nova.objects import instance as nova_instance
from oslo_log import log as logging
from oslo_utils import excutils

from nova_vmrun import exception
from nova_vmrun.host import product as product_module
from nova_vmrun.ops.power import power as power_module
from nova_vmrun.server import records as records_module
from nova_vmrun.server import states

LOG = logging.getLogger(__name__)


class Quiescer:
    """Pauses servers for a copy of their disks."""

    def __init__(self, product: product_module.Product,
                 power_states: states.PowerStates,
                 records: records_module.Records,
                 power: power_module.Power) -> None:
        self._product = product
        self._states = power_states
        self._records = records
        self._power = power

    def quiesce(self, instance: nova_instance.Instance,
                image_meta: nova_image.ImageMeta) -> None:
        """Pause a server until unquiesce.

        After any error Nova makes the snapshots without it, unless the image
        has os_require_quiesce, and never calls unquiesce.

        :param image_meta: of the server's image
        :raises InstanceQuiesceNotSupported: Nova's; the product cannot pause
            servers, or the image wants the guest to freeze its file systems
        :raises VmrunError: it may still be writing to its disks
        """
        if image_meta.properties.get('os_require_quiesce'):
            raise nova_exception.InstanceQuiesceNotSupported(
                instance_id=instance.uuid,
                reason='Its image has os_require_quiesce: the guest has to '
                       'freeze its file systems. This host can only pause '
                       'the server.')
        if not self._product.can_pause:
            raise nova_exception.InstanceQuiesceNotSupported(
                instance_id=instance.uuid,
                reason='%s cannot pause it. Stop the server first.'
                       % self._product.name)
        self._pause(instance.uuid)

    def unquiesce(self, uuid: str) -> None:
        """Let a server go on that quiesce has paused, and no user since.

        :raises VmrunError: it may still be paused
        """
        if self._states.is_paused_for_copy(uuid):
            self._power.unpause(uuid)

    @contextlib.contextmanager
    def paused(self, uuid: str) -> abc.Iterator[None]:
        """Keep a server paused during the block, unless it is not running.

        :raises VmrunError: it may still be writing to its disks
        """
        self._pause(uuid)
        try:
            yield
        finally:
            self._unpause_or_log(uuid)

    def finish_interrupted(self) -> None:
        """Let all servers go on that a crash has left paused for a copy."""
        for record in self._records.all():
            self._unpause_or_log(record.uuid)

    def _pause(self, uuid: str) -> None:
        state = self._states.get(uuid)
        if state is states.State.UNKNOWN:
            raise exception.StateUnknown(
                'Cannot pause server %s for a copy of its disks.' % uuid,
                'Its power state is unknown; the log of nova-compute says '
                'why.', 'Try again when "vmrun list" works.')
        if state is not states.State.RUNNING:
            return
        try:
            self._power.pause(uuid, for_copy=True)
        except exception.VmPaused:
            LOG.info('Server %s was paused in VMware, and stays so', uuid)
        except exception.VmrunError:
            with excutils.save_and_reraise_exception():
                # vmrun may have failed after the pause.
                self._unpause_or_log(uuid)

    def _unpause_or_log(self, uuid: str) -> None:
        try:
            self.unquiesce(uuid)
        except (exception.VmrunError, OSError) as error:
            LOG.error('Server %s stays paused after its disks were copied, '
                      'until nova-compute starts again or the server is '
                      'rebooted hard: %s', uuid, error)
