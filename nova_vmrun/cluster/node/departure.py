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

"""Leave a cloud, from the side of the node."""

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import lock
from nova_vmrun.cluster import messages
from nova_vmrun.cluster.node import children
from nova_vmrun.cluster.node import files as node_files
from nova_vmrun.cluster.node import gateway
from nova_vmrun.cluster.node import left_behind
from nova_vmrun.cluster.node import membership as node_membership
from nova_vmrun.cluster.node import units
from nova_vmrun.cluster.node import wire

# Seconds that a node in the foreground has to end.
_PATIENCE = 90


def leave(layout: aio_layout.Layout, member: node_membership.Membership,
          insists: bool = False) -> list[left_behind.Vm]:
    """Ask the first machine to forget this node, then stop what runs here.

    If that lets the node go, Nova has no servers here, so VMs that run are of
    servers that were evacuated or deleted. If it refuses the key, it may have
    forgotten the node, as after "node leave" there or half of one here, and
    the rest is done. But a key may also have been lost, so VMs that may be of
    servers are stopped only if an operator insists. So it is with a first
    machine that cannot be reached, which holds the node otherwise.

    :param insists: the node was removed on purpose, or the first machine is
        permanently gone
    :returns: the VMs that ran; those of this node were stopped, and their
        files stay
    :raises AioError: the node has servers, or may have some, the first machine
        does not answer, a VM does not stop, or the node has left but runs on,
        or it is unknown whether VMs do
    """
    files = node_files.Files(layout)
    has_none = insists
    try:
        address = gateway.reachable(member.addresses, member.port)
        wire.write_tunnel(files, member, address)
        gateway.Gateway(files.ssh_config, address).ask(messages.Verb.LEAVE)
        has_none = True
    except gateway.KeyRefused:
        if not insists:
            _require_no_servers(layout, member)
    except gateway.Unreachable as error:
        if not insists:
            raise gateway.Unreachable(
                error.brief, error.details, '%s If the first machine is '
                'permanently gone, run "nova-vmrun node leave --insist" here, '
                'which stops all VMs of this node, and names them.'
                % error.resolution) from error
    units.find(layout, member.name).remove()
    children.end_leftovers(files)
    unknown, found = None, []
    try:
        found = left_behind.stop(layout, member, every=has_none)
    except errors.AioError as error:
        # VMware may have been removed. The node leaves all the same.
        unknown = error
    # One may have been started until nova-compute ended.
    left_behind.require_no_servers(member.name, found)
    left_behind.require_stopped(member.name, found)
    # The first machine does not let them in again.
    for key in files.keys:
        key.unlink(missing_ok=True)
    # Last: without it, this cannot be repeated.
    files.membership.unlink(missing_ok=True)
    # If the node runs in the foreground, it ends now.
    with lock.hold(layout, patience=_PATIENCE):
        pass
    if unknown is not None:
        raise errors.AioError(
            'Node %s has left the cloud, but VMs of its servers may still '
            'run here.' % member.name, unknown.details,
            unknown.resolution) from unknown
    return found


def _require_no_servers(layout: aio_layout.Layout,
                        member: node_membership.Membership) -> None:
    """Raise an error if VMs run whose servers Nova may have here.

    :raises AioError: or if this is unknown
    """
    try:
        found = left_behind.look(layout, member)
    except errors.AioError as error:
        raise left_behind.unsure(member.name, error) from error
    left_behind.require_no_servers(member.name, found)
