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


"""A configuration file for ssh, scp and programs that use them.

With it, they reach servers at the addresses that Nova shows, even if the host
has no interface on their network.
"""

from collections.abc import Sequence
import ipaddress
import os
import re
import shlex

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import reach
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.formats import report

# Versions of ssh differ in what they take for an escape in quotes, and in none
# of them can the beginning of an environment variable be escaped.
_UNWRITABLE = re.compile(r'["\\\n\r]|\$\{')
_TEXT = """\
# Written by "nova-vmrun aio up", for the servers on %(network)s. Usage:
#   ssh -F %(path)s USER@ADDRESS
Host %(patterns)s
    # The next server with the same address has another key, and so has a
    # server that is rebuilt or rescued. "nova-vmrun ssh" tells them apart.
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    GlobalKnownHostsFile /dev/null
    LogLevel ERROR
"""
_PROXY = """\
    # There is no VMware: ask the fake for a connection.
    ProxyCommand %s
"""


def write(layout: aio_layout.Layout, settings: aio_settings.Settings,
          cidr: str) -> None:
    """Write the configuration into the state directory.

    :param cidr: the range of the shared network
    """
    text = _TEXT % {'network': settings.network,
                    'path': shlex.quote(str(layout.ssh_config)),
                    'patterns': ' '.join(patterns(cidr))}
    words = reach.proxy_command(layout)
    if words is not None:
        text += _PROXY % proxied(words)
    aio_settings.write_private(layout.ssh_config, text)


def proxied(words: Sequence[str]) -> str:
    """Return the ProxyCommand that runs a command with the host and port.

    ssh replaces its %h and %p, and then passes the command to a shell.
    """
    return escape(shlex.join(words)) + ' %h %p'


def path(name: str | os.PathLike[str]) -> str:
    """Return the path of a file as the value of an option of ssh or sshd.

    :raises AioError: nothing stands for that path
    """
    text = str(name)
    if _UNWRITABLE.search(text):
        raise errors.AioError(
            'ssh cannot use the file %s.' % report.printable(text),
            'Its path has a double quote, a backslash, a line break or "${", '
            'which mean something else to ssh.',
            'Give the file or its folder another name.')
    return '"%s"' % escape(text)


def escape(text: str) -> str:
    """Escape what ssh would otherwise replace as its tokens."""
    return text.replace('%', '%%')


def patterns(cidr: str) -> list[str]:
    """Return patterns that match exactly the addresses of a network.

    ssh supports wildcards but no address ranges.
    """
    network = ipaddress.IPv4Network(cidr)
    whole, rest = divmod(network.prefixlen, 8)
    octets = str(network.network_address).split('.')
    if not rest:
        fixed = octets[:whole]
        return ['.'.join(fixed + ['*'] if whole < 4 else fixed)]
    first = int(octets[whole])
    return ['.'.join([*octets[:whole], str(number)]
                     + (['*'] if whole < 3 else []))
            for number in range(first, first + 2 ** (8 - rest))]
