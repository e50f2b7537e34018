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

Its instances_path must be the same as on this host. A server's folder is
copied under a temporary name and renamed when it is complete.
"""

import os
import re
import secrets
import shlex

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.host import space
from nova_vmrun.ops.resize import moves
from nova_vmrun.server import layout as host_layout
from nova_vmrun.tools import ssh as ssh_tool

# Characters that mean nothing special to a shell or to any version of scp.
_PLAIN_PATH = re.compile('[A-Za-z0-9_./+@-]+')
_SHARED = 'shared'
_OTHER = 'other'
_TAKEN = 'taken '


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
                needed: int) -> None:
        """Raise an error if a server cannot move to a host.

        Leftovers of an earlier attempt are removed there.

        :param needed: bytes that the server's files may need there
        :raises VmrunError: it cannot
        """
        if destination.address == self._address:
            raise exception.InvalidConfiguration(
                'Host %s has the same address as this host.'
                % destination.host,
                '[DEFAULT] my_ip is %s on both.' % self._address,
                'Set my_ip on each host to an address where the others can '
                'reach it, and restart nova-compute.')
        if not _PLAIN_PATH.fullmatch(self._layout.root):
            raise exception.InvalidConfiguration(
                'Servers cannot be moved to another host.',
                '[DEFAULT] instances_path %s has characters that scp may '
                'misinterpret.' % self._layout.root,
                'Choose a path of letters, digits and -_./ on all hosts.')
        probe = os.path.join(self._layout.locks,
                             'probe-' + secrets.token_hex(16))
        with open(probe, 'w'):
            pass
        try:
            answer = self._ssh.run(destination.address, self._script(
                uuid, probe, destination.node_id))
        finally:
            os.remove(probe)
        # A login shell may have printed something first.
        self._require(destination.host, uuid,
                      (answer.splitlines() or [''])[-1], needed)

    def _script(self, uuid: str, probe: str, node_id: str | None) -> str:
        folder, kept = self._layout.folder(uuid), self._layout.kept(uuid)
        return (
            'cd {root} || exit 1; '
            'if [ -e {probe} ]; then echo {shared}; '
            'elif {is_other}; then echo {other}; '
            'elif [ -e {folder} ]; then echo {taken}{folder}; '
            'elif [ -e {kept} ]; then echo {taken}{kept}; '
            'else {remove} && df -Pk .; fi').format(
                root=shlex.quote(self._layout.root),
                probe=shlex.quote(probe), folder=shlex.quote(folder),
                kept=shlex.quote(kept), shared=_SHARED, taken=_TAKEN,
                is_other=self._is_other(node_id), other=_OTHER,
                remove=self._removal(uuid))

    def _is_other(self, node_id: str | None) -> str:
        """Return a shell test: whether this is not the intended host.

        A host with an older release does not say which it is.
        """
        if node_id is None:
            return 'false'
        return '[ ! -e {} ] && ls -d {}* >/dev/null 2>&1'.format(
            shlex.quote(self._layout.node(node_id)),
            shlex.quote(self._layout.node('')))

    def _require(self, host: str, uuid: str, answer: str,
                 needed: int) -> None:
        if answer == _OTHER:
            raise exception.InvalidConfiguration(
                'A different host answers at the address of host %s.' % host,
                'The instances_path there belongs to another compute node.',
                'Set [DEFAULT] my_ip of each host to an address of its own, '
                'and restart nova-compute.')
        if answer == _SHARED:
            raise exception.NotSupported(
                'The instances_path of host %s is the one of this host.'
                % host, 'It is %s on both.' % self._layout.root,
                'Servers on shared storage cannot be resized or migrated.')
        if answer.startswith(_TAKEN):
            raise exception.InvalidConfiguration(
                'Host %s already has a folder of server %s.' % (host, uuid),
                'It is %s.' % answer.removeprefix(_TAKEN),
                'If it is left over from an earlier move, remove it.')
        try:
            free = int(answer.split()[3]) * units.Ki
        except (IndexError, ValueError):
            raise exception.InvalidConfiguration(
                'Cannot find out how much space host %s has.' % host,
                'It answered %r.' % answer,
                'Check whether its login shell prints something.')
        space.FileSystem('%s on host %s' % (self._layout.root, host),
                         free).require(
            needed, 'There is not enough space for server %s on host %s.'
            % (uuid, host))

    def send(self, host: str, uuid: str) -> None:
        """Copy a server's prepared folder to another host.

        :param host: its address
        :raises VmrunError: the folder has not arrived
        """
        part = self._layout.preparing(uuid)
        self._ssh.send(self._layout.prepared(uuid), host, part)
        self._ssh.run(host, 'sync && mv {} {}'.format(
            shlex.quote(part), shlex.quote(self._layout.prepared(uuid))))

    def discard(self, host: str, uuid: str) -> None:
        """Remove what was sent to a host and is not in use there.

        Nothing is ever sent to a host with the address of this one.

        :param host: its address
        :raises VmrunError: it may still be there
        """
        if host == self._address:
            return
        self._ssh.run(host, self._removal(uuid))

    def _removal(self, uuid: str) -> str:
        return 'rm -rf {} {}'.format(
            shlex.quote(self._layout.preparing(uuid)),
            shlex.quote(self._layout.prepared(uuid)))
