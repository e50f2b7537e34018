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

"""The openstack commands that a launch stands for."""

from collections.abc import Mapping
import shlex
from typing import Any

from nova_vmrun.cmd.launch import boot
from nova_vmrun.cmd.launch import choices
from nova_vmrun.cmd.launch import images
from nova_vmrun.cmd.launch import keys


def image_create(path: str, name: str,
                 attributes: Mapping[str, Any]) -> list[str]:
    """Return the words that upload an image."""
    words = ['openstack', 'image', 'create', '--file', path,
             '--disk-format', attributes['disk_format'],
             '--container-format', attributes['container_format'],
             '--min-disk', str(attributes['min_disk'])]
    for pair in images.properties(attributes).items():
        words += ['--property', '%s=%s' % pair]
    return [*words, name]


def image_upload(source: str, name: str,
                 properties: Mapping[str, str]) -> list[str]:
    """Return the words that upload a disk that must be converted first."""
    words = ['nova-vmrun', 'image', 'upload', '--name', name]
    for pair in sorted(properties.items()):
        words += ['--property', '%s=%s' % pair]
    return [*words, source]


def flavor_create(flavor: choices.Flavor) -> list[str]:
    """Return the words that make a flavor."""
    return ['openstack', 'flavor', 'create', '--ram', str(flavor.ram),
            '--disk', str(flavor.disk), '--vcpus', str(flavor.vcpus),
            flavor.name]


def keypair_create(key: keys.PublicKey, name: str) -> list[str]:
    """Return the words that register a key."""
    return ['openstack', 'keypair', 'create', '--public-key', str(key.path),
            name]


def server_create(request: boot.Request, image: str) -> list[str]:
    """Return the words that create a server.

    :param image: name or id of the image
    """
    return ['openstack', 'server', 'create', '--image', image, '--flavor',
            request.flavor.name, '--network', request.network.name,
            '--key-name', request.key_name, '--wait', request.name]


def ssh(server_id: str, cloud: list[str], user: str | None,
        key: keys.PublicKey) -> list[str]:
    """Return the words that log in to a server.

    :param cloud: the options that name the cloud
    :param user: None: the user of the image
    """
    words = ['nova-vmrun', 'ssh', *cloud]
    if user:
        words += ['--login', user]
    if key.is_ours:
        words += ['--identity', str(key.private_path)]
    return [*words, server_id]


def text(words: list[str]) -> str:
    """Return a command as one types it."""
    return shlex.join(words)
