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

"""Conversion of our errors to Cinder's."""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import functools
from typing import ParamSpec, TypeVar

from cinder import exception as cinder_exception

from nova_vmrun import exception

_P = ParamSpec('_P')
_R = TypeVar('_R')


@contextlib.contextmanager
def as_cinder() -> Iterator[None]:
    """Raise our errors in the block as Cinder's; keep all their parts.

    :raises ImageUnacceptable: an image is at fault; users see the reason
    :raises InvalidInput: another part of the request is
    :raises VolumeIsBusy: a VM or a snapshot of VMware uses the volume. Cinder
        then does not mark a volume that it was to delete as broken
    :raises VolumeDriverException: for all other reasons
    """
    try:
        yield
    except exception.ImageRefused as error:
        raise cinder_exception.ImageUnacceptable(
            image_id=error.image_id,
            reason=' '.join(filter(None, (error.reason, error.resolution)))
        ) from error
    except exception.UserError as error:
        raise cinder_exception.InvalidInput(reason=str(error)) from error
    except exception.VmStateError as error:
        raise cinder_exception.VolumeIsBusy(message=str(error)) from error
    except exception.VmrunError as error:
        raise cinder_exception.VolumeDriverException(
            message=str(error)) from error


def converted(method: Callable[_P, _R]) -> Callable[_P, _R]:
    """Decorate a method of a Cinder driver so that it raises Cinder's errors.

    Cinder compares the parameters of drivers with its interfaces, so the
    signature stays visible.
    """
    @functools.wraps(method)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with as_cinder():
            return method(*args, **kwargs)
    return wrapper
