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

"""The error of a launch, and the SDK's errors as ours."""

from collections.abc import Iterator
import contextlib

from glanceclient import exc as glance_exceptions
from keystoneauth1 import exceptions as keystone_exceptions
from openstack import exceptions as sdk_exceptions

from nova_vmrun import exception


class LaunchFailed(exception.VmrunError):
    """A server could not be launched."""


@contextlib.contextmanager
def translated(what: str, resolution: str = '') -> Iterator[None]:
    """Raise LaunchFailed where a client of OpenStack raises its own errors.

    :param what: what is being done, as in "Cannot WHAT."
    :param resolution: what the user should do
    """
    try:
        yield
    except (sdk_exceptions.SDKException, glance_exceptions.ClientException,
            keystone_exceptions.ClientException) as error:
        details = getattr(error, 'details', None) or str(error)
        raise LaunchFailed(
            'Cannot %s.' % what,
            '%s.' % ' '.join(str(details).split()).rstrip('.'),
            resolution) from error
