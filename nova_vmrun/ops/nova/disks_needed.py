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

"""Decorators of driver methods that work on a server and on its disks."""

from collections.abc import Callable
import functools
import inspect
from typing import Any
from typing import Concatenate
from typing import ParamSpec
from typing import Protocol
from typing import TypeVar

from nova_vmrun.ops.nova import errors

_P = ParamSpec('_P')
_T = TypeVar('_T')


class _Driver(Protocol):
    _hypervisor: Any


_D = TypeVar('_D', bound=_Driver)


def disks_needed(method: Callable[Concatenate[_D, _P], _T]
                 ) -> Callable[Concatenate[_D, _P], _T]:
    """Decorate a method of the driver that uses the disks of a server.

    Its parameter ``instance`` is the server. If a storage folder is not there,
    or a command is moving the disks, the method is not called. Like
    errors.translated, it raises Nova's exceptions instead of ours.
    """
    return _decorate(method, 'in_use')


def server_held(method: Callable[Concatenate[_D, _P], _T]
                ) -> Callable[Concatenate[_D, _P], _T]:
    """Decorate a method of the driver that works on a server.

    The same as disks_needed, but its disks need not be there.
    """
    return _decorate(method, 'held')


def _decorate(method: Callable[Concatenate[_D, _P], _T],
              hold: str) -> Callable[Concatenate[_D, _P], _T]:
    """Decorate a method with a context manager of ServerStorage."""
    signature = inspect.signature(method)

    def wrapper(self: _D, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        instance = signature.bind(self, *args, **kwargs).arguments['instance']
        with (errors.as_nova(instance),
              getattr(self._hypervisor.storage, hold)(instance.uuid)):
            return method(self, *args, **kwargs)

    functools.update_wrapper(wrapper, method)
    return wrapper
