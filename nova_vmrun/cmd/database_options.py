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

"""The options of ``aio up`` that choose where the databases are."""

import argparse

from nova_vmrun.aio.database import address


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    database = parser.add_mutually_exclusive_group()
    database.add_argument(
        '--database', metavar='<url>',
        help='Use databases on a MariaDB, MySQL or PostgreSQL server, such as '
             'mysql://user:password@host/, whose user may create them: '
             'keystone, glance, neutron, placement, nova_api, nova_cell0, '
             'nova_cell1 and with --volumes cinder; a path such as /lab makes '
             'it lab_keystone and so on. Choose before the first "up"')
    database.add_argument(
        '--no-database', dest='database', action='store_const',
        const=address.SQLITE,
        help='Use SQLite files in the state directory (default)')
    parser.add_argument(
        '--database-insecure', action=argparse.BooleanOptionalAction,
        help='Allow the URL of a database server on another machine without '
             'TLS, although passwords can be read on the network (default: '
             'no)')
