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

"""The URL of a message bus: what may be used, and whether it answers."""

from collections.abc import Mapping
import dataclasses
from typing import Any
from urllib import parse

from nova_vmrun.aio import errors
from nova_vmrun.formats import hostnames

SCHEME = 'rabbit'
_PORT = 5672
# Seconds for a connection and a login.
_TIMEOUT = 5
_TRUE = {'1', 'true', 'yes', 'on', 't', 'y'}
_EXAMPLE = 'rabbit://user:password@host:5672/'


class Refused(Exception):
    """A bus cannot be used; the message says why in a few words.

    :ivar is_login: the bus answers, but not to this user
    """

    def __init__(self, text: str, is_login: bool = False) -> None:
        super().__init__(text)
        self.is_login = is_login


@dataclasses.dataclass(frozen=True)
class Host:
    """One broker of a bus, and who logs in to it."""

    name: str
    port: int
    user: str
    password: str = dataclasses.field(repr=False)

    @property
    def is_here(self) -> bool:
        """Whether messages to it stay on this machine."""
        return hostnames.is_loopback(self.name)


@dataclasses.dataclass(frozen=True)
class Bus:
    """What a URL says, as oslo.messaging reads it.

    :ivar options: of oslo.messaging's RabbitMQ driver
    """

    hosts: tuple[Host, ...]
    virtual_host: str
    options: Mapping[str, str]

    @property
    def is_encrypted(self) -> bool:
        return self.options.get('ssl', '').lower() in _TRUE

    @property
    def is_verified(self) -> bool:
        """Whether messages are encrypted, and only the right broker gets them.

        Without the authority's file, oslo.messaging does not compare names:
        whoever has a certificate of any public authority could answer.
        """
        return self.is_encrypted and bool(self.options.get('ssl_ca_file'))


def read(url: str) -> Bus:
    """Split the URL of a bus into its parts.

    :raises AioError: it is not one, or not RabbitMQ's
    """
    try:
        parts = parse.urlsplit(url)
        hosts = tuple(_host(text) for text in parts.netloc.split(','))
    except ValueError as error:
        raise errors.AioError(
            'The message bus cannot be used.', '%s.' % error,
            'Give --bus a URL such as %s, or none.' % _EXAMPLE) from error
    if parts.scheme != SCHEME:
        raise errors.AioError(
            'The message bus cannot be used.',
            'Its URL does not begin with %s://.' % SCHEME,
            'Give --bus a URL such as %s, or none.' % _EXAMPLE)
    return Bus(hosts, parse.unquote(parts.path[1:]) or '/',
               dict(parse.parse_qsl(parts.query)))


def _host(text: str) -> Host:
    parts = parse.urlsplit('//' + text)
    if not (parts.hostname and parts.username and parts.password):
        raise ValueError('Its URL has no host, user or password')
    return Host(parts.hostname, parts.port or _PORT,
                parse.unquote(parts.username), parse.unquote(parts.password))


def check(url: str, insecure: bool) -> None:
    """Raise an error if a bus cannot be used, without asking it.

    :param insecure: whether plain text may go over a network
    :raises AioError:
    """
    bus = read(url)
    if bus.is_verified or insecure:
        return
    for host in bus.hosts:
        if not host.is_here:
            raise errors.AioError(
                'The message bus on %s would be used without TLS that checks '
                'who answers.' % host.name,
                'Its messages hold passwords, and could be read and forged '
                'on the network.',
                'Add ?ssl=1&ssl_ca_file=<path> to its URL, or '
                '--bus-insecure on a network that nobody else can use.')


def require(url: str) -> None:
    """Raise an error if no broker of a bus lets its user in.

    :raises AioError:
    """
    bus = read(url)
    reasons = []
    for host in bus.hosts:
        try:
            log_in(bus, host)
            return
        except Refused as error:
            reasons.append('%s:%d: %s.' % (host.name, host.port, error))
    raise errors.AioError(
        'The message bus does not answer.', ' '.join(reasons),
        'Start it, or correct its URL with --bus.')


def log_in(bus: Bus, host: Host) -> None:
    """Log in to a broker and out again.

    :raises Refused:
    """
    import amqp

    connection = amqp.Connection(
        '%s:%d' % (('[%s]' if ':' in host.name else '%s') % host.name,
                   host.port),
        userid=host.user, password=host.password,
        virtual_host=bus.virtual_host, connect_timeout=_TIMEOUT,
        read_timeout=_TIMEOUT, write_timeout=_TIMEOUT,
        ssl=_tls(bus, host) if bus.is_encrypted else False)
    try:
        connection.connect()
        connection.close()
    except amqp.AccessRefused:
        raise Refused('It refuses the login of %s' % host.user,
                      is_login=True) from None
    except amqp.AMQPError as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(error.strerror or str(error)) from error
    finally:
        connection.collect()


def _tls(bus: Bus, host: Host) -> dict[str, Any]:
    return {'ca_certs': bus.options.get('ssl_ca_file') or None,
            'server_hostname': host.name if bus.is_verified else None}
