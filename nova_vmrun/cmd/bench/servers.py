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

"""How long a cloud takes to start a server."""

from collections.abc import Callable
import os
import secrets
import statistics
import tempfile
import time
from typing import Any

from openstack.config import cloud_region
from openstack import connection
from openstack import exceptions as sdk_exceptions
from oslo_utils import units

from nova_vmrun.bench import figure as figures
from nova_vmrun.bench import host
from nova_vmrun.cmd.image import cloud
from nova_vmrun.cmd.launch import choices
from nova_vmrun.cmd.launch import errors
from nova_vmrun import exception

_FIRST = 'API to ACTIVE, first boot of an image'
_AGAIN = 'API to ACTIVE, image cached'
_BEST = '"vmrun start" alone'
# Seconds between two looks at a server, and for its deletion.
_POLL = 0.1
# Seconds for one answer of an API.
_ANSWER_SECONDS = 30
_DELETE_SECONDS = 60.0
# How many servers are started once the image is cached.
_REPEAT = 3
# Bytes of the image, which is empty: its conversion is measured elsewhere.
_IMAGE_SIZE = 16 * units.Mi
_DISK_FORMAT = 'raw'


class ServerBenchmark:
    """Starts servers, one after the other, and deletes them.

    :param seconds: that all of them may take
    :param best: seconds that the host itself needs to start a VM, or None
    :param tell: called with each figure
    """

    def __init__(self, region: cloud_region.CloudRegion, seconds: float,
                 best: float | None,
                 tell: Callable[[figures.Figure], None]) -> None:
        self._cloud = connection.Connection(config=region,
                                            compute_api_version='2')
        self._cloud.session.timeout = _ANSWER_SECONDS
        self._glance = cloud.image_client(region)
        self._seconds = seconds
        self._best = best
        self._tell = tell
        self._name = '%s-%s' % (host.PREFIX, secrets.token_hex(4))

    def run(self) -> list[figures.Figure]:
        """Measure, and delete what was made.

        :raises LaunchFailed: the image could not be deleted
        """
        self._end = time.monotonic() + self._seconds
        found: list[figures.Figure] = []
        image_id = None
        try:
            flavor = choices.flavor(self._cloud, None, 0, 0)[0]
            network = choices.network(self._cloud, None)
            image_id = self._upload()
            for name, count in ((_FIRST, 1), (_AGAIN, _REPEAT)):
                seconds = statistics.median(
                    self._start(image_id, flavor, network)
                    for _ in range(count))
                found.append(figures.Figure(name, 's', seconds, self._best,
                                            _BEST))
                self._tell(found[-1])
        except exception.VmrunError as error:
            for name in (_FIRST, _AGAIN)[len(found):]:
                found.append(figures.unmeasured(name, 's', str(error)))
                self._tell(found[-1])
        finally:
            if image_id is not None:
                with errors.translated('delete the image %s' % self._name):
                    self._cloud.image.delete_image(image_id)
        return found

    def _upload(self) -> str:
        """Upload an image and return its id."""
        with tempfile.TemporaryDirectory(prefix=self._name) as folder:
            path = os.path.join(folder, 'image')
            with open(path, 'wb') as file:
                # An image of nothing but zeros is refused.
                file.write(self._name.encode())
                file.truncate(_IMAGE_SIZE)
            return str(cloud.upload(self._glance, path, {
                'name': self._name, 'disk_format': _DISK_FORMAT,
                'container_format': 'bare'},
                'the image to measure with')['id'])

    def _start(self, image_id: str, flavor: choices.Flavor,
               network: choices.Network) -> float:
        """Return how many seconds a server needs until it is active."""
        began = time.monotonic()
        with errors.translated('create a server'):
            server: Any = self._cloud.compute.create_server(
                name=self._name, image_id=image_id, flavor_id=flavor.id,
                networks=[{'uuid': network.id}])
        try:
            while True:
                with errors.translated('look at the server %s' % self._name):
                    found: Any = self._cloud.compute.get_server(server.id)
                if found.status == 'ACTIVE':
                    return time.monotonic() - began
                self._check(found)
                time.sleep(_POLL)
        finally:
            self._delete(server.id)

    def _check(self, found: Any) -> None:
        """Raise VmrunError if there is nothing more to wait for."""
        if found.status == 'ERROR':
            raise errors.LaunchFailed(
                'A server could not be started.',
                (found.fault or {}).get('message') or 'Nova gives no reason.')
        if time.monotonic() > self._end:
            raise errors.LaunchFailed(
                'The time is up.', 'A server was not active after %d s; its '
                'task is %s.' % (self._seconds, found.task_state),
                'Allow more with --timeout.')

    def _delete(self, server_id: str) -> None:
        with errors.translated('delete the server %s' % self._name):
            self._cloud.compute.delete_server(server_id, ignore_missing=True)
            end = time.monotonic() + _DELETE_SECONDS
            while time.monotonic() < end:
                try:
                    self._cloud.compute.get_server(server_id)
                except sdk_exceptions.NotFoundException:
                    return
                time.sleep(_POLL)
        raise errors.LaunchFailed(
            'A server of the benchmark is still there.',
            'Server %s (%s) was not deleted within %d s.' % (
                self._name, server_id, _DELETE_SECONDS),
            'Delete it with "openstack server delete %s".' % server_id)
