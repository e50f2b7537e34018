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

"""The file with which another machine becomes a node, once."""

import dataclasses
import json
import os
import pathlib
import re
import stat
from typing import Any

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import keys
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster import names
from nova_vmrun.cluster import values

_VERSION = 1
_MARK = 'nova-vmrun token'
# Bytes.
_LARGEST = 64 * 1024
# Of names and IP addresses, also those with a zone.
_ADDRESS = re.compile(r'[A-Za-z0-9.:%][A-Za-z0-9.:%-]*')
_NEW = 'Make a new one on the first machine with "nova-vmrun node token".'


@dataclasses.dataclass(frozen=True)
class Token:
    """What a token file says.

    :ivar name: the name of the node that it is for
    :ivar token_id: tells it from other tokens
    :ivar user: whom the gateway lets in
    :ivar addresses: at which the gateway may be reached
    :ivar port: TCP port of the gateway
    :ivar host_key: the gateway's public key
    :ivar private_key: lets its holder become the node
    :ivar expires: seconds since 1970, by the clock of the first machine
    """

    name: str
    token_id: str
    user: str
    addresses: list[str]
    port: int
    host_key: str
    private_key: str = dataclasses.field(repr=False)
    expires: int

    def write(self, path: pathlib.Path) -> None:
        """Write the file so that only its owner can read it.

        :raises AioError: it cannot be written
        """
        aio_settings.write_private(path, json.dumps(
            {_MARK: _VERSION, **dataclasses.asdict(self)}, indent=2) + '\n')

    def at(self, addresses: list[str]) -> 'Token':
        """Return the token, with other addresses of the first machine.

        The first machine still has to have the host key, so a wrong address
        gives nothing away.

        :raises AioError: one of them is no address
        """
        for address in addresses:
            if not _is_address(address):
                raise errors.AioError(
                    '%.100r is no address of the first machine.' % address,
                    'It is neither a name nor an IP address.',
                    'Name one without a port, such as 192.0.2.1.')
        return dataclasses.replace(self, addresses=addresses)


def read(path: pathlib.Path) -> Token:
    """Read a token file.

    :raises AioError: it is not one, or other users can read it
    """
    try:
        with open(path, 'rb') as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise errors.AioError(
            'The token %s cannot be read.' % path,
            '%s.' % (error.strerror or error),
            'Name the file that "nova-vmrun node token" wrote on the first '
            'machine.') from error
    if not stat.S_ISREG(mode):
        raise errors.AioError('The token %s is not a file.' % path, '', _NEW)
    if stat.S_IMODE(mode) & 0o077:
        raise errors.AioError(
            'Other users can read the token %s.' % path,
            'Whoever has read it can become the node. Its mode is %03o.'
            % stat.S_IMODE(mode),
            'If nobody else uses this machine, run "chmod 600 %s". If in '
            'doubt: %s' % (path, _NEW))
    try:
        if len(content) > _LARGEST:
            raise values.Invalid('It is too large.')
        return _token(values.parse(content))
    except values.Invalid as error:
        raise errors.AioError(
            '%s is no token of nova-vmrun.' % path, str(error), _NEW
        ) from error


def _token(found: dict[str, Any]) -> Token:
    if _MARK not in found:
        raise values.Invalid('It does not say that it is one.')
    if found[_MARK] != _VERSION:
        raise values.Invalid('It is of another release.')
    token = Token(
        name=values.line(found, 'name'),
        token_id=values.line(found, 'token_id'),
        user=values.line(found, 'user'),
        addresses=values.strings(found, 'addresses'),
        port=values.port(found, 'port'),
        host_key=values.line(found, 'host_key'),
        private_key=values.string(found, 'private_key'),
        expires=values.number(found, 'expires'))
    try:
        names.check(token.name)
    except errors.AioError as error:
        raise values.Invalid(error.brief) from None
    if not names.is_user(token.user):
        raise values.Invalid('Its user name is malformed.')
    if not keys.is_public(token.host_key):
        raise values.Invalid('Its host key is malformed.')
    if not all(map(_is_address, token.addresses)):
        raise values.Invalid('An address in it is malformed.')
    return token


def _is_address(text: str) -> bool:
    return _ADDRESS.fullmatch(text) is not None
