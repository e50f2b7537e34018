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
"""The image that a server's disk was really built from.

Nova's API saves the image of a rebuild at once: its id as image_ref, and its
properties in the system metadata. The server's record names the image that the
disk came from. It counts if a rebuild is refused, if nova-compute is killed
before the old disk is replaced, and if no host is found for the new image.
"""

from typing import Any

from nova.compute import task_states
from nova.compute import vm_states
from nova import exception as nova_exception
from nova.objects import instance as nova_instance
from oslo_log import log as logging

from nova_vmrun.ops.nova import properties
from nova_vmrun.server import records as host_records

LOG = logging.getLogger(__name__)

_REBUILDING = (task_states.REBUILDING, task_states.REBUILD_SPAWNING,
               task_states.REBUILD_BLOCK_DEVICE_MAPPING)
# Only a rebuild changes this.
_BASE = 'base_image_ref'
# Properties that Nova copies from an image to fields of a server.
_FIELDS = ('os_type', 'architecture', 'vm_mode')
_FILES = ('kernel_id', 'ramdisk_id')


def facts(instance: nova_instance.Instance) -> dict[str, Any]:
    """Return the fields about the image for the record of a new server.

    :returns: fields of Record; none for a server that is being unshelved,
        since Nova then shows us another image
    """
    if properties.is_unshelved(instance):
        return {}
    return {'image_ref': instance.image_ref or '',
            'image_properties': properties.kept(instance)}


class SourceImages:
    """Records the images of servers, and restores them in Nova."""

    def __init__(self, records: host_records.Records) -> None:
        self._records = records

    def remember(self, instance: nova_instance.Instance) -> None:
        """Record the image of a server whose record does not name it.

        Such a server was unshelved, or built by an older release. Do nothing
        if Nova may have the image of a rebuild that was not done.
        """
        if instance.task_state in _REBUILDING or (
                instance.vm_state == vm_states.ERROR):
            return
        try:
            shelved = instance.system_metadata.get('shelved_image_id')
            if shelved is None or instance.image_ref != shelved:
                self._records.change(
                    instance.uuid, image_ref=instance.image_ref or '',
                    image_properties=properties.kept(instance))
        except (nova_exception.NovaException, OSError) as error:
            LOG.warning('Cannot record the image of the server: %s',
                        error, instance=instance)

    def settle(self, instance: nova_instance.Instance,
               record: host_records.Record) -> None:
        """Restore the image of a rebuild that Nova has saved but not done.

        :param record: of the server, which exists
        """
        if record.image_ref is None or _is_same(instance, record):
            return
        LOG.warning('Nova has image %s, but the disk was built from image %s: '
                    'a rebuild was not done', instance.image_ref,
                    record.image_ref, instance=instance)
        _restore(instance, record)
        instance.save()

    def restore(self, instance: nova_instance.Instance) -> None:
        """Restore the image in Nova after a rebuild was refused.

        :raises InstanceNotFound: Nova's; the server was deleted meanwhile
        :raises UnexpectedTaskStateError: Nova's, for the same reason
        """
        record = self._records.get(instance.uuid)
        if record is None or record.image_ref is None:
            LOG.warning('The previous image of the server is not recorded',
                        instance=instance)
            return
        _restore(instance, record)
        instance.save(expected_task_state=[task_states.REBUILDING])


def _is_same(instance: nova_instance.Instance,
             record: host_records.Record) -> bool:
    return ((instance.image_ref or '') == record.image_ref and
            properties.kept(instance).get(_BASE) ==
            (record.image_properties or {}).get(_BASE))


def _restore(instance: nova_instance.Instance,
             record: host_records.Record) -> None:
    instance.image_ref = record.image_ref
    found = record.image_properties or {}
    properties.replace(instance, found)
    for name in _FIELDS:
        setattr(instance, name, found.get(name))
    for name in _FILES:
        setattr(instance, name, found.get(name, ''))
