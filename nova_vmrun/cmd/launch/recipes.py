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

"""What to launch: a known image, an address or a file."""

from collections.abc import Mapping
import dataclasses
import os
import pathlib
import platform

from nova_vmrun.cmd.launch import catalogue
from nova_vmrun.cmd.launch import store
from nova_vmrun import exception

# MiB for an image that nobody knows; enough for most systems' first boot.
_MEMORY = 512
_ADMIN_USER = 'os_admin_user'


@dataclasses.dataclass(frozen=True)
class Recipe:
    """An image, and what is known about it.

    :ivar name: for the image
    :ivar path: of the file; None: it is to be downloaded
    :ivar source: where to download it; None: it is a file
    :ivar min_memory: MiB
    :ivar min_disk: GB; 0: nobody knows
    :ivar ready: regular expression for the line of the console that ends the
        first boot
    :ivar properties: of the image
    """

    name: str
    path: str | None
    source: store.Source | None
    min_memory: int
    min_disk: int
    ready: str
    properties: Mapping[str, str]


def find(image: str, images: catalogue.Catalogue, architecture: str,
         checksum: str | None) -> Recipe:
    """Return the recipe for what a user has named.

    :param image: the name of a known image, an address, or a path
    :param architecture: amd64 or arm64
    :param checksum: ALGORITHM:DIGEST from the user, or None
    :raises InvalidInput: there is no such image
    """
    digest = store.parse_digest(checksum) if checksum else None
    entry = images.find(image)
    if entry is not None:
        return _known(entry, architecture, digest)
    if catalogue.is_address(image):
        source = store.Source(image, digest)
        return _unknown(source.file_name, None, source)
    if not os.path.exists(image):
        close = images.close_names(image)
        raise exception.InvalidInput(
            'There is no image %s: neither a known one, nor a file.' % image,
            'Similar names: %s.' % ', '.join(close) if close else '',
            'List the known images with "nova-vmrun launch --list".')
    if digest:
        store.verify(pathlib.Path(image), digest)
    return _unknown(os.path.basename(os.path.normpath(image)), image, None)


def host_architecture() -> str:
    """Return the architecture of this machine, amd64 or arm64."""
    machine = platform.machine()
    return 'arm64' if machine in ('arm64', 'aarch64') else 'amd64'


def _known(entry: catalogue.Entry, architecture: str,
           digest: store.Digest | None) -> Recipe:
    build = entry.build(architecture)
    expected: store.Digest | store.ChecksumFile | None = digest
    if expected is None and build.checksums:
        expected = store.ChecksumFile(build.checksums, entry.checksum_format,
                                      entry.algorithm)
    properties = {_ADMIN_USER: entry.user,
                  'architecture': catalogue.ARCHITECTURES[architecture]}
    if architecture == 'arm64':
        # There are no such machines with a BIOS.
        properties['hw_firmware_type'] = 'uefi'
    properties.update(entry.properties)
    return Recipe(entry.name, None, store.Source(build.address, expected),
                  entry.min_memory, entry.min_disk, entry.ready, properties)


def _unknown(file_name: str, path: str | None,
             source: store.Source | None) -> Recipe:
    name = os.path.splitext(file_name.removesuffix('.xz'))[0] or file_name
    return Recipe(name, path, source, _MEMORY, 0,
                  catalogue.CLOUD_INIT_IS_READY, {})
