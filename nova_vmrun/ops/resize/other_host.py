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

"""The compute node that a server moves to, reached over ssh.

nova-vmrun-receive runs there, which knows its own instances_path. A server's
files are one stream. They arrive under a temporary name, and the folder is
renamed when it is complete.
"""

from collections import abc
import functools
import os
import secrets
from typing import BinaryIO

from nova.network import model as network_model

from nova_vmrun import exception
from nova_vmrun.host import file_stream
from nova_vmrun.host import space
from nova_vmrun.ops.resize import moves
from nova_vmrun.ops.resize import networks_there
from nova_vmrun.server import arrivals
from nova_vmrun.server import layout as host_layout
from nova_vmrun.server import move_protocol
from nova_vmrun.tools import ssh as ssh_tool

_Outcome = move_protocol.Outcome
_Verb = move_protocol.Verb


class OtherHost:
    """Handles files of servers on other compute nodes.

    :param address: of this host, as Nova passes it to other hosts
    """

    def __init__(self, ssh: ssh_tool.Ssh, layout: host_layout.Layout,
                 address: str) -> None:
        self._ssh = ssh
        self._layout = layout
        self._address = address

    def examine(self, destination: moves.Destination, uuid: str,
                needed: int,
                network_info: abc.Iterable[network_model.VIF] = ()) -> None:
        """Raise an error if a server cannot move to a host.

        Leftovers of an earlier attempt are removed there.

        :param needed: bytes that the server's files may need there
        :param network_info: the ports of the server
        :raises VmrunError: it cannot
        """
        host = destination.host
        if destination.address == self._address:
            raise exception.InvalidConfiguration(
                'Host %s has the same address as this host.' % host,
                '[vmrun] migration_address or [DEFAULT] my_ip is %s on both.'
                % self._address,
                'Set it on each host to an address where the others can '
                'reach it, and restart nova-compute.')
        end = secrets.token_hex(16)
        probe = arrivals.probe(self._layout, end)
        with open(probe, 'w'):
            pass
        try:
            answer = self._ask(destination.address, move_protocol.Request(
                _Verb.EXAMINE, uuid, destination.node_id, end))
        finally:
            os.remove(probe)
        self._require(host, uuid, answer)
        if answer.free is None:
            raise exception.InvalidConfiguration(
                'Cannot find out how much space host %s has.' % host,
                'Its answer does not say.',
                'Install the same release of nova-vmrun on both hosts.')
        space.FileSystem('The instances_path of host %s' % host,
                         answer.free).require(
            needed, 'There is not enough space for server %s on host %s.'
            % (uuid, host))
        networks_there.require(answer.networks, uuid, host, network_info)

    def _require(self, host: str, uuid: str,
                 answer: move_protocol.Answer) -> None:
        """Raise an error if a host does not take a server."""
        if answer.outcome is _Outcome.OTHER:
            raise exception.InvalidConfiguration(
                'A different host answers at the address of host %s.' % host,
                'The instances_path there belongs to another compute node.',
                'Set [vmrun] migration_address or [DEFAULT] my_ip of each '
                'host to an address of its own, and restart nova-compute.')
        if answer.outcome is _Outcome.SHARED:
            raise exception.NotSupported(
                'The instances_path of host %s is the one of this host.'
                % host, 'It is %s there.' % answer.reason,
                'Servers on shared storage cannot be resized or migrated.')
        if answer.outcome is _Outcome.TAKEN:
            raise exception.InvalidConfiguration(
                'Host %s already has a folder of server %s.' % (host, uuid),
                'It is %s.' % answer.reason,
                'If it is left over from an earlier move, remove it.')

    def send(self, destination: moves.Destination, uuid: str) -> None:
        """Copy a server's prepared folder to another host.

        :raises VmrunError: the folder has not arrived
        :raises OSError: it cannot be read
        """
        answer = self._ask(
            destination.address, move_protocol.Request(
                _Verb.RECEIVE, uuid, destination.node_id),
            functools.partial(file_stream.write,
                              self._layout.prepared(uuid)))
        self._require(destination.host, uuid, answer)

    def discard(self, host: str, uuid: str) -> None:
        """Remove what was sent to a host and is not in use there.

        Nothing is ever sent to a host with the address of this one.

        :param host: its address
        :raises VmrunError: it may still be there
        """
        if host != self._address:
            self._ask(host, move_protocol.Request(_Verb.DISCARD, uuid))

    def _ask(self, address: str, request: move_protocol.Request,
             feed: abc.Callable[[BinaryIO], None] | None = None
             ) -> move_protocol.Answer:
        """Send a request, and return the answer unless it is an error.

        :raises VmrunError: there is no answer, or it is an error
        """
        result = self._ssh.run(address, move_protocol.PROGRAM,
                               *request.words, feed=feed)
        answer = move_protocol.parse_answer(result.stdout)
        if answer is None:
            raise exception.ToolRefused(
                'Host %s did not answer as %s does.'
                % (address, move_protocol.PROGRAM), result.details(),
                'Install the same release of nova-vmrun on both hosts, and '
                'check what authorized_keys runs there.',
                output=result.stdout, exit_code=result.exit_code)
        if answer.outcome is _Outcome.FAILED:
            raise exception.ToolRefused(
                'Host %s says: %s' % (address, answer.reason),
                answer.details, answer.resolution)
        return answer
