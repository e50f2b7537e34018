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

"""What an image says of its disk, and of other images to be attached."""

from nova_vmrun.catalog import properties as props
from nova_vmrun import exception
from nova_vmrun.machine.choices import request as requests


def _nothing(value: object) -> requests.Choice:
    return requests.Choice(value, 'default')


def linked_clone(request: requests.Request) -> requests.Choice:
    """Tells whether the image insists on a linked disk; None: it does not."""
    asked = request.image(*props.names('cow'), 'img_linked_clone',
                          'vmware_linked_clone')
    if not asked.name:
        return _nothing(None)
    return asked.choose(props.boolean(asked.name, asked.value))


def disk_type(request: requests.Request) -> requests.Choice:
    """Tells what kind of VMDK the image claims to be, or None."""
    asked = request.image(*props.DISK_TYPE_NAMES)
    if not asked.name:
        return _nothing(None)
    return asked.choose(props.disk_type(request.properties))


def iso_images(request: requests.Request) -> requests.Choice:
    """Lists ids of images that are to be CD drives, in order."""
    asked = request.image(*props.names('iso_images'))
    if not asked.name:
        return _nothing(())
    return asked.choose(props.image_ids(asked.name, asked.value),
                        shown=asked.value)


def floppy_image(request: requests.Request) -> requests.Choice:
    """Tells the id of the image in the floppy drive, or None."""
    asked = request.image(*props.names('floppy_image'))
    if not asked.name:
        return _nothing(None)
    ids = props.image_ids(asked.name, asked.value)
    if len(ids) > 1:
        raise exception.InvalidProperty(
            asked.name, asked.value, 'There is one floppy drive.',
            'Name one image.')
    if request.is_arm:
        raise exception.InvalidProperty(
            asked.name, asked.value, 'Apple silicon has no floppy drive.',
            'Use an ISO image.')
    return asked.choose(ids[0])


def tools_isos(request: requests.Request) -> requests.Choice:
    """Lists file names in the product's own folder of ISO images."""
    asked = request.image(*props.names('tools_iso'))
    if not asked.name:
        return _nothing(())
    words = props.words(asked.name, asked.value, props.TOOLS_ISOS)
    return asked.choose(tuple(word + '.iso' for word in words),
                        shown=','.join(words))
