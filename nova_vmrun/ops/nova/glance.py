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

"""Images in Glance, as the user who asked for the server sees them."""

import os

from nova import exception as nova_exception
from nova.image import glance
from nova.virt import images
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.host import space
from nova_vmrun.ops import progress

LOG = logging.getLogger(__name__)


def show(context, image_id):
    """Returns what Glance says of an image.

    :param context: nova.context.RequestContext of the user
    :param image_id: its id
    :returns: dict, among others disk_format and properties
    :raises ImageRefused: the user must not see it, or it has no content
    """
    try:
        image = glance.API().get(context, image_id)
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


def downloader(context, instance, image_id):
    """Returns a function that writes an image's content to a path.

    glanceclient compares what comes with the hash that Glance has of it.

    :param context: nova.context.RequestContext of the user
    :param instance: nova.objects.Instance that it is for; None: it is fetched
        before there is one
    :param image_id: its id
    """
    def download(path):
        _require_space(show(context, image_id), os.path.dirname(path))
        LOG.info('Fetching image %s', image_id, instance=instance)
        images.fetch(context, image_id, path,
                     trusted_certs=instance and instance.trusted_certs)

    return download


def certificates(instance):
    """Returns the ids of the certificates that a server's images must have.

    :param instance: nova.objects.Instance
    :returns: list, empty if the user named none
    """
    return list(instance.trusted_certs.ids) if instance.trusted_certs else []


def _require_space(image, folder):
    """Refuses an image before a byte of it is written.

    :raises DiskFull: not even the image itself has space
    """
    space.of_instances(folder).require(
        image.get('size') or 0,
        'There is not enough space to fetch image %s.' % image['id'])


def upload(context, instance, image_id, path, properties, obsolete):
    """Gives an image that Nova has made its content.

    :param context: nova.context.RequestContext that may change the image
    :param instance: nova.objects.Instance that the image is of
    :param image_id: its id
    :param path: the file, a VMDK
    :param properties: dict of properties that it gets
    :param obsolete: names of properties that it must not keep
    :raises ImageNotFound: Nova's; the image was deleted, now or before
    :raises VmrunError: Glance has not got the whole file
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
    # Nova begins a broken upload anew, but not the file that it reads.
    if image['size'] != size:
        raise exception.UploadFailed(
            'The upload of image %s was not complete.' % image_id,
            'Glance has %s bytes of %d.' % (image['size'], size),
            'See the log of Glance, and try again.')


def _raise_if_deleted(context, image_id, error):
    """Says what Nova understands: Glance has an answer for each moment."""
    if isinstance(error, nova_exception.ImageNotFound):
        return
    try:
        status = glance.API().get(context, image_id)['status']
    except nova_exception.ImageNotFound:
        status = 'deleted'
    except Exception as second:
        LOG.warning('Glance does not tell whether image %s exists: %s',
                    image_id, second)
        return
    if status in ('deleted', 'pending_delete'):
        raise nova_exception.ImageNotFound(image_id=image_id) from error
