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

"""``nova-vmrun orphans``: find files and VMs that belong to no server."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TYPE_CHECKING

from cliff import lister

from nova_vmrun.cmd import compute_host
from nova_vmrun.cmd import plain
from nova_vmrun.formats import report
from nova_vmrun.server import orphans

if TYPE_CHECKING:
    from nova_vmrun.cmd import servers

_REMOVED = 'removed'


class Orphans(plain.Plain, lister.Lister):
    """List everything on this compute host that belongs to no Nova server.

    This covers folders, VMs, snapshots, connections to volumes, the remains of
    crashes, and cached images that have not been used for a long time. Run it
    on the compute host as the user who runs nova-compute, with administrator
    credentials for its cloud. The command asks Nova about each server. If it
    keeps something, it says why; it never stops a running VM, so you have to
    do that yourself. The exit status is 1 if anything is left.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--delete', action='store_true',
            help='Permanently delete everything that is safe to delete')
        parser.add_argument(
            '--min-age', metavar='<minutes>', type=int, default=60,
            help='Keep everything that changed in the last so many minutes, '
                 'because it may still be in use by an operation (default: '
                 '%(default)s)')
        compute_host.add_config_file(parser)
        plain.add_os_cloud(parser)
        return parser

    def take_action(
            self,
            parsed_args: argparse.Namespace
            ) -> tuple[Sequence[str], Iterable[Any]]:
        from nova_vmrun.cmd import servers

        conf, compute_id = compute_host.configuration(parsed_args.config_file)
        compute_host.require_owner(conf.instances_path)
        nova = servers.Servers(parsed_args.os_cloud)
        host = nova.host(compute_id)
        work = compute_host.open_hypervisor(conf, compute_id).orphans
        min_age = parsed_args.min_age * 60
        known = nova.all(host, work.finder.server_ids())
        cache_age = conf.image_cache.remove_unused_original_minimum_age_seconds
        found = [*work.finder.of_servers(known, min_age),
                 *work.finder.of_cache(known, cache_age)]
        outcomes = [orphan.kept for orphan in found]
        if parsed_args.delete:
            outcomes = [
                self._has_changed(nova, host, known, orphan) or
                self._remove(work, orphan, min_age) for orphan in found]
        self._is_clean = all(each == _REMOVED for each in outcomes)
        return ('Kind', 'Path', 'Orphan because', 'Kept because'), [
            tuple(map(report.printable, (
                orphan.kind, orphan.path, orphan.reason, outcome)))
            for orphan, outcome in zip(found, outcomes)]

    def _has_changed(self, nova: 'servers.Servers', host: str,
                     known: Mapping[str, orphans.Server],
                     orphan: orphans.Orphan) -> str:
        """Return a reason if the server has since changed in Nova."""
        if orphan.kept or not orphan.owner or orphan.kind == orphans.BASE:
            return ''
        try:
            if nova.get(orphan.owner, host) == known.get(orphan.owner):
                return ''
        except Exception as error:
            return _describe(error)
        return 'The server has since changed in Nova.'

    def _remove(self, work: Any, orphan: orphans.Orphan,
                min_age: float) -> str:
        """Remove an orphan; return the outcome as text."""
        try:
            return work.remove(orphan, min_age) or _REMOVED
        except Exception as error:
            # The others may still be removed.
            return _describe(error)

    def run(self, parsed_args: argparse.Namespace) -> int:
        return super().run(parsed_args) or int(not self._is_clean)


def _describe(error: Exception) -> str:
    return '%s: %s' % (type(error).__name__, error)
