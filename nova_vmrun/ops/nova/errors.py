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

"""Our errors as Nova's: what the compute manager does depends on the class.

InvalidInput, ImageUnacceptable and FlavorDiskSmallerThanImage end a build at
once, since another host would do no better. Anything else makes Nova try the
next host. InstanceNotFound means that there is nothing to work on.
"""

import contextlib
import errno
import os
import re

from nova import conf
from nova import exception as nova_exception
from oslo_log import log as logging

from nova_vmrun import exception

LOG = logging.getLogger(__name__)


# What a file system says that is full, read-only, broken or another user's.
_OF_FILES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO,
             errno.EACCES, errno.EPERM)
# Nova cuts what a user is told at 255 bytes, and puts words of its own first.
_SHOWN = 180


class OperationFailed(nova_exception.NovaException):
    msg_fmt = '%(reason)s'


@contextlib.contextmanager
def as_nova(instance=None):
    """Turns our errors into Nova's.

    :param instance: nova.objects.Instance that is worked on
    """
    try:
        yield
    except exception.ImageRefused as error:
        raise nova_exception.ImageUnacceptable(
            image_id=error.image_id,
            reason=' '.join(filter(None, (error.reason, error.resolution))))
    except exception.DiskTooSmall as error:
        raise nova_exception.FlavorDiskSmallerThanImage(
            flavor_size=error.flavor_size, image_size=error.image_size)
    except exception.InvalidInput as error:
        LOG.warning('Refused: %s', error, instance=instance)
        raise nova_exception.InvalidInput(reason=str(error))
    except exception.VmNotFound as error:
        if instance is None:
            raise OperationFailed(reason=str(error))
        raise nova_exception.InstanceNotFound(instance_id=instance.uuid)
    except exception.VmrunError as error:
        # Nova tells nobody why a reboot failed that left the server running.
        LOG.warning('%s', error, instance=instance)
        raise OperationFailed(reason=_told(error, instance))
    except OSError as error:
        if error.errno not in _OF_FILES:
            raise
        LOG.exception('A file cannot be written', instance=instance)
        raise OperationFailed(
            reason=_told(_of_files(error, instance), instance))


def _told(error, instance):
    """Returns an error as one text; long details come at its end."""
    text = str(error)
    if len(text) > _SHOWN:
        text = ' '.join(filter(None, (error.brief, error.resolution,
                                      error.details)))
    return _without_folder(text, instance) if instance else text


def _without_folder(text, instance):
    """Names the files of a server as they are called in its folder.

    Their paths would leave no room for the cause, and where a host keeps its
    servers is not for its users.
    """
    text = re.sub(r'(?<![^\s\'"(])(/|[A-Za-z]:\\)[^\'",]*?[/\\]%s[/\\]'
                  % re.escape(instance.uuid), '', text)
    # The cache lies beside it, and programs are told its files by JSON too.
    root = os.path.abspath(conf.CONF.instances_path)
    return text.replace(os.path.join(root, ''), '')


def _of_files(error, instance):
    whose = 'server %s' % instance.uuid if instance else 'this host'
    return exception.VmrunError(
        'A file of %s cannot be written: %s.'
        % (whose, os.strerror(error.errno)), 'The system says: %s.' % error,
        'See that the file system of the instances is whole, writable and '
        'has space.')


@contextlib.contextmanager
def rolled_back(instance):
    """Tells Nova that the server is as it was, and stays in its state.

    :param instance: nova.objects.Instance that is worked on
    :raises InstanceFaultRollback: Nova's, instead of any error of ours
    """
    try:
        with as_nova(instance):
            yield
    except nova_exception.NovaException as error:
        raise nova_exception.InstanceFaultRollback(error)
