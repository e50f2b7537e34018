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


"""The option that names the directory of a control plane."""

import argparse

from nova_vmrun.aio import layout as aio_layout


def add_option(parser: argparse.ArgumentParser,
               content: str = 'the whole control plane') -> None:
    """Add --state-dir.

    :param content: what the directory holds
    """
    parser.add_argument(
        '--state-dir', metavar='<directory>',
        default=aio_layout.default_state_dir(),
        help='Directory that holds %s (default: %%(default)s)' % content)


def port(text: str) -> int:
    """Parse a TCP port, as the type of an argument."""
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError('%d is not a valid port' % number)
    return number
