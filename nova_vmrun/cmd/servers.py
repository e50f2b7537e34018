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

"""The servers that Nova's API knows, read as an administrator."""

from openstack import connection
from openstack import exceptions

from nova_vmrun import exception
from nova_vmrun.host import orphans
from nova_vmrun.imaging import cloud


class Servers:
    """All servers of a cloud.

    :param name: of the cloud, as nova_vmrun.imaging.cloud.log_in takes it
    :raises InvalidConfiguration: no credentials, or they are refused
    """

    def __init__(self, name=None):
        self._compute = connection.Connection(
            config=cloud.log_in(name)).compute

    def host(self, compute_id):
        """Returns the name of a compute node's service.

        In another cloud than the one that this host is of, each server here
        would look like an orphan.

        :param compute_id: of the compute node
        :raises InvalidConfiguration: the cloud has no such compute node, or
            does not tell these credentials
        """
        try:
            for hypervisor in self._compute.hypervisors(details=True):
                if hypervisor.id == compute_id:
                    return hypervisor.service_details['host']
        except exceptions.SDKException as error:
            raise exception.InvalidConfiguration(
                'Nova does not tell which compute hosts there are.',
                str(error), 'Use the credentials of an administrator.')
        raise exception.InvalidConfiguration(
            'This host is no compute host of the cloud.',
            'It knows no hypervisor with the id %s.' % compute_id,
            'Use the credentials of the cloud that nova-compute is part of.')

    def all(self, host, asked_for):
        """Returns what Nova has.

        :param host: name of this compute node's service
        :param asked_for: ids that Nova is asked for one by one if its list
            leaves them out: those of soft-deleted servers, for example
        :returns: dict of ids to nova_vmrun.host.orphans.Server
        :raises InvalidConfiguration: Nova does not tell these credentials
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
                'Nova does not list the servers of all projects.',
                str(error), 'Use the credentials of an administrator.')

    def get(self, uuid, host):
        """Returns a server as Nova has it now, None if it has none.

        :raises SDKException: Nova does not tell
        """
        try:
            return _server(self._compute.get_server(uuid), host)
        except exceptions.NotFoundException:
            return None


def _server(server, host):
    """Makes what the finder takes; what is not told counts for keeping."""
    return orphans.Server(
        is_here=server.compute_host in (host, None),
        is_busy=(server.task_state is not None or
                 server.vm_state in (None, 'building', 'resized')),
        image_id=(server.image or {}).get('id'))
