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

"""Images in Glance, read as the user who asked for the server."""

from nova import exception as nova_exception
from nova.image import glance
from nova.virt import images
from oslo_log import log as logging

from nova_vmrun import exception

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

    :param context: nova.context.RequestContext of the user
    :param instance: nova.objects.Instance that it is for
    :param image_id: its id
    """
    def download(path):
        LOG.info('Fetching image %s', image_id, instance=instance)
        images.fetch(context, image_id, path,
                     trusted_certs=instance.trusted_certs)

    return download
