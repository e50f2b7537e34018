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

"""The SSH key with which a user gets into a server."""

import base64
import binascii
from collections.abc import Mapping
import dataclasses
import hashlib
import os
import pathlib
import tempfile
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives import serialization

from nova_vmrun.cmd.launch import errors
from nova_vmrun import exception

if TYPE_CHECKING:
    from openstack import connection

# In the order in which ssh offers them.
_NAMES = ('id_ed25519.pub', 'id_ecdsa.pub', 'id_rsa.pub')
_TYPES = ('ssh-ed25519', 'ssh-rsa', 'ecdsa-sha2-nistp256',
          'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521')
_LONGEST = 16384


@dataclasses.dataclass(frozen=True)
class PublicKey:
    """A public key, and where it is.

    :ivar path: of the file with the public key
    :ivar type: such as ssh-ed25519
    :ivar blob: the key itself, in base64
    :ivar is_ours: whether it was made for nova-vmrun, so that ssh must be
        told to use it
    """

    path: pathlib.Path
    type: str
    blob: str
    is_ours: bool = False

    @property
    def text(self) -> str:
        return '%s %s' % (self.type, self.blob)

    @property
    def name(self) -> str:
        """The name of its key pair in Nova, unless it has one already."""
        return 'nova-vmrun-%s' % hashlib.sha256(
            self.blob.encode()).hexdigest()[:8]

    @property
    def private_path(self) -> pathlib.Path:
        return self.path.with_suffix('')


def own_folder(environ: Mapping[str, str] = os.environ) -> pathlib.Path:
    """Return the folder of keys that were made for nova-vmrun.

    :param environ: environment variables
    """
    base = environ.get('XDG_DATA_HOME')
    if not base or not os.path.isabs(base):
        base = os.path.join(os.path.expanduser('~'), '.local', 'share')
    return pathlib.Path(base, 'nova-vmrun')


def find_or_make(ssh_folder: pathlib.Path,
                 folder: pathlib.Path) -> PublicKey:
    """Return the user's key, or one that is made for nova-vmrun.

    Of the user's keys, only the public halves are read.

    :param ssh_folder: ~/.ssh
    :param folder: where to make a key, if there is none
    """
    for name in _NAMES:
        path = ssh_folder / name
        if path.is_file():
            return read(path)
    path = folder / 'id_ed25519.pub'
    if not path.is_file():
        _make(path)
    return dataclasses.replace(read(path), is_ours=True)


def read(path: pathlib.Path) -> PublicKey:
    """Read a public key.

    :raises InvalidInput: the file contains something else
    """
    with open(path, 'rb') as file:
        data = file.read(_LONGEST)
    if b'PRIVATE KEY' in data:
        raise exception.InvalidInput(
            '%s is a private key.' % path, '',
            'Name the public key; its name usually ends in .pub.')
    words = data.decode('utf-8', 'replace').split(None, 2)
    if len(words) >= 2 and words[0] in _TYPES and _is_base64(words[1]):
        return PublicKey(path, words[0], words[1])
    raise exception.InvalidInput(
        '%s is not a public key that Nova accepts.' % path,
        'It must begin with %s.' % ', '.join(_TYPES),
        'Make one with "ssh-keygen -t ed25519".')


def register(cloud: 'connection.Connection',
             key: PublicKey) -> tuple[str, bool]:
    """Return the name of a key's pair in Nova, and whether it is new."""
    with errors.translated('register the SSH key %s' % key.path):
        for pair in cloud.compute.keypairs():
            if str(pair.public_key).split()[:2] == [key.type, key.blob]:
                return str(pair.name), False
        cloud.compute.create_keypair(name=key.name, public_key=key.text)
        return key.name, True


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return False


def _make(path: pathlib.Path) -> None:
    """Make a key; its public half appears last."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = ed25519.Ed25519PrivateKey.generate()
    _write(path.with_suffix(''), private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption()))
    _write(path, private.public_key().public_bytes(
        serialization.Encoding.OpenSSH,
        serialization.PublicFormat.OpenSSH) + b' nova-vmrun\n')


def _write(path: pathlib.Path, data: bytes) -> None:
    """Write a file that only its owner can read."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
    os.replace(file.name, path)
