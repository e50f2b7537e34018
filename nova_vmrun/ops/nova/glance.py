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

"""Access to Glance as the user who asked for the server."""

from collections import abc
import os
from typing import Any

from nova import context as nova_context
from nova import exception as nova_exception
from nova.image import glance
from nova.objects import instance as nova_instance
from nova.virt import images
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.host import space
from nova_vmrun.ops import progress

LOG = logging.getLogger(__name__)


def show(context: nova_context.RequestContext,
         image_id: str) -> dict[str, Any]:
    """Return an image's record in Glance, with disk_format and properties.

    :param context: of the user
    :raises ImageRefused: the user cannot read it, or it has no data
    """
    try:
        image: dict[str, Any] = glance.API().get(context, image_id)
    except (nova_exception.ImageNotFound,
            nova_exception.ImageNotAuthorized):
        raise exception.ImageRefused(
            image_id, 'The user has no such image.',
            'Correct the property that names it, or have it shared.')
    if image['status'] != 'active':
        raise exception.ImageRefused(
            image_id, 'Its status is %s.' % image['status'],
            'Use an image that is active.')
    return image


def downloader(context: nova_context.RequestContext,
               instance: nova_instance.Instance | None,
               image_id: str) -> abc.Callable[[str], None]:
    """Return a function that downloads an image to a path.

    glanceclient compares the data with the hash that Glance has.

    :param context: of the user
    :param instance: the server that it is for; None: a future server
    """
    def download(path: str) -> None:
        _require_space(show(context, image_id), os.path.dirname(path))
        LOG.info('Fetching image %s', image_id, instance=instance)
        images.fetch(context, image_id, path,
                     trusted_certs=instance and instance.trusted_certs)

    return download


def certificates(instance: nova_instance.Instance) -> list[str]:
    """Return the ids of the trusted certificates that the user named."""
    return list(instance.trusted_certs.ids) if instance.trusted_certs else []


def _require_space(image: dict[str, Any], folder: str) -> None:
    """Raise DiskFull if there is no space for the image itself."""
    space.of_instances(folder).require(
        image.get('size') or 0,
        'There is not enough space to fetch image %s.' % image['id'])


def upload(context: nova_context.RequestContext,
           instance: nova_instance.Instance, image_id: str, path: str,
           properties: dict[str, Any], obsolete: abc.Iterable[str]) -> None:
    """Upload the data of an image that Nova has created.

    :param context: of a user who may change the image
    :param instance: the server that the image was made from
    :param path: the file, a VMDK
    :param properties: to set on the image
    :param obsolete: names of properties to delete from the image
    :raises ImageNotFound: Nova's; the image was deleted
    :raises UploadFailed: Glance does not have the whole file
    """
    inherited = glance.API().get(context, image_id)['properties']
    purge = bool(set(inherited) & set(obsolete))
    if purge:
        kept = {name: value for name, value in inherited.items()
                if name not in obsolete}
        properties = dict(kept, **properties)
    size = os.path.getsize(path)
    LOG.info('Uploading %d bytes as image %s', size, image_id,
             instance=instance)
    try:
        with open(path, 'rb') as file:
            image = glance.API().update(
                context, image_id,
                {'disk_format': 'vmdk', 'container_format': 'bare',
                 'properties': properties},
                data=progress.Reader(file, 'Uploading', instance),
                purge_props=purge)
    except Exception as error:
        _raise_if_deleted(context, image_id, error)
        raise
    # Nova repeats a failed upload, but from where the file was read to.
    if image['size'] != size:
        raise exception.UploadFailed(
            'The upload of image %s is incomplete.' % image_id,
            'Glance has %s bytes of %d.' % (image['size'], size),
            'Look at the log of Glance, and try again.')


def _raise_if_deleted(context: nova_context.RequestContext, image_id: str,
                      error: Exception) -> None:
    """Raise ImageNotFound for all errors that Glance has for it."""
    if isinstance(error, nova_exception.ImageNotFound):
        return
    try:
        status = glance.API().get(context, image_id)['status']
    except nova_exception.ImageNotFound:
        status = 'deleted'
    except Exception as second:
        LOG.warning('Cannot find out whether image %s exists: %s',
                    image_id, second)
        return
    if status in ('deleted', 'pending_delete'):
        raise nova_exception.ImageNotFound(image_id=image_id) from error
