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

"""Translation of our errors to Nova's.

What the compute manager does depends on the class that it gets:

* InvalidInput, ImageUnacceptable and FlavorDiskSmallerThanImage end a build at
  once, since another host would do no better;
* InstanceNotFound means that there is nothing left to work on;
* after any other error of a build, Nova tries the next host;
* InstanceFaultRollback leaves the server in the state that it was in.

Nothing else in nova-vmrun turns a VmrunError into one of Nova's exceptions.
"""

from collections import abc
import contextlib
import errno
import functools
import inspect
import os
import re
from typing import ParamSpec, TypeVar

from nova import conf
from nova import exception as nova_exception
from nova.objects import instance as nova_instance
from oslo_log import log as logging

from nova_vmrun import exception

LOG = logging.getLogger(__name__)

_P = ParamSpec('_P')
_T = TypeVar('_T')

# A file system that is full, read-only, broken or not ours.
_FILE_SYSTEM_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO,
                       errno.EACCES, errno.EPERM)
# Nova shows users 255 bytes, some of which are words of its own.
_MAX_SHOWN = 180


class OperationFailed(nova_exception.NovaException):
    msg_fmt = '%(reason)s'


@contextlib.contextmanager
def as_nova(instance: nova_instance.Instance | None = None
            ) -> abc.Iterator[None]:
    """Raise Nova's exceptions instead of ours, and of a broken file system.

    :param instance: the server; None if the operation concerns none
    """
    try:
        yield
    except exception.VmrunError as error:
        raise translate(error, instance)
    except OSError as error:
        if error.errno not in _FILE_SYSTEM_ERRNOS:
            raise
        LOG.exception('Cannot write a file', instance=instance)
        raise translate(_file_system_failed(error, instance), instance)


def translated(method: abc.Callable[_P, _T]) -> abc.Callable[_P, _T]:
    """Decorate a method that raises Nova's exceptions instead of ours.

    Its parameter ``instance``, if it has one, is the server.
    """
    signature = inspect.signature(method)

    @functools.wraps(method)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        with as_nova(signature.bind(*args, **kwargs).arguments.get(
                'instance')):
            return method(*args, **kwargs)

    return wrapper


@contextlib.contextmanager
def rolled_back(instance: nova_instance.Instance) -> abc.Iterator[None]:
    """Tell Nova that the server stays in its state if the block fails.

    :raises InstanceFaultRollback: Nova's, instead of any error of ours
    """
    try:
        with as_nova(instance):
            yield
    except nova_exception.NovaException as error:
        raise nova_exception.InstanceFaultRollback(error)


@contextlib.contextmanager
def power_off_failed() -> abc.Iterator[None]:
    """Tell Nova that a server may still run, so that it keeps its addresses.

    :raises InstancePowerOffFailure: Nova's, instead of any error of ours
    """
    try:
        yield
    except exception.VmrunError as error:
        raise nova_exception.InstancePowerOffFailure(reason=str(error))


@contextlib.contextmanager
def detach_failed(device: str) -> abc.Iterator[None]:
    """Tell Nova that a volume is still attached if the block fails.

    :param device: the name that Nova gave it, /dev/sdb
    :raises DeviceDetachFailed: Nova's, instead of any error of ours
    """
    try:
        yield
    except (exception.VmrunError, OSError) as error:
        raise nova_exception.DeviceDetachFailed(device=device,
                                                reason=str(error))


@functools.singledispatch
def translate(error: exception.VmrunError,
              instance: nova_instance.Instance | None
              ) -> nova_exception.NovaException:
    """Return what Nova should get for an error of ours."""
    # Nova logs no reason if a reboot fails and the server keeps running.
    LOG.warning('%s', error, instance=instance)
    return OperationFailed(reason=shown(error, instance))


@translate.register
def _invalid_input(error: exception.InvalidInput,
                   instance: nova_instance.Instance | None
                   ) -> nova_exception.NovaException:
    LOG.warning('Refused: %s', error, instance=instance)
    return nova_exception.InvalidInput(reason=str(error))


@translate.register
def _image_unacceptable(error: exception.ImageRefused,
                        instance: nova_instance.Instance | None
                        ) -> nova_exception.NovaException:
    return nova_exception.ImageUnacceptable(
        image_id=error.image_id,
        reason=' '.join(filter(None, (error.reason, error.resolution))))


@translate.register
def _disk_too_small(error: exception.DiskTooSmall,
                    instance: nova_instance.Instance | None
                    ) -> nova_exception.NovaException:
    return nova_exception.FlavorDiskSmallerThanImage(
        flavor_size=error.flavor_size, image_size=error.image_size)


@translate.register
def _no_storage_folder(error: exception.NoStorageFolder,
                       instance: nova_instance.Instance | None
                       ) -> nova_exception.NovaException:
    LOG.warning('%s', error, instance=instance)
    return nova_exception.ComputeResourcesUnavailable(reason=str(error))


@translate.register
def _instance_not_found(error: exception.VmNotFound,
                        instance: nova_instance.Instance | None
                        ) -> nova_exception.NovaException:
    if instance is None:
        return OperationFailed(reason=str(error))
    return nova_exception.InstanceNotFound(instance_id=instance.uuid)


def shown(error: exception.VmrunError,
          instance: nova_instance.Instance | None = None) -> str:
    """Return an error as one text, with long details at its end.

    Nova shows the first 255 bytes.

    :param instance: the server, whose paths are shortened; None: none are
    """
    text = str(error)
    if len(text) > _MAX_SHOWN:
        text = ' '.join(filter(None, (error.brief, error.resolution,
                                      error.details)))
    return _without_folder(text, instance) if instance else text


def _without_folder(text: str, instance: nova_instance.Instance) -> str:
    """Shorten the paths of a server's files to their names.

    Paths would leave no room for the cause, and users need not know where a
    host keeps its servers.
    """
    text = re.sub(r'(?<![^\s\'"(])(/|[A-Za-z]:\\)[^\'",]*?[/\\]%s[/\\]'
                  % re.escape(instance.uuid), '', text)
    # The image cache is beside them; some commands contain paths as JSON.
    root = os.path.abspath(conf.CONF.instances_path)
    return text.replace(os.path.join(root, ''), '')


def _file_system_failed(error: OSError,
                        instance: nova_instance.Instance | None
                        ) -> exception.FileSystemFailed:
    owner = 'server %s' % instance.uuid if instance else 'this host'
    return exception.FileSystemFailed(
        'Cannot write a file of %s: %s.'
        % (owner, os.strerror(error.errno or 0)),
        'The system says: %s.' % error,
        'Check that the file system of the instances is intact, writable and '
        'not full.')
