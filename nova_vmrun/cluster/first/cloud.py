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

"""What the first machine asks Nova and Placement about nodes."""

import contextlib
import datetime
from typing import Any, TYPE_CHECKING

from nova_vmrun.aio import client
from nova_vmrun.aio import errors
from nova_vmrun.aio import hosts
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster import messages

if TYPE_CHECKING:
    from openstack import connection

_COMPUTE = 'nova-compute'
# An evacuation is "done" when the other host has the server, and "completed"
# when nova-compute of the first one has been started and has removed it.
_EVACUATION, _NOT_COMPLETED = 'evacuation', 'done'
# The host that such an evacuation went to sets "cancelled" when it does not
# run the VM. See ops/nova/evacuations.py.
_NOT_ACKNOWLEDGED = ('failed', 'error', 'completed')


def connect(layout: aio_layout.Layout,
            settings: aio_settings.Settings) -> 'Cloud':
    """Log in to the cloud as its administrator.

    The first request does it.
    """
    return Cloud(layout, client.connect(
        settings, aio_settings.passwords(layout)))


class Cloud:
    """The cloud, as its administrator sees it.

    :param connection: to its APIs
    """

    def __init__(self, layout: aio_layout.Layout,
                 connection: 'connection.Connection') -> None:
        self._layout = layout
        self._connection = connection

    def explained(self) -> contextlib.AbstractContextManager[None]:
        """Say what it means if an API does not answer."""
        return client.explained(self._layout)

    @property
    def compute(self) -> Any:
        """Nova's API."""
        return self._connection.compute

    def services(self) -> dict[str, Any]:
        """Return all nova-compute services, by host.

        :raises AioError: Nova does not answer
        """
        with self.explained():
            return {service.host: service for service
                    in self.compute.services(binary=_COMPUTE)}

    def service(self, host: str) -> Any:
        """Return the nova-compute service of a node.

        :raises AioError: there is none
        """
        service = self.services().get(host)
        if service is None:
            raise errors.AioError(
                'Nova has never seen the node %s.' % host,
                'Its nova-compute has not reported yet.',
                'Run "nova-vmrun node join" on it.')
        return service

    def state(self, host: str) -> messages.State:
        """Return what Nova and Placement know about a node.

        :raises AioError: one of them does not answer
        """
        service = self.services().get(host)
        with self.explained():
            listed = service is not None and any(
                each.service_details['host'] == host
                for each in self.compute.hypervisors(details=True))
            return messages.State(
                up=service is not None and service.state == 'up',
                listed=listed, inventory=self._has_inventory(host),
                fenced=service is not None and bool(service.is_forced_down),
                reported=-1 if service is None else age(service.updated_at))

    def _has_inventory(self, host: str) -> bool:
        placement = self._connection.placement
        return any(
            inventory.resource_class == 'VCPU'
            for provider in placement.resource_providers()
            if provider.name == host
            for inventory in placement.resource_provider_inventories(provider))

    def servers(self, host: str) -> list[Any]:
        """Return the servers on a node, in all projects.

        That includes those that are deleted and can still be restored
        ([DEFAULT] reclaim_instance_interval).

        :raises AioError: Nova does not answer
        """
        with self.explained():
            return [*self.compute.servers(
                all_projects=True, compute_host=host, is_soft_deleted=True)]

    def server(self, uuid: str) -> Any:
        """Return a server, or None if there is none.

        :raises AioError: Nova does not answer
        """
        import openstack.exceptions
        with self.explained():
            try:
                return self.compute.get_server(uuid)
            except openstack.exceptions.NotFoundException:
                return None

    def moves(self, host: str) -> list[Any]:
        """Return the moves of servers from and to a node, while they last.

        That is until they are confirmed or reverted.

        :raises AioError: Nova does not answer
        """
        with self.explained():
            return [move for move in self.compute.migrations(host=host)
                    if move.status not in hosts.ENDED]

    def evacuations(self, host: str) -> list[Any]:
        """Return the evacuations that a node has to answer for.

        It may still run the VMs: of servers that were evacuated from it until
        it has removed them, and of servers whose evacuations to it have
        failed until it has said that it does not (their state is "cancelled"
        then). Nova does not list servers that were deleted meanwhile.

        :raises AioError: Nova does not answer
        """
        with self.explained():
            return [move for move in self.compute.migrations(host=host)
                    if move.migration_type == _EVACUATION and (
                        move.status == _NOT_COMPLETED
                        if move.source_compute == host
                        else move.status in _NOT_ACKNOWLEDGED)]

    def set_fenced(self, host: str, fenced: bool) -> None:
        """Tell Nova whether a node is known to be off.

        :raises AioError: Nova refuses; it does not use a node again before
            the node has removed what was evacuated from it
        """
        service = self.service(host)
        with self.explained():
            self.compute.update_service_forced_down(service, forced=fenced)

    def set_disabled(self, host: str, reason: str) -> None:
        """Let no new servers be started on a node, or, with '', let them.

        :raises AioError: Nova refuses
        """
        service = self.service(host)
        with self.explained():
            if reason:
                self.compute.disable_service(
                    service, host, _COMPUTE, disabled_reason=reason)
            else:
                self.compute.enable_service(service, host, _COMPUTE)

    def forget(self, host: str) -> None:
        """Remove a node from Nova and Placement.

        :raises AioError: Nova refuses, because the node has servers
        """
        service = self.services().get(host)
        if service is not None:
            with self.explained():
                self.compute.delete_service(service)


def age(text: str | None) -> int:
    """Return the seconds since a time in UTC, or -1 if there is none."""
    if not text:
        return -1
    then = datetime.datetime.fromisoformat(text).replace(
        tzinfo=datetime.timezone.utc)
    now = datetime.datetime.now(datetime.timezone.utc)
    return max(0, int((now - then).total_seconds()))
