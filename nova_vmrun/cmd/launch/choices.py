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

"""The flavor and the network of a server, chosen from what there is."""

from collections.abc import Iterable
import dataclasses
from typing import Any, TYPE_CHECKING

from nova_vmrun.cmd.launch import errors

if TYPE_CHECKING:
    from openstack import connection


@dataclasses.dataclass(frozen=True)
class Flavor:
    """A flavor as Nova has it.

    :ivar ram: MiB
    :ivar disk: GB of the root disk
    """

    id: str
    name: str
    ram: int
    disk: int
    vcpus: int


@dataclasses.dataclass(frozen=True)
class Network:
    """A network as Neutron has it."""

    id: str
    name: str


def flavor(cloud: 'connection.Connection', name: str | None, ram: int,
           disk: int) -> tuple[Flavor, bool]:
    """Return the flavor for a server, and whether it was made for it.

    :param name: of the flavor; None: the smallest one that is large enough,
        or else a new one
    :param ram: MiB that the guest needs
    :param disk: GB that the root disk needs
    :raises LaunchFailed: there is none, and this user must not make one
    """
    with errors.translated('list the flavors'):
        found = [_flavor(each) for each in cloud.compute.flavors()]
    if name is not None:
        for each in found:
            if name in (each.name, each.id):
                return each, False
        raise errors.LaunchFailed(
            'There is no flavor %s.' % name, _list('flavors', found),
            'Choose one of them with --flavor, or omit it.')
    fitting = [each for each in found
               if each.ram >= ram and each.disk >= disk]
    if fitting:
        return min(fitting, key=lambda each: (
            each.ram, each.disk, each.vcpus, each.name)), False
    new = 'launch-%d-%d' % (ram, disk)
    with errors.translated(
            'make a flavor with %d MiB of memory and %d GB of disk'
            % (ram, disk),
            'No flavor is large enough. %s Ask the administrator for a '
            'larger one.' % _list('flavors', found)):
        return _flavor(cloud.compute.create_flavor(
            name=new, ram=ram, disk=disk, vcpus=1)), True


def network(cloud: 'connection.Connection', name: str | None) -> Network:
    """Return the network for a server.

    An administrator is shown the networks of all projects, but a name is that
    of a network which this project can use.

    :param name: of the network, or its id; None: the only one there is
    :raises LaunchFailed: there is none, or several
    """
    with errors.translated('list the networks'):
        found = [Network(str(each.id), str(each.name))
                 for each in cloud.network.networks()
                 if each.id == name or _is_usable(cloud, each) and
                 (name is not None or not each.is_router_external)]
    named = [each for each in found if name in (None, each.name, each.id)]
    if len(named) == 1:
        return named[0]
    if name is None:
        brief = ('There are several networks.' if named else
                 'There is no network.')
    else:
        brief = 'There %s named %s.' % (
            'are several networks' if named else 'is no network', name)
    raise errors.LaunchFailed(
        brief, _list('networks', found),
        'Choose one with --network.' if found and not named else
        'Choose one with --network and its id: %s.' % ', '.join(
            '%s (%s)' % (each.id, each.name) for each in named) if named else
        'Make one with "openstack network create" and "openstack subnet '
        'create".')


def _is_usable(cloud: 'connection.Connection', network: Any) -> bool:
    return bool(network.is_shared or
                network.project_id == cloud.current_project_id)


def _flavor(found: Any) -> Flavor:
    return Flavor(str(found.id), str(found.name), int(found.ram),
                  int(found.disk), int(found.vcpus))


def _list(what: str, found: Iterable[Flavor | Network]) -> str:
    names = sorted(each.name for each in found)
    if not names:
        return 'There are no %s.' % what
    return 'The %s are %s.' % (what, ', '.join(names))
