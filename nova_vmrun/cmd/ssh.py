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


"""``nova-vmrun ssh``: log in to a server by its name."""

import argparse
from typing import TYPE_CHECKING
import urllib.parse

from cliff import command

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cmd import own_cloud
from nova_vmrun.cmd import plain
from nova_vmrun.cmd import state_dir
from nova_vmrun.formats import hostnames
from nova_vmrun.formats import report

if TYPE_CHECKING:
    from openstack import connection


class Ssh(plain.Plain, command.Command):
    """Log in to a server with ssh.

    Nova is asked for the address, and the image for the user. A server that is
    only on networks of its project is reached through another server of the
    project, which is on one of them and on a shared network. Options of ssh
    and a command for the server follow "--":

    nova-vmrun ssh web -- -L 8080:127.0.0.1:80 uptime
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        state_dir.add_option(parser)
        plain.add_os_cloud(
            parser, ', otherwise the control plane of "nova-vmrun aio"')
        parser.add_argument(
            '-l', '--login', metavar='<user>',
            help="User to log in as (default: the image's os_admin_user, or "
                 'the usual user of its os_distro)')
        parser.add_argument(
            '-i', '--identity', metavar='<file>',
            help='Private key to log in with, also on the way (default: '
                 'chosen by ssh)')
        parser.add_argument(
            '--jump', metavar='[<user>@]<server>',
            help='Server to go through, if this host does not reach the '
                 'other (default: the oldest one that can be used, as the '
                 'user of its image)')
        parser.add_argument(
            'server', metavar='<server>', help='Name or ID of the server')
        parser.add_argument(
            'rest', metavar='-- <argument>', nargs='*',
            help='Options of ssh, and a command for the server')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from openstack import exceptions

        from nova_vmrun.aio import reach
        from nova_vmrun.aio import ssh_program
        from nova_vmrun.aio import ssh_route

        layout = aio_layout.Layout(parsed_args.state_dir)
        cloud, is_own = _log_in(layout, parsed_args.os_cloud)
        administrator = (
            _administrator(layout)
            if is_own and not own_cloud.is_meant(parsed_args.os_cloud)
            else None)
        try:
            route = ssh_route.Finder(cloud, administrator).find(
                parsed_args.server, parsed_args.login, parsed_args.jump)
        except exceptions.SDKException as error:
            raise errors.AioError(
                'Nova or Neutron does not say how to reach server %s.'
                % report.printable(parsed_args.server), '%s.' % error,
                'Try: openstack server list.') from error
        if route.jump is not None:
            self.app.stderr.write('Through server %s (%s).\n' % (
                report.printable(route.jump.name), route.jump.address))
        for hop, option in ((route.jump, '--jump USER@SERVER'),
                            (route.target, '-l')):
            if hop is None:
                continue
            if hop.project:
                self.app.stderr.write('Server %s is of project %s.\n' % (
                    report.printable(hop.name),
                    report.printable(hop.project)))
            if hop.is_guess:
                self.app.stderr.write(
                    'Server %s is in rescue. %s is the user of its own image. '
                    'If the rescue image has another: %s\n' % (
                        report.printable(hop.name), hop.user, option))
        self.app.stderr.flush()
        ssh = ssh_program.Ssh(
            proxy=reach.proxy_command(layout) if is_own else None,
            known_hosts=str(layout.known_hosts) if is_own else None,
            identity=parsed_args.identity)
        ssh_program.replace_process(ssh.words(route, parsed_args.rest))


def _log_in(layout: aio_layout.Layout, name: str | None
            ) -> 'tuple[connection.Connection, bool]':
    """Return a cloud, and whether it is the control plane of the directory.

    :param name: of a cloud in clouds.yaml
    :raises AioError: there are no credentials, or the cloud is the control
        plane of another directory
    """
    from openstack import connection

    from nova_vmrun.cmd.image import cloud

    if own_cloud.is_meant(name):
        return _administrator(layout), True
    config = cloud.log_in(name)
    url = urllib.parse.urlsplit(str(config.auth['auth_url']))
    if layout.exists and _is_of(aio_settings.load(layout), url):
        return connection.Connection(config=config), True
    if url.hostname == aio_settings.ADDRESS:
        raise errors.AioError(
            'The control plane at %s is not the one in %s.' % (
                url.geturl(), layout.root), '',
            'Name its directory with --state-dir.')
    return connection.Connection(config=config), False


def _administrator(layout: aio_layout.Layout) -> 'connection.Connection':
    """Return the control plane of the directory, as its administrator."""
    from nova_vmrun.aio import client
    return client.connect(aio_settings.load(layout),
                          aio_settings.passwords(layout))


def _is_of(settings: aio_settings.Settings,
           url: urllib.parse.SplitResult) -> bool:
    """Whether a URL is that of a control plane's Keystone."""
    return url.port == settings.ports['keystone'] and (
        hostnames.is_loopback(url.hostname)
        or url.hostname == settings.listen)
