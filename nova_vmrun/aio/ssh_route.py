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
from nova_vmrun.aio import host_keys
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
# Names of servers that are the same in a shell, and after USER@.
_PLAIN = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.-]*')
# Nova's states in which a guest runs.
_RUNNING = {'ACTIVE', 'PASSWORD', host_keys.RESCUE, 'VERIFY_RESIZE'}
# Types of networks that the host is on.
_OF_HOST = {'flat', 'vlan'}
_MAC = 'OS-EXT-IPS-MAC:mac_addr'


@dataclasses.dataclass(frozen=True)
class Hop:
    """A server to log in to.

    :param host_key: the name of the key of the system that it runs
    :param name: its name, which may contain any characters
    :param is_guess: it runs a rescue system, but the user is that of its own
        image; Nova does not show which image it was rescued with
    :param project: name and id of its project, if it is not the user's
        current one, otherwise an empty text; may contain any characters
    """

    host_key: str
    name: str
    address: str
    user: str
    is_guess: bool = False
    project: str = ''


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

    @property
    def version(self) -> int:
        """The version of IP"""
        return ipaddress.ip_address(self.text).version

    @property
    def link(self) -> tuple[str, int]:
        """What a server has in common with others that reach this address"""
        return self.network_id, self.version


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
        :param user: whom to log in to it as; None for the image's user
        :param jump: name or id of the jump host, or USER@ and one of these, if
            the host does not reach the server; None for the first suitable one
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
            return Route(self._hop(server, direct[0], user, '-l'))
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
        """Return the addresses of a server: IPv4 first, then in Nova's order.

        This host may be on a network but have no IPv6 there, and the fake's
        NAT has none.

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
        found = [self._address(str(ipaddress.ip_address(each[1])),
                               networks[each])
                 for each in shown if each in networks]
        return sorted(found, key=lambda each: each.version)

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

    def _hop(self, server: Any, address: _Address, user: str | None,
             option: str) -> Hop:
        return Hop(host_keys.name_of(self._cloud, server), server.name,
                   address.text, self._user(server, user, option),
                   user is None and server.status == host_keys.RESCUE,
                   self._foreign_project(server))

    def _foreign_project(self, server: Any) -> str:
        """Return whose a server is, unless it is the current project's.

        An administrator finds servers of others by their names, and anybody
        can give a server any name.
        """
        from openstack import exceptions
        project_id = server.project_id
        if project_id == self._cloud.current_project_id:
            return ''
        # The SDK's types cover both versions of the API.
        identity: Any = self._cloud.identity
        try:
            name = identity.get_project(project_id).name
        except (exceptions.NotFoundException, exceptions.ForbiddenException):
            # Administrators of Nova need not be those of Keystone.
            return str(project_id)
        return '%s (%s)' % (name, project_id)

    def _user(self, server: Any, user: str | None, option: str) -> str:
        """Return whom to log in as.

        :param option: the option that names a user
        """
        if user is None:
            user = self._user_of_image(server)
        hint = 'Name a user with %s.' % option
        if not user:
            raise errors.AioError(
                'It is unknown whom to log in to server %s as.'
                % _shown(server),
                'It has no image with os_admin_user or with an os_distro '
                'that is known.', hint)
        if not _USER.fullmatch(user):
            raise errors.AioError(
                'Nobody can log in to server %s as %s.' % (
                    _shown(server), report.printable(repr(user))),
                'A user name has letters, digits and _.@+- and does not '
                'begin with one of the last four.', hint)
        return user

    def _sure_user(self, server: Any) -> str | None:
        """Return whom to log in as; None if that is not sure."""
        user = self._user_of_image(server)
        is_sure = (user and _USER.fullmatch(user)
                   and server.status != host_keys.RESCUE)
        return user if is_sure else None

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
        unknown = []
        for other, their_user in self._candidates(server, jump):
            theirs = self._addresses(other)
            own = [each for each in theirs if each.is_reachable]
            links = {each.link for each in theirs}
            near = next((each for each in addresses if each.link in links),
                        None)
            if not own or near is None:
                continue
            if jump is None:
                their_user = self._sure_user(other)
                if their_user is None:
                    unknown.append(other)
                    continue
            return Route(
                self._hop(server, near, user, '-l'),
                self._hop(other, own[0], their_user, _option(other)))
        if unknown:
            raise errors.AioError(
                'The way to server %s leads through another server, and it is '
                'unknown whom to log in to it as.' % _shown(server),
                'Server %s is such a server.' % _shown(unknown[0]),
                'Name a user with %s.' % _option(unknown[0]))
        unsure = next((each for each in addresses if each.is_shared), None)
        if unsure is not None:
            raise errors.AioError(
                'Server %s is only on networks of its project, or on networks '
                'that this host does not seem to be on.' % _shown(server),
                'This host has no interface in the range of %s.'
                % unsure.text,
                'If it reaches that address nevertheless: ssh %s@%s' % (
                    report.printable(user) if user else
                    self._sure_user(server) or 'USER', unsure.text))
        raise errors.AioError(
            'Server %s is only on networks of its project, where this host '
            'is not.' % _shown(server),
            'Server %s is not on one of them and on a shared network.'
            % report.printable(jump) if jump else
            'No running server of the project is on one of them and on a '
            'shared network too.',
            'Create such a server, or stop this one and add a shared network '
            'to it: openstack server add network.')

    def _candidates(self, server: Any, jump: str | None
                    ) -> Iterator[tuple[Any, str | None]]:
        """Yield the project's running servers, or only the named one.

        Each is followed by the user that was named with it.
        """
        if jump is not None:
            named, user = self._named(server, jump)
            _require_running(named)
            yield named, user
            return
        query: dict[str, Any] = {}
        if server.project_id != self._cloud.current_project_id:
            query = {'all_projects': True, 'project_id': server.project_id}
        for other in self._cloud.compute.servers(sort_key='created_at',
                                                 sort_dir='asc', **query):
            if (other.project_id == server.project_id
                    and other.id != server.id
                    and other.status in _RUNNING):
                yield other, None

    def _named(self, server: Any, jump: str) -> tuple[Any, str | None]:
        """Return the jump host that a user has named, and its user.

        The name of a server may contain an @, so it may be the whole text.
        Otherwise the last @ ends the user, as for ssh.
        """
        user, at, name = jump.rpartition('@')
        try:
            return self._known_to(server, jump), None
        except errors.AioError:
            if not (at and name):
                raise
        return self._known_to(server, name), user

    def _known_to(self, server: Any, name: str) -> Any:
        """Return a server of that name, unless it is a stranger's."""
        named = self._server(name)
        if named.id != name and named.project_id not in (
                server.project_id, self._cloud.current_project_id):
            # Anybody can give a server this name.
            raise errors.AioError(
                'Server %s is of another project than server %s.' % (
                    _shown(named), _shown(server)), '',
                'Give its id: %s' % named.id)
        return named


def _option(server: Any) -> str:
    """Return the option that names the user of a jump host."""
    is_plain = _PLAIN.fullmatch(server.name)
    return '--jump USER@%s' % (server.name if is_plain else server.id)


def _require_running(server: Any) -> None:
    if server.status not in _RUNNING:
        raise errors.AioError(
            'Server %s does not run.' % _shown(server),
            'Its status is %s.' % server.status,
            'Start it, such as with: openstack server start.')


def _shown(server: Any) -> str:
    return str(report.printable(server.name))
