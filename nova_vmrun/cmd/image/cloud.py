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

"""Access to a cloud with the credentials of the openstack command."""

from collections.abc import Mapping
import hashlib
import os
from typing import Any, BinaryIO

from glanceclient.common import progressbar
from glanceclient import exc as glance_exceptions
from glanceclient.v2 import client as glance_client
from keystoneauth1 import exceptions as keystone_exceptions
from openstack import config
from openstack.config import cloud_region
from openstack import exceptions as openstack_exceptions

from nova_vmrun import exception
from nova_vmrun.host import files

_ALGORITHM = 'sha512'
_CHUNK = 1 << 20


def log_in(name: str | None = None,
           clouds_file: str | None = None) -> cloud_region.CloudRegion:
    """Return a cloud after trying the credentials for it.

    :param name: of a cloud in clouds.yaml; None: take it from OS_CLOUD or the
        other OS_* variables
    :param clouds_file: the only clouds.yaml to read; None: those that the
        openstack command reads
    :raises InvalidConfiguration: there are no credentials, or they are
        refused
    """
    try:
        cloud = config.OpenStackConfig(
            config_files=[clouds_file] if clouds_file else None,
            load_envvars=clouds_file is None).get_one(cloud=name)
        session = cloud.get_session()
        # Fail now, not after half an hour of reading a disk.
        session.get_token()
        return cloud
    except (openstack_exceptions.SDKException,
            keystone_exceptions.ClientException) as error:
        raise exception.InvalidConfiguration(
            'Cannot log in to the cloud with these credentials.',
            str(error),
            'Set the OS_* variables or write a clouds.yaml as for the '
            'openstack command, and try "openstack token issue".')


def connect(name: str | None = None) -> glance_client.Client:
    """Return a client of Glance.

    :param name: of a cloud, as for log_in()
    :raises InvalidConfiguration: there are no credentials, or they are
        refused
    """
    return image_client(log_in(name))


def image_client(cloud: cloud_region.CloudRegion) -> glance_client.Client:
    """Return a client of a cloud's Glance.

    :param cloud: as returned by log_in()
    """
    return glance_client.Client(
        session=cloud.get_session(), region_name=cloud.region_name or None,
        interface=cloud.get_interface('image'),
        endpoint_override=cloud.get_endpoint('image'))


def upload(client: glance_client.Client, path: str,
           attributes: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Create an image from a file, and check what Glance received.

    :param client: as returned by connect()
    :param path: the file
    :param attributes: name, disk_format and so on, and properties
    :param name: what the file was made from, for errors
    :returns: the image as Glance returns it
    :raises UploadFailed: Glance refuses it or has received other bytes; the
        image is deleted
    """
    image_id: str | None = None
    try:
        image_id = client.images.create(**attributes)['id']
        reader = _send(client, image_id, path)
        image: Mapping[str, Any] = client.images.get(image_id)
        _compare(image, path, reader, name)
        return image
    except BaseException as error:
        remains = _remove(client, image_id) if image_id else ''
        if isinstance(error, (glance_exceptions.ClientException,
                              keystone_exceptions.ClientException,
                              TypeError)):
            raise exception.UploadFailed(
                'Glance does not accept %s.' % name,
                'It says: %s (%s).%s' % (
                    str(error).rstrip('.'), getattr(error, 'code', 'no code'),
                    remains),
                'Check the quota, the properties and the log of Glance.'
            ) from error
        raise


def _send(client: glance_client.Client, image_id: str,
          path: str) -> '_Reader':
    with open(path, 'rb') as file:
        reader = _Reader(file)
        client.images.upload(
            image_id, progressbar.VerboseFileWrapper(
                reader, os.path.getsize(path)))
        return reader


def _compare(image: Mapping[str, Any], path: str, reader: '_Reader',
             name: str) -> None:
    if image.get('os_hash_value'):
        algorithm, value = image['os_hash_algo'], image['os_hash_value']
    else:
        algorithm, value = 'md5', image.get('checksum')
    if algorithm == _ALGORITHM:
        expected = reader.digest.hexdigest()
    else:
        expected = files.digest(path, algorithm)
    size = os.path.getsize(path)
    if (value, image.get('size'), reader.length) == (expected, size, size):
        return
    raise exception.UploadFailed(
        'The upload of %s as image %s is incomplete.'
        % (name, image['id']),
        'Glance has %s bytes with %s %s; the file has %d with %s.'
        % (image.get('size'), algorithm, value, size, expected),
        'Try again; see the log of Glance if it happens twice.')


def _remove(client: glance_client.Client, image_id: str) -> str:
    """Delete an image; if that fails, return a sentence that says so."""
    try:
        client.images.delete(image_id)
    except glance_exceptions.HTTPNotFound:
        return ''
    except Exception as error:
        return ' Image %s could not be deleted: %s.' % (image_id, error)
    return ''


class _Reader:
    """A file whose content is hashed while Glance reads it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.new(_ALGORITHM)
        self.length = 0

    def read(self, size: int = _CHUNK) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        self.length += len(data)
        return data
