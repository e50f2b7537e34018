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

"""Servers that come from another host: what ``nova-vmrun-receive`` does.

The files of a server arrive in ``<uuid>_preparing``, which becomes
``<uuid>_prepared`` once they are complete and flushed to the disk. Nova then
calls finish_migration on this host, which turns that folder into the server.
"""

import os
import shutil
from typing import BinaryIO

from nova_vmrun import exception
from nova_vmrun.host import file_stream
from nova_vmrun.host import files
from nova_vmrun.host import space
from nova_vmrun.host import strange_files
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import move_protocol
from nova_vmrun.server import network_card
from nova_vmrun.server import use_locks

_Outcome = move_protocol.Outcome


class Arrivals:
    """Receives servers.

    :param layout: of this host's instances_path
    :raises InvalidConfiguration: nova-compute has never used that folder
    """

    def __init__(self, layout: layout_module.Layout) -> None:
        if not os.path.isdir(layout.locks):
            raise exception.InvalidConfiguration(
                'The host cannot receive servers.',
                'nova-compute has never used %s.' % layout.root,
                'Give %s the nova.conf of nova-compute by --config-file, or '
                'its folder by --instances-path.' % move_protocol.PROGRAM)
        self._layout = layout
        self._locks = use_locks.UseLocks(layout)

    def answer(self, request: move_protocol.Request,
               stream: BinaryIO) -> move_protocol.Answer:
        """Do what another host asks for.

        :param stream: files for RECEIVE
        :raises VmrunError: it cannot be done
        :raises OSError: in the same way
        """
        if request.probe and os.path.exists(probe(self._layout,
                                                  request.probe)):
            return move_protocol.Answer(_Outcome.SHARED,
                                        reason=self._layout.root)
        if self._is_other(request.node):
            return move_protocol.Answer(_Outcome.OTHER)
        with self._locks.alone(request.server):
            try:
                return self._answer(request, stream)
            finally:
                self._locks.remove(request.server)

    def _answer(self, request: move_protocol.Request,
                stream: BinaryIO) -> move_protocol.Answer:
        uuid = request.server
        if request.verb is not move_protocol.Verb.DISCARD:
            for folder in (self._layout.folder(uuid),
                           self._layout.kept(uuid)):
                if os.path.lexists(folder):
                    return move_protocol.Answer(_Outcome.TAKEN, reason=folder)
        self._remove(uuid)
        if request.verb is move_protocol.Verb.RECEIVE:
            self._receive(uuid, stream)
        return move_protocol.Answer(
            _Outcome.DONE, free=shutil.disk_usage(self._layout.root).free,
            networks=self._networks(request))

    def _networks(self, request: move_protocol.Request) -> str:
        """Return what nova-compute says about its networks, or ''."""
        if request.verb is not move_protocol.Verb.EXAMINE or (
                request.node is None):
            return ''
        try:
            return strange_files.read(
                self._layout.node(request.node),
                network_card.LONGEST).decode('utf-8', 'replace')
        except OSError:
            # This does not keep a server from coming.
            return ''

    def _is_other(self, node: str | None) -> bool:
        """Return whether the folder is known to be another node's."""
        if node is None or os.path.exists(self._layout.node(node)):
            return False
        start = os.path.basename(self._layout.node(''))
        return any(name.startswith(start)
                   for name in os.listdir(self._layout.locks))

    def _receive(self, uuid: str, stream: BinaryIO) -> None:
        part = self._layout.preparing(uuid)
        os.mkdir(part, mode=0o700)
        try:
            file_stream.read(
                stream, part,
                lambda: space.of_instances(self._layout.root).available,
                self._forbidden(uuid))
            files.sync_folder(part)
        except BaseException:
            files.remove_tree(part)
            raise
        os.rename(part, self._layout.prepared(uuid))
        files.sync_folder(self._layout.root)

    def _forbidden(self, uuid: str) -> frozenset[str]:
        """Return the names of files that say whose a server is.

        This host writes them.
        """
        folder = self._layout.folder(uuid)
        return frozenset(os.path.basename(path) for path in (
            self._layout.record(uuid), self._layout.paused(uuid),
            self._layout.frozen(uuid), self._layout.allocations(uuid),
            self._layout.moving(uuid), self._layout.migration(folder)))

    def _remove(self, uuid: str) -> None:
        for folder in (self._layout.preparing(uuid),
                       self._layout.prepared(uuid)):
            if os.path.islink(folder):
                os.remove(folder)
            files.remove_tree(folder)


def probe(layout: layout_module.Layout, end: str) -> str:
    """Return the path of the file that shows whether a folder is shared.

    :param end: random
    """
    return os.path.join(layout.locks, 'probe-' + os.path.basename(end))
