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

"""What ``aio up`` does about nodes that joined before.

A node learns where the services are when it joins, and not again. A directory
that is a node's cannot have a control plane of its own.
"""

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import report
from nova_vmrun.aio import settings as aio_settings

_AGAIN = 'run "nova-vmrun node join" on them again, with their token files'


def hints(layout: aio_layout.Layout, old: aio_settings.Settings,
          new: aio_settings.Settings) -> list[str]:
    """Return what to do on nodes after a change."""
    found = _hints(old, new) if old.bus and new.bus else []
    try:
        return found if found and _nodes(layout) else []
    except errors.AioError as error:
        return [*found, str(error)]


def _hints(old: aio_settings.Settings,
           new: aio_settings.Settings) -> list[str]:
    found = []
    port = old.ports['gateway']
    if port != new.ports['gateway']:
        found.append(
            'nodes look for the gateway at port %d and do not find it: use '
            '--gateway-port %d, or let them leave, and join with new tokens'
            % (port, port))
    changed = _changed(old, new)
    if changed:
        found.append('nodes do not know what has changed (%s): %s' % (
            ', '.join(changed), _AGAIN))
    if (old.tls and old.listen) == (new.tls and new.listen):
        return found
    if old.tls:
        found.append('nodes that used the services at %s do not find them: %s'
                     % (old.listen, _AGAIN))
    else:
        found.append('nodes use the tunnel as before; to have them use TLS, '
                     '%s' % _AGAIN)
    return found


def _nodes(layout: aio_layout.Layout) -> list[str]:
    from nova_vmrun.cluster.first import registry

    return [name for name, node in registry.load(layout).nodes.items()
            if node.has_joined]


def _changed(old: aio_settings.Settings,
             new: aio_settings.Settings) -> list[str]:
    """Return the services that nodes do not find, or do not know."""
    from nova_vmrun.cluster.first import authorized_keys

    before, after = map(authorized_keys.service_ports, (old, new))
    changed = {name for name in {*before, *after}
               if before.get(name) != after.get(name)}
    if old.bus != new.bus:
        changed.add(aio_settings.OWN_BUS)
    return sorted(changed)


def require_no_node(layout: aio_layout.Layout) -> None:
    """Raise an error if a directory is that of a node of another cloud.

    :raises AioError:
    """
    from nova_vmrun.cluster.node import membership

    member = membership.load(layout)
    if member is not None:
        raise errors.AioError(
            '%s belongs to node %s of another cloud.' % (
                layout.root, member.name),
            'A control plane would change its files, and those of its '
            'servers.',
            'Name another directory with --state-dir, or run "nova-vmrun node '
            'leave" first.')


def write_keys(layout: aio_layout.Layout, settings: aio_settings.Settings,
               progress: report.Report) -> None:
    """Let the gateway forward what the services are now, to each node.

    The file also names programs of this installation, which may have moved.

    :param progress: where to report that the registry of nodes is damaged;
        without nodes, the cloud is still of use
    """
    if settings.bus:
        from nova_vmrun.cluster.first import registry

        try:
            with registry.change(layout, settings):
                pass
        except errors.AioError as error:
            progress.line(str(error))
