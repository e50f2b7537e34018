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

"""Reads the list of servers from Nova's API, as an administrator."""

from collections.abc import Set
from typing import Any

from openstack import connection
from openstack import exceptions

from nova_vmrun.cmd.image import cloud
from nova_vmrun import exception
from nova_vmrun.server import orphans


class Servers:
    """All servers of a cloud.

    :param name: name of the cloud, as for nova_vmrun.cmd.image.cloud.log_in
    :raises InvalidConfiguration: there are no credentials, or they are
        refused
    """

    def __init__(self, name: str | None = None) -> None:
        self._compute = connection.Connection(
            config=cloud.log_in(name)).compute

    def host(self, compute_id: str) -> str:
        """Return the host name of a compute node's service.

        This also checks that the host belongs to this cloud; otherwise every
        server on it would look like an orphan.

        :param compute_id: id of the compute node
        :raises InvalidConfiguration: the cloud has no such compute node, or
            the credentials do not allow listing them
        """
        try:
            for hypervisor in self._compute.hypervisors(details=True):
                if hypervisor.id == compute_id:
                    return str(hypervisor.service_details['host'])
        except exceptions.SDKException as error:
            raise exception.InvalidConfiguration(
                'Cannot list the compute hosts of the cloud.',
                str(error), 'Use administrator credentials.')
        raise exception.InvalidConfiguration(
            'This host is not a compute host of the cloud.',
            'The cloud has no hypervisor with the id %s.' % compute_id,
            "Use credentials for nova-compute's own cloud.")

    def all(self, host: str, asked_for: Set[str]) -> dict[str, orphans.Server]:
        """Return all servers.

        :param host: host name of this compute node's service
        :param asked_for: ids to look up one by one if the list leaves them
            out, for example because the server is soft-deleted
        :returns: dict of ids to nova_vmrun.server.orphans.Server
        :raises InvalidConfiguration: the credentials do not allow it
        """
        try:
            found = {server.id: _server(server, host) for server in
                     self._compute.servers(all_projects=True)}
            for uuid in asked_for - set(found):
                server = self.get(uuid, host)
                if server is not None:
                    found[uuid] = server
            return found
        except exceptions.SDKException as error:
            raise exception.InvalidConfiguration(
                'Cannot list the servers of all projects.',
                str(error), 'Use administrator credentials.')

    def get(self, uuid: str, host: str) -> orphans.Server | None:
        """Return the current state of a server, or None if it does not exist.

        :raises SDKException: the request failed
        """
        try:
            return _server(self._compute.get_server(uuid), host)
        except exceptions.NotFoundException:
            return None

    def stopped(self, name: str, host: str) -> str:
        """Return the id of a server that is stopped on a host.

        :param name: of the server, or its id
        :param host: host name of this compute node's service
        :raises InvalidInput: there is no such server, or it is not stopped,
            locked, or on another host
        :raises InvalidConfiguration: the credentials do not allow it
        """
        try:
            found = self._compute.find_server(name, ignore_missing=False,
                                              all_projects=True)
            # What was found by its name may lack some attributes.
            server = self._compute.get_server(found.id)
        except exceptions.NotFoundException as error:
            raise exception.InvalidInput(
                'There is no server %s.' % name,
                'Nova knows none of this name or id.',
                'Look at: openstack server list --all-projects') from error
        except exceptions.DuplicateResource as error:
            raise exception.InvalidInput(
                'Several servers are named %s.' % name,
                resolution='Pass the id of the server.') from error
        except exceptions.SDKException as error:
            raise exception.InvalidConfiguration(
                'Cannot look up the server %s.' % name, str(error),
                'Use administrator credentials.') from error
        details, resolution = _why_not_stopped(server, host)
        if details:
            raise exception.InvalidInput(
                'The disks of server %s cannot be moved.' % name, details,
                resolution)
        return str(server.id)


def _why_not_stopped(server: Any, host: str) -> tuple[str, str]:
    """Return why the disks of a server must stay, and what to do about it."""
    if server.compute_host != host:
        return ('It is on the host %s, and this is %s.'
                % (server.compute_host, host),
                'Run the command on that host.')
    if server.is_locked:
        return 'It is locked.', 'Unlock it: openstack server unlock.'
    if server.task_state is not None:
        return ('Nova is working on it: %s.' % server.task_state,
                'Try again when that has ended.')
    if server.vm_state != 'stopped':
        return ('Its status is %s.' % server.status,
                'Stop it first: openstack server stop.')
    return '', ''


def _server(server: Any, host: str) -> orphans.Server:
    """Convert a server for the finder; unknown fields count for keeping it."""
    return orphans.Server(
        is_here=server.compute_host in (host, None),
        is_busy=(server.task_state is not None or
                 server.vm_state in (None, 'building', 'resized')),
        image_id=(server.image or {}).get('id'))
