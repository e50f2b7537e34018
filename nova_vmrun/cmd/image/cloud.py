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

"""A cloud, reached with the credentials of the openstack command."""

import hashlib
import os

from glanceclient.common import progressbar
from glanceclient import exc as glance_exceptions
from glanceclient.v2 import client as glance_client
from keystoneauth1 import exceptions as keystone_exceptions
from openstack import config
from openstack import exceptions as openstack_exceptions

from nova_vmrun import exception

_ALGORITHM = 'sha512'
_CHUNK = 1 << 20


def log_in(name=None):
    """Returns a cloud whose credentials were tried.

    :param name: of a cloud in clouds.yaml; None: what OS_CLOUD or the other
        OS_* variables say
    :returns: an openstack.config.cloud_region.CloudRegion
    :raises InvalidConfiguration: no credentials, or they are refused
    """
    try:
        cloud = config.OpenStackConfig().get_one(cloud=name)
        session = cloud.get_session()
        # Now, and not after half an hour of reading a disk.
        session.get_token()
        return cloud
    except (openstack_exceptions.SDKException,
            keystone_exceptions.ClientException) as error:
        raise exception.InvalidConfiguration(
            'The cloud cannot be reached with these credentials.',
            str(error),
            'Set the OS_* variables or write a clouds.yaml as for the '
            'openstack command, and try "openstack token issue".')


def connect(name=None):
    """Returns a client of Glance.

    :param name: of a cloud, as log_in takes it
    :returns: a glanceclient.v2.client.Client
    :raises InvalidConfiguration: no credentials, or they are refused
    """
    cloud = log_in(name)
    return glance_client.Client(
        session=cloud.get_session(), region_name=cloud.region_name or None,
        interface=cloud.get_interface('image'),
        endpoint_override=cloud.get_endpoint('image'))


def upload(client, path, attributes, name):
    """Makes an image of a file and checks what Glance has got.

    :param client: what connect returned
    :param path: the file
    :param attributes: dict: name, disk_format and so on, and properties
    :param name: what the file was made of, for errors
    :returns: what Glance says of the image, a mapping
    :raises VmrunError: Glance refuses it, or has got other bytes; nothing of
        the image is left then
    """
    image_id = None
    try:
        image_id = client.images.create(**attributes)['id']
        reader = _send(client, image_id, path)
        image = client.images.get(image_id)
        _compare(image, path, reader, name)
        return image
    except BaseException as error:
        left = image_id and _remove(client, image_id)
        if isinstance(error, (glance_exceptions.ClientException,
                              keystone_exceptions.ClientException,
                              TypeError)):
            raise exception.UploadFailed(
                'Glance does not take %s.' % name,
                'It says: %s (%s).%s' % (
                    str(error).rstrip('.'), getattr(error, 'code', 'no code'),
                    left or ''),
                'See whether the quota and the properties are allowed, and '
                'the log of Glance.') from error
        raise


def _send(client, image_id, path):
    with open(path, 'rb') as file:
        reader = _Reader(file)
        client.images.upload(
            image_id, progressbar.VerboseFileWrapper(
                reader, os.path.getsize(path)))
        return reader


def _compare(image, path, reader, name):
    algorithm, value = image.get('os_hash_algo'), image.get('os_hash_value')
    if not value:
        algorithm, value = 'md5', image.get('checksum')
    if algorithm == _ALGORITHM:
        expected = reader.digest.hexdigest()
    else:
        expected = _digest(path, algorithm)
    size = os.path.getsize(path)
    if (value, image.get('size'), reader.length) == (expected, size, size):
        return
    raise exception.UploadFailed(
        'The upload of %s as image %s was not complete.'
        % (name, image['id']),
        'Glance has %s bytes with %s %s; the file has %d with %s.'
        % (image.get('size'), algorithm, value, size, expected),
        'Try again; see the log of Glance if it happens twice.')


def _digest(path, algorithm):
    with open(path, 'rb') as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm,
                                      usedforsecurity=False)).hexdigest()


def _remove(client, image_id):
    """Removes an image; tells what is left if it cannot."""
    try:
        client.images.delete(image_id)
    except glance_exceptions.HTTPNotFound:
        return None
    except Exception as error:
        return ' Image %s is left and should be deleted: %s.' % (image_id,
                                                                 error)
    return None


class _Reader:
    """A file whose content is hashed on the way to Glance."""

    def __init__(self, file):
        self._file = file
        self.digest = hashlib.new(_ALGORITHM)
        self.length = 0

    def read(self, size=_CHUNK):
        data = self._file.read(size)
        self.digest.update(data)
        self.length += len(data)
        return data
