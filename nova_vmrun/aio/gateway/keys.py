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

"""Keys and certificates of SSH, made by ssh-keygen."""

import os
import pathlib
import re
import tempfile

from nova_vmrun.aio import errors
from nova_vmrun import exception
from nova_vmrun.tools import process

# Seconds.
_TIMEOUT = 60
# The type and the length of the type, in base64, are the same in all of them.
_PUBLIC = re.compile(r'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}')
# What nodes may log in to each other for. No user has this name.
MOVE = 'nova-vmrun-move'
# The end of the names by which nodes reach each other.
DOMAIN = '.nova-vmrun'


def is_public(text: str) -> bool:
    """Return whether a text is one public key: its type and its bytes."""
    return _PUBLIC.fullmatch(text) is not None


def make(path: pathlib.Path) -> None:
    """Make a private key and its public one, unless they exist.

    :raises AioError: they cannot be made
    """
    public = path.with_name(path.name + '.pub')
    if path.exists() and public.exists():
        return
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        new = pathlib.Path(folder) / 'key'
        _run('-q', '-t', 'ed25519', '-N', '', '-C', path.name, '-f', str(new))
        # The private key comes last: if it is there, both are.
        os.replace(new.with_name('key.pub'), public)
        os.replace(new, path)


def public(path: pathlib.Path) -> str:
    """Return the public part of a private key, without its comment.

    :raises AioError: the file is damaged
    """
    text = ' '.join(path.with_name(path.name + '.pub').read_text().split()[:2])
    if not is_public(text):
        raise errors.AioError(
            '%s.pub is damaged.' % path, 'It is not a public key of SSH.',
            'Remove %s and %s.pub and repeat the command.' % (path, path.name))
    return text


def sign_user(ca: pathlib.Path, key: str, name: str) -> str:
    """Return a certificate with which a node may send servers to others.

    :param ca: the private key that signs
    :param key: the public key that is signed
    :param name: of the node
    :raises AioError: it cannot be signed
    """
    return _sign(ca, key, name, '-n', MOVE, '-O', 'clear')


def sign_host(ca: pathlib.Path, key: str, name: str) -> str:
    """Return a certificate for a host key of a node.

    :param ca: the private key that signs
    :param key: the public key that is signed
    :param name: of the node
    :raises AioError: it cannot be signed
    """
    return _sign(ca, key, name, '-h', '-n', name.lower() + DOMAIN)


def _sign(ca: pathlib.Path, key: str, name: str, *options: str) -> str:
    with tempfile.TemporaryDirectory(dir=ca.parent) as folder:
        path = pathlib.Path(folder) / 'key.pub'
        path.write_text(key + '\n')
        _run('-q', '-s', str(ca), '-I', name, *options, str(path))
        return path.with_name('key-cert.pub').read_text()


def _run(*words: str) -> None:
    try:
        result = process.Runner().run('ssh-keygen', *words, timeout=_TIMEOUT)
    except exception.ToolNotFound as error:
        raise errors.AioError(
            'ssh-keygen is missing.', error.details,
            'Install it: apt-get install openssh-client.') from error
    if result.exit_code:
        raise errors.AioError(
            'ssh-keygen failed.', result.details(),
            'Check that the state directory can be written.')
