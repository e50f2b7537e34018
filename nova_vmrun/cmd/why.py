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

"""``nova-vmrun why``: why a server is not as its user wants it."""

import argparse
from collections.abc import Mapping
import json
import textwrap
from typing import Any

from cliff import command
from openstack.config import cloud_region
from openstack import connection
from openstack import exceptions

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import providers
from nova_vmrun.cmd.image import cloud
from nova_vmrun.cmd import own_cloud
from nova_vmrun.cmd import plain
from nova_vmrun.cmd import state_dir
from nova_vmrun.doctor import gather_server
from nova_vmrun.doctor import reasons
from nova_vmrun.doctor import service_logs
from nova_vmrun import exception
from nova_vmrun.formats import report

_WIDTH = 79
# Seconds for one answer of an API.
_TIMEOUT = 30


class Why(plain.Plain, command.Command):
    """Explain why a server failed, hangs, is slow or has no address.

    Asks the cloud as the user whose credentials are set, as for the openstack
    command; without credentials, the control plane of "nova-vmrun aio up" as
    its administrator. An administrator is told more, such as the figures of
    the scheduler.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument('server', metavar='<server>', nargs='?',
                           help='Name or id of the server')
        which.add_argument(
            '--last', action='store_true',
            help='The newest server in ERROR, or else the newest server')
        parser.add_argument(
            '-f', '--format', choices=('text', 'json'), default='text',
            help='Format of the explanation (default: %(default)s)')
        plain.add_os_cloud(parser, ', else that of aio')
        state_dir.add_option(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        layout = aio_layout.Layout(parsed_args.state_dir)
        if own_cloud.is_meant(parsed_args.os_cloud):
            region = own_cloud.log_in(layout)
        else:
            region = cloud.log_in(parsed_args.os_cloud)
        api = CloudApi(region)
        server = (gather_server.last(api) if parsed_args.last
                  else gather_server.find(api, parsed_args.server))
        said = service_logs.read(layout, server['id'], server['tenant_id'])
        reason = reasons.explain(gather_server.read(
            api, server, said.instances, said.logged, said.refusal))
        if parsed_args.format == 'json':
            self.app.stdout.write(json.dumps(
                {'id': server['id'], 'cause': reason.cause,
                 'advice': reason.advice}, indent=2) + '\n')
        else:
            for line in reasons.lines(reason):
                self.app.stdout.write(textwrap.fill(
                    report.printable(line), _WIDTH, break_long_words=False,
                    break_on_hyphens=False) + '\n')


class CloudApi:
    """The APIs of a cloud, for one user.

    :param region: as returned by nova_vmrun.cmd.image.cloud.log_in
    """

    def __init__(self, region: cloud_region.CloudRegion) -> None:
        self._connection = connection.Connection(config=region)

    def compute(self, path: str, body: Mapping[str, Any] | None = None
                ) -> Mapping[str, Any] | None:
        """Ask Nova; POST if there is a body."""
        options: dict[str, Any] = {
            'microversion': gather_server.MICROVERSION}
        if body is not None:
            options['json'] = body
        return self._ask('compute', path, 'GET' if body is None else 'POST',
                         options)

    def network(self, path: str) -> Mapping[str, Any] | None:
        """Ask Neutron."""
        return self._ask('network', path, 'GET', {})

    def placement(self, path: str) -> Mapping[str, Any] | None:
        """Ask Placement."""
        return self._ask('placement', path, 'GET',
                         {'microversion': providers.VERSION})

    def _ask(self, service: str, path: str, method: str,
             options: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the answer, or None if the service refuses to say.

        :raises InvalidConfiguration: it cannot be reached
        """
        try:
            answer = getattr(self._connection, service).request(
                path, method, raise_exc=False, timeout=_TIMEOUT, **options)
        except (exceptions.SDKException, OSError) as error:
            if service == 'placement':
                # Ordinary users may not even find it.
                return None
            raise exception.InvalidConfiguration(
                'The %s service of the cloud does not answer.' % service,
                '%s' % error,
                'Run "nova-vmrun doctor" on the host of the control plane.'
            ) from error
        if answer.status_code >= 400:
            return None
        found: Mapping[str, Any] = answer.json()
        return found
