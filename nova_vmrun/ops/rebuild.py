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
"""Rebuild: a check while the old server still exists.

Nova deletes the server and then builds it again. Whatever the build would
refuse is refused here first, and the old server stays as it is.
"""

from typing import Any

from nova import context as nova_context
from nova import exception as nova_exception
from nova.network import model
from nova.objects import image_meta as nova_image
from nova.objects import instance as nova_instance
from oslo_log import log as logging

from nova_vmrun.ops.nova import allocations as server_allocations
from nova_vmrun.ops.nova import errors
from nova_vmrun.ops.nova import source_images as images
from nova_vmrun.ops import spawn

LOG = logging.getLogger(__name__)


class Rebuild:
    """Refuses rebuilds that would fail."""

    def __init__(self, spawner: spawn.Spawner,
                 source_images: images.SourceImages,
                 allocations: server_allocations.Allocations) -> None:
        self._spawner = spawner
        self._source_images = source_images
        self._allocations = allocations

    def check(self, context: nova_context.RequestContext,
              instance: nova_instance.Instance,
              image_meta: nova_image.ImageMeta,
              injected_files: list[Any], admin_password: str | None,
              allocations: dict[str, Any] | None,
              network_info: model.NetworkInfo,
              block_device_info: dict[str, Any] | None,
              preserve_ephemeral: bool) -> None:
        """Check that a server can be rebuilt, and fetch the image.

        :param instance: as Nova has saved it, with the new image
        :param allocations: of the server in Placement
        :raises InstanceFaultRollback: Nova's; it cannot be rebuilt. The
            server is unchanged, and Nova has its old image again.
        :raises InstanceNotFound: Nova's; the server was deleted meanwhile
        :raises UnexpectedTaskStateError: Nova's, for the same reason
        """
        try:
            if preserve_ephemeral:
                raise nova_exception.PreserveEphemeralNotSupported()
            with errors.as_nova(instance):
                self._spawner.check(
                    context, instance, image_meta, injected_files,
                    admin_password, network_info, block_device_info)
        except Exception as error:
            LOG.warning('Refusing the rebuild, the server is unchanged: %s',
                        error, instance=instance)
            self._allocations.expect_loss(instance, allocations)
            self._source_images.restore(instance)
            raise nova_exception.InstanceFaultRollback(
                inner_exception=error) from error
