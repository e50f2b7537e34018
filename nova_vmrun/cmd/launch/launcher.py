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

"""The steps of a launch, and what it tells at the end."""

from collections.abc import Sequence
import dataclasses
import os
import pathlib
from typing import NamedTuple

from glanceclient.v2 import client as glance_client
from openstack import connection
from oslo_utils import units

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.cmd.image import cloud as clouds
from nova_vmrun.cmd.image import prepare
from nova_vmrun.cmd.image import source as sources
from nova_vmrun.cmd.launch import boot
from nova_vmrun.cmd.launch import choices
from nova_vmrun.cmd.launch import commands
from nova_vmrun.cmd.launch import images
from nova_vmrun.cmd.launch import keys
from nova_vmrun.cmd.launch import progress as progresses
from nova_vmrun.cmd.launch import recipes
from nova_vmrun.cmd.launch import store
from nova_vmrun.cmd import own_cloud


class Cloud(NamedTuple):
    """Access to a cloud.

    :ivar options: that name the cloud to "nova-vmrun ssh"
    """

    sdk: connection.Connection
    glance: glance_client.Client
    options: list[str]


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What a user wants otherwise than it would be chosen.

    :ivar key: path of a public key
    :ivar properties: of the image
    :ivar wait: whether to wait for the end of the first boot
    :ivar ready: regular expression for the line that ends it
    :ivar timeout: seconds for the start, and again for the first boot
    """

    name: str | None = None
    flavor: str | None = None
    network: str | None = None
    key: pathlib.Path | None = None
    user: str | None = None
    properties: Sequence[tuple[str, str]] = ()
    wait: bool = False
    ready: str | None = None
    timeout: float = 900


@dataclasses.dataclass(frozen=True)
class Result:
    """A server that was launched.

    :ivar user: the user to log in as; None: that of the image
    :ivar cloud_options: the options that name the cloud to "nova-vmrun ssh"
    :ivar commands: the openstack commands that do the same
    """

    server: boot.Server
    user: str | None
    key: keys.PublicKey
    cloud_options: list[str]
    commands: Sequence[Sequence[str]]

    def ssh(self) -> list[str]:
        """Return the command that logs in."""
        return commands.ssh(self.server.id, self.cloud_options, self.user,
                            self.key)

    def text(self) -> str:
        """Return what a user wants to know at the end."""
        server = self.server
        lines = ['', 'Server %s (%s) has %s.' % (
            server.name, server.id, 'the address %s' % server.address
            if server.address else 'no address')]
        if server.address:
            lines += ['', 'Log in:', '  ' + commands.text(self.ssh())]
        lines += [
            '', 'See its console and its screen:',
            '  openstack console log show %s' % server.id,
            '  openstack console url show %s' % server.id,
            '', 'This launch stands for:']
        lines += ['  ' + commands.text(list(words))
                  for words in self.commands]
        lines += ['', 'Delete it:',
                  '  openstack server delete %s' % server.id]
        return '\n'.join(lines) + '\n'


def connect(name: str | None, state_dir: str | None) -> Cloud:
    """Return a cloud after trying the credentials for it.

    :param name: of a cloud in clouds.yaml, or None
    :param state_dir: directory of a control plane of "aio up", if that is the
        cloud to use
    :raises AioError: there is no control plane in the directory
    :raises InvalidConfiguration: there are no credentials, or they are
        refused
    """
    if state_dir is not None:
        region = own_cloud.log_in(aio_layout.Layout(state_dir))
        options = ['--state-dir', state_dir]
    else:
        region = clouds.log_in(name)
        options = ['--os-cloud', name] if name else []
    return Cloud(connection.Connection(config=region,
                                       compute_api_version='2'),
                 clouds.image_client(region), options)


class Launcher:
    """Launches servers in one cloud.

    :param downloaded: the images that were downloaded
    """

    def __init__(self, cloud: Cloud, downloaded: store.Store,
                 progress: progresses.Progress) -> None:
        self._cloud = cloud
        self._store = downloaded
        self._progress = progress
        self._commands: list[list[str]] = []

    def launch(self, recipe: recipes.Recipe, wishes: Wishes) -> Result:
        """Launch a server.

        :raises VmrunError: a step fails; what earlier steps have made stays,
            and the next launch uses it
        """
        # What can fail at once comes before the download.
        network = choices.network(self._cloud.sdk, wishes.network)
        key, key_name = self._key(wishes)
        image = self._image(recipe, wishes)
        flavor = self._flavor(recipe, wishes, image)
        request = boot.Request(wishes.name or recipe.name, image.id, flavor,
                               network, key_name)
        self._commands.append(commands.server_create(
            request, image.name if images.has_own_name(
                self._cloud.glance, image) else image.id))
        booter = boot.Booter(self._cloud.sdk, self._progress, wishes.timeout)
        server = booter.create(request)
        if wishes.wait:
            booter.wait_until_ready(server, wishes.ready or recipe.ready)
        return Result(server, wishes.user, key, self._cloud.options,
                      self._commands)

    def _key(self, wishes: Wishes) -> tuple[keys.PublicKey, str]:
        key = keys.read(wishes.key) if wishes.key else keys.find_or_make(
            pathlib.Path.home() / '.ssh', keys.own_folder())
        name, is_new = keys.register(self._cloud.sdk, key)
        self._progress.line('SSH key %s (%s)' % (key.path, name))
        if is_new:
            self._commands.append(commands.keypair_create(key, name))
        return key, name

    def _image(self, recipe: recipes.Recipe, wishes: Wishes) -> images.Image:
        path = recipe.path
        if recipe.source is not None:
            path = str(self._store.fetch(recipe.source).path)
        assert path is not None
        given = [*recipe.properties.items(), *wishes.properties]
        source = sources.find(path)
        preparation = prepare.Preparation(source, given, self._progress.line)
        with preparation.file(None, 'qemu-img') as file:
            attributes = preparation.attributes(file)
            image = images.find(self._cloud.glance, file, attributes,
                                self._cloud.sdk.current_project_id)
            if image is not None:
                self._progress.line('Image %s (%s) is there already'
                                    % (image.name, image.id))
                return image
            self._progress.line('Uploading image %s, %d MiB' % (
                recipe.name, -(-os.path.getsize(file) // units.Mi)))
            image = images.upload(self._cloud.glance, file, recipe.name,
                                  attributes, path)
        self._commands.append(
            commands.image_create(source.path, recipe.name, attributes)
            if preparation.is_file_as_it_is else
            commands.image_upload(path, recipe.name, preparation.properties))
        return image

    def _flavor(self, recipe: recipes.Recipe, wishes: Wishes,
                image: images.Image) -> choices.Flavor:
        flavor, is_new = choices.flavor(
            self._cloud.sdk, wishes.flavor, recipe.min_memory,
            max(recipe.min_disk, image.min_disk, 1))
        self._progress.line('Flavor %s: %d MiB of memory, %d GB of disk' % (
            flavor.name, flavor.ram, flavor.disk))
        if is_new:
            self._commands.append(commands.flavor_create(flavor))
        return flavor
