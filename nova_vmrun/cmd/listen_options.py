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

"""The options of ``aio up`` that let other machines reach the services."""

import argparse
import shlex

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    listen = parser.add_mutually_exclusive_group()
    listen.add_argument(
        '--listen', metavar='<address>',
        help='IPv4 address of this machine on which the services listen, too, '
             'for clients on other machines. They do so by TLS, with a '
             'certificate of an authority of their own, which is made in the '
             'state directory. On 127.0.0.1 they go on listening without TLS')
    listen.add_argument(
        '--no-listen', dest='listen', action='store_const', const='',
        help='Let the services listen on 127.0.0.1 only (default)')
    parser.add_argument(
        '--listen-insecure', action=argparse.BooleanOptionalAction,
        help='With --listen: use no TLS, although passwords can be read on '
             'the network. RabbitMQ then listens on 127.0.0.1 only (default: '
             'no)')


def welcome(layout: aio_layout.Layout,
            settings: aio_settings.Settings) -> str:
    """Return lines that say what clients on other machines need."""
    if not settings.listen:
        return ''
    files = [layout.clouds, *([layout.ca] if settings.tls else [])]
    return 'Other machines reach it at %s. They need:\n%s' % (
        settings.public_url('keystone', '/v3'),
        ''.join('  %s\n' % shlex.quote(str(path)) for path in files))
