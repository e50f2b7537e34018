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


"""How to log in to a server: its address, its user, and the jump host."""

from collections.abc import Iterator
import contextlib
import dataclasses
import ipaddress
import re
from typing import Any, TYPE_CHECKING

from nova_vmrun.aio import errors
from nova_vmrun.formats import report
from nova_vmrun.host import interfaces

if TYPE_CHECKING:
    from openstack import connection

# The user that cloud-init creates for each os_distro.
USERS = {
    'almalinux': 'almalinux', 'alpine': 'alpine', 'arch': 'arch',
    'centos': 'cloud-user', 'debian': 'debian', 'fedora': 'fedora',
    'freebsd': 'freebsd', 'opensuse': 'opensuse', 'rhel': 'cloud-user',
    'rocky': 'rocky', 'sles': 'sles', 'ubuntu': 'ubuntu',
}
# ssh and the programs it runs might misinterpret any other name.
_USER = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.@+-]*')
# Nova's states in which a guest runs.
_RUNNING = {'ACTIVE', 'PASSWORD', 'RESCUE', 'VERIFY_RESIZE'}
# Types of networks that the host is on.
_OF_HOST = {'flat', 'vlan'}
_MAC = 'OS-EXT-IPS-MAC:mac_addr'


@dataclasses.dataclass(frozen=True)
class Hop:
    """A server to log in to.

    :param server_id: its id in Nova
    :param name: its name, which may contain any characters
    """

    server_id: str
    name: str
    address: str
    user: str


@dataclasses.dataclass(frozen=True)
class Route:
    """How to log in to a server.

    :param jump: the jump host, or None if the host reaches the target
    """

    target: Hop
    jump: Hop | None = None


@dataclasses.dataclass(frozen=True)
class _Address:
    """A fixed address of a server."""

    text: str
    network_id: str
    is_reachable: bool
    is_shared: bool


class Finder:
    """Finder of routes to the servers of a project.

    :param cloud: a connection as a user who can see the servers
    :param administrator: a connection to the same cloud as a user who sees
        the types of networks; None if there is none
    """

    def __init__(self, cloud: 'connection.Connection',
                 administrator: 'connection.Connection | None' = None) -> None:
        self._cloud = cloud
        self._administrator = administrator or cloud
        self._networks: dict[str, Any] = {}

    def find(self, name: str, user: str | None = None,
             jump: str | None = None) -> Route:
        """Return the route to a server.

        :param name: name or id of the server
        :param user: whom to log in as; None for the image's user
        :param jump: name or id of the jump host if the host does not reach
            the server; None for the first suitable one
        :raises AioError: the server or a route to it is not found
        """
        server = self._server(name)
        _require_running(server)
        addresses = self._addresses(server)
        if not addresses:
            raise errors.AioError(
                'Server %s has no address.' % _shown(server), '',
                'Stop it, and give it a port: openstack server add network.')
        direct = [each for each in addresses if each.is_reachable]
        if direct:
            return Route(self._hop(server, direct[0], user))
        return self._through(server, addresses, user, jump)

    def _server(self, name: str) -> Any:
        from openstack import exceptions
        try:
            found = self._cloud.compute.find_server(name)
            if found is None:
                # An administrator may mean a server of another project.
                with contextlib.suppress(exceptions.ForbiddenException):
                    found = self._cloud.compute.find_server(
                        name, all_projects=True)
        except exceptions.DuplicateResource as error:
            raise errors.AioError(
                'Several servers have the name %s.' % report.printable(name),
                '', 'Give the id of one of them.') from error
        if found is None:
            raise errors.AioError(
                'There is no server %s in this project.'
                % report.printable(name), '',
                'Look at: openstack server list.')
        # find_server() may return a list's entry, which lacks some fields.
        return self._cloud.compute.get_server(found.id)

    def _addresses(self, server: Any) -> list[_Address]:
        """Return the addresses of a server, in Nova's order.

        Any user can name a server of another project as the device of a port,
        and the ranges of projects may overlap.
        """
        networks = {
            (port.mac_address, fixed['ip_address']): port.network_id
            for port in self._cloud.network.ports(
                device_id=server.id, project_id=server.project_id)
            for fixed in port.fixed_ips}
        shown = [(entry[_MAC], entry['addr'])
                 for entries in server.addresses.values()
                 for entry in entries]
        return [self._address(str(ipaddress.ip_address(each[1])),
                              networks[each])
                for each in shown if each in networks]

    def _address(self, text: str, network_id: str) -> _Address:
        """Return an address, and whether the host is on its network.

        Only an administrator sees a network's type. Others see that a network
        is shared, but not with whom: a project can share its own network,
        which is a LAN segment, with another.
        """
        if network_id not in self._networks:
            self._networks[network_id] = (
                self._administrator.network.get_network(network_id))
        network = self._networks[network_id]
        kind, is_shared = network.provider_network_type, network.is_shared
        return _Address(
            text, network_id,
            kind in _OF_HOST if kind else bool(is_shared) and any(
                ipaddress.ip_address(text) in each
                for each in interfaces.ranges()),
            bool(is_shared) and not kind)

    def _hop(self, server: Any, address: _Address,
             user: str | None) -> Hop:
        return Hop(server.id, server.name, address.text,
                   self._user(server, user))

    def _user(self, server: Any, user: str | None) -> str:
        if user is None:
            user = self._user_of_image(server)
        if not user:
            raise errors.AioError(
                'It is unknown whom to log in to server %s as.'
                % _shown(server),
                'It has no image with os_admin_user or with an os_distro '
                'that is known.', 'Name a user with -l.')
        if not _USER.fullmatch(user):
            raise errors.AioError(
                'Nobody can log in to server %s as %s.' % (
                    _shown(server), report.printable(repr(user))),
                'A user name has letters, digits and _.@+- and does not '
                'begin with one of the last four.', 'Name a user with -l.')
        return user

    def _user_of_image(self, server: Any) -> str | None:
        from openstack import exceptions
        image_id = (server.image or {}).get('id')
        if not image_id:
            return None
        try:
            # The SDK's types cover both versions of the API.
            images: Any = self._cloud.image
            image = images.get_image(image_id)
        except (exceptions.NotFoundException, exceptions.ForbiddenException):
            return None
        return image.os_admin_user or USERS.get(image.os_distro)

    # -- through another server ------------------------------------------

    def _through(self, server: Any, addresses: list[_Address],
                 user: str | None, jump: str | None) -> Route:
        for other in self._candidates(server, jump):
            theirs = self._addresses(other)
            own = [each for each in theirs if each.is_reachable]
            shared = {each.network_id for each in theirs} & {
                each.network_id for each in addresses}
            if own and shared:
                address = next(each for each in addresses
                               if each.network_id in shared)
                return Route(self._hop(server, address, user),
                             self._hop(other, own[0], None if jump is None
                                       else user))
        unsure = next((each for each in addresses if each.is_shared), None)
        if unsure is not None:
            raise errors.AioError(
                'Server %s is only on networks of its project, or on networks '
                'that this host does not seem to be on.' % _shown(server),
                'This host has no interface in the range of %s.'
                % unsure.text,
                'If it reaches that address nevertheless: ssh %s@%s' % (
                    self._user(server, user), unsure.text))
        raise errors.AioError(
            'Server %s is only on networks of its project, where this host '
            'is not.' % _shown(server),
            'Server %s is not on one of them and on a shared network.'
            % report.printable(jump) if jump else
            'No running server of the project is on one of them and on a '
            'shared network too.',
            'Create such a server, or stop this one and add a shared network '
            'to it: openstack server add network.')

    def _candidates(self, server: Any, jump: str | None) -> Iterator[Any]:
        """Yield the project's running servers, or only the named one."""
        if jump is not None:
            named = self._server(jump)
            if named.id != jump and named.project_id not in (
                    server.project_id, self._cloud.current_project_id):
                # Anybody can give a server this name.
                raise errors.AioError(
                    'Server %s is of another project than server %s.' % (
                        _shown(named), _shown(server)), '',
                    'Give its id: %s' % named.id)
            _require_running(named)
            yield named
            return
        query: dict[str, Any] = {}
        if server.project_id != self._cloud.current_project_id:
            query = {'all_projects': True, 'project_id': server.project_id}
        for other in self._cloud.compute.servers(sort_key='created_at',
                                                 sort_dir='asc', **query):
            if (other.project_id == server.project_id
                    and other.id != server.id
                    and other.status in _RUNNING):
                yield other


def _require_running(server: Any) -> None:
    if server.status not in _RUNNING:
        raise errors.AioError(
            'Server %s does not run.' % _shown(server),
            'Its status is %s.' % server.status,
            'Start it, such as with: openstack server start.')


def _shown(server: Any) -> str:
    return str(report.printable(server.name))
