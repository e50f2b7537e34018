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

"""The image of a server in Glance."""

from collections.abc import Mapping
import dataclasses
import hashlib
from typing import Any

from glanceclient.v2 import client as glance_client

from nova_vmrun.cmd.image import cloud as clouds
from nova_vmrun.cmd.launch import errors

# Attributes that are no properties.
_ATTRIBUTES = ('disk_format', 'container_format', 'min_disk')


@dataclasses.dataclass(frozen=True)
class Image:
    """An image in Glance.

    :ivar min_disk: GB that a root disk needs
    """

    id: str
    name: str
    min_disk: int


def find(client: glance_client.Client, path: str,
         attributes: Mapping[str, Any],
         project_id: str | None) -> Image | None:
    """Return the image that has the content of a file, or None.

    It counts only if its formats and properties are the same, too. So that no
    other project can add properties of its own or delete the image, it must be
    public or of this project; an administrator is shown all images.

    :param client: of Glance
    :param path: the file
    :param attributes: disk_format and so on, and properties
    :param project_id: whose images to use; None: only public ones
    """
    with open(path, 'rb') as file:
        digest = hashlib.file_digest(file, 'sha512').hexdigest()
    with errors.translated('list the images'):
        for found in client.images.list(filters={'os_hash_value': digest}):
            if (_is_same(found, digest, attributes) and
                    (found.get('visibility') == 'public' or
                     project_id is not None and
                     found.get('owner') == project_id)):
                return _image(found)
    return None


def upload(client: glance_client.Client, path: str, name: str,
           attributes: Mapping[str, Any], source: str) -> Image:
    """Upload a file.

    :param client: of Glance
    :param name: for the image
    :param attributes: as for find()
    :param source: what the file was made from, for errors
    :raises UploadFailed: Glance does not take it
    """
    return _image(clouds.upload(client, path, dict(attributes, name=name),
                                source))


def has_own_name(client: glance_client.Client, image: Image) -> bool:
    """Return whether no other image has the name of this one."""
    with errors.translated('list the images'):
        return [found['id'] for found in client.images.list(
            filters={'name': image.name})] == [image.id]


def properties(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return those attributes that are properties."""
    return {name: value for name, value in sorted(attributes.items())
            if name not in _ATTRIBUTES}


def _is_same(found: Mapping[str, Any], digest: str,
             attributes: Mapping[str, Any]) -> bool:
    return (found.get('status') == 'active' and
            found.get('os_hash_value') == digest and
            all(found.get(name) == value
                for name, value in attributes.items()))


def _image(found: Mapping[str, Any]) -> Image:
    return Image(found['id'], found['name'], found.get('min_disk') or 0)
