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

"""An image's properties about its disk and other images to attach."""

from nova_vmrun.catalog import obeyed
from nova_vmrun import exception
from nova_vmrun.machine.choices import request as requests


def linked_clone(request: requests.Request) -> requests.Choice[bool | None]:
    """Choose whether the root disk must be linked; None: either will do."""
    return request.image_choice(obeyed.LINKED_CLONE)


def disk_type(request: requests.Request) -> requests.Choice[str | None]:
    """Return the kind of VMDK that the image claims to be, or None."""
    return request.image_choice(obeyed.DISK_TYPE)


def storage_tag(request: requests.Request) -> requests.Choice[str | None]:
    """Choose the tag of the storage folder of the disks, or None."""
    found = request.flavor(obeyed.STORAGE_TAG)
    if found is None and request.flavor(obeyed.STORAGE_POLICY) is None:
        found = request.image(obeyed.STORAGE_TAG)
    return _or_none(found)


def storage_policy(request: requests.Request) -> requests.Choice[str | None]:
    """Choose the same by its name in Nova's vSphere driver."""
    return _or_none(request.flavor(obeyed.STORAGE_POLICY))


def ephemeral_storage_tag(request: requests.Request
                          ) -> requests.Choice[str | None]:
    """Choose the tag of the storage folder of ephemeral disks, or None."""
    return _or_none(request.flavor(obeyed.EPHEMERAL_STORAGE_TAG))


def swap_storage_tag(request: requests.Request) -> requests.Choice[str | None]:
    """Choose the tag of the storage folder of the swap disk, or None."""
    return _or_none(request.flavor(obeyed.SWAP_STORAGE_TAG))


def _or_none(found: requests.Property[str] | None
             ) -> requests.Choice[str | None]:
    if found is None or not found.value:
        return requests.Choice(None, requests.DEFAULT)
    return found.choose(found.value)


def iso_images(request: requests.Request) -> requests.Choice[tuple[str, ...]]:
    """Choose the ids of the images to attach as CD drives, in order."""
    found = request.image(obeyed.ISO_IMAGES)
    if found is None:
        return requests.Choice((), requests.DEFAULT)
    return found.choose(found.value, written=found.text)


def floppy_image(request: requests.Request) -> requests.Choice[str | None]:
    """Choose the id of the image in the floppy drive, or None."""
    found = request.image(obeyed.FLOPPY_IMAGE)
    if found is None:
        return requests.Choice(None, requests.DEFAULT)
    if request.is_arm:
        raise exception.InvalidProperty(
            found.name, found.text, 'Apple silicon has no floppy drive.',
            'Use an ISO image.')
    return found.choose(found.value)


def tools_isos(request: requests.Request) -> requests.Choice[tuple[str, ...]]:
    """Choose the files from the product's folder of ISO images."""
    found = request.image(obeyed.TOOLS_ISOS)
    if found is None:
        return requests.Choice((), requests.DEFAULT)
    return found.choose(tuple(word + '.iso' for word in found.value),
                        written=','.join(found.value))
