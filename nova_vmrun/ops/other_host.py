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

"""The compute node that a server moves to, as it is seen over ssh.

Its instances_path must be the same as here. What is sent becomes visible
there under its name in one step, when all of it has arrived.
"""

import os
import re
import secrets
import shlex

from oslo_utils import units

from nova_vmrun import exception

# What neither a shell nor scp, in any version, takes for something else.
_PLAIN_PATH = re.compile('[A-Za-z0-9_./+@-]+')
_SHARED = 'shared'
_TAKEN = 'taken '


class OtherHost:
    """Files of servers on other compute nodes.

    :param ssh: a nova_vmrun.tools.ssh.Ssh
    :param layout: a nova_vmrun.host.layout.Layout
    """

    def __init__(self, ssh, layout):
        self._ssh = ssh
        self._layout = layout

    def examine(self, host, uuid, needed):
        """Finds out whether a server can move to a host.

        What an earlier attempt has left there is removed.

        :param host: its address
        :param uuid: of the server
        :param needed: bytes that its files may need there
        :raises VmrunError: it cannot
        """
        if not _PLAIN_PATH.fullmatch(self._layout.root):
            raise exception.InvalidConfiguration(
                'Servers cannot be moved to another host.',
                '[DEFAULT] instances_path %s has characters that scp may '
                'take for others.' % self._layout.root,
                'Choose a path of letters, digits and -_./ on all hosts.')
        probe = os.path.join(self._layout.locks,
                             'probe-' + secrets.token_hex(16))
        with open(probe, 'w'):
            pass
        try:
            answer = self._ssh.run(host, self._script(uuid, probe))
        finally:
            os.remove(probe)
        # A login shell may have greeted first.
        self._require(host, uuid, (answer.splitlines() or [''])[-1], needed)

    def _script(self, uuid, probe):
        folder, kept = self._layout.folder(uuid), self._layout.kept(uuid)
        return (
            'cd {root} || exit 1; '
            'if [ -e {probe} ]; then echo {shared}; '
            'elif [ -e {folder} ]; then echo {taken}{folder}; '
            'elif [ -e {kept} ]; then echo {taken}{kept}; '
            'else {remove} && df -Pk .; fi').format(
                root=shlex.quote(self._layout.root),
                probe=shlex.quote(probe), folder=shlex.quote(folder),
                kept=shlex.quote(kept), shared=_SHARED, taken=_TAKEN,
                remove=self._removal(uuid))

    def _require(self, host, uuid, answer, needed):
        if answer == _SHARED:
            raise exception.NotSupported(
                'The instances_path of host %s is the one of this host.'
                % host, 'It is %s on both.' % self._layout.root,
                'Servers on shared storage cannot be resized or migrated.')
        if answer.startswith(_TAKEN):
            raise exception.VmrunError(
                'Host %s has a folder of server %s already.' % (host, uuid),
                'It is %s.' % answer.removeprefix(_TAKEN),
                'If it is left over from an earlier move, remove it.')
        try:
            free = int(answer.split()[3]) * units.Ki
        except (IndexError, ValueError):
            raise exception.VmrunError(
                'Host %s does not tell how much space it has.' % host,
                'It answered %r.' % answer,
                'See whether its login shell prints something.')
        if free < needed:
            raise exception.DiskFull(
                'Host %s has not enough space for server %s.' % (host, uuid),
                'It may need %d MiB, and %s has %d MiB there.' % (
                    needed // units.Mi, self._layout.root, free // units.Mi),
                'Free some space there.')

    def send(self, host, uuid):
        """Copies a server's prepared folder to another host.

        :raises ToolError: it is not there
        """
        part = self._layout.preparing(uuid)
        self._ssh.send(self._layout.prepared(uuid), host, part)
        self._ssh.run(host, 'sync && mv {} {}'.format(
            shlex.quote(part), shlex.quote(self._layout.prepared(uuid))))

    def discard(self, host, uuid):
        """Removes what was sent to a host and is not in use there.

        :raises ToolError: it may be there still
        """
        self._ssh.run(host, self._removal(uuid))

    def _removal(self, uuid):
        return 'rm -rf {} {}'.format(
            shlex.quote(self._layout.preparing(uuid)),
            shlex.quote(self._layout.prepared(uuid)))
