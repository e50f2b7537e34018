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
"""Which image the disk of a server was made of, whatever Nova says.

Nova's API saves the image of a rebuild before anybody has looked at it: its id
as image_ref, and its properties in the system metadata. The server's record
says which image its disk really came from. It is what counts when a rebuild is
refused, when nova-compute is killed before the old disk is replaced, and when
no host is found for the new image.
"""

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
# Nova's API sets it with each rebuild, and nothing else changes it.
_BASE = 'base_image_ref'
# What Nova copies from the properties of an image to fields of a server.
_FIELDS = ('os_type', 'architecture', 'vm_mode')
_FILES = ('kernel_id', 'ramdisk_id')


def facts(instance: nova_instance.Instance) -> dict:
    """Returns what the record of a server that is built says of its image.

    :returns: fields of a nova_vmrun.server.records.Record; none for a server
        that is unshelved, of which Nova shows us another image meanwhile
    """
    if properties.is_unshelved(instance):
        return {}
    return {'image_ref': instance.image_ref or '',
            'image_properties': properties.kept(instance)}


class SourceImages:
    """Keeps and brings back what Nova knows of the images of servers.

    :param records: a nova_vmrun.server.records.Records
    """

    def __init__(self, records: host_records.Records) -> None:
        self._records = records

    def remember(self, instance: nova_instance.Instance) -> None:
        """Records the image of a server whose record does not name it.

        It was unshelved, or made by an older release. Where Nova may have
        the image of a rebuild that was not done, nothing is recorded.
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
            LOG.warning('The image of the server is not recorded yet: %s',
                        error, instance=instance)

    def settle(self, instance: nova_instance.Instance,
               record: host_records.Record) -> None:
        """Takes back a rebuild that Nova has saved and nobody has done.

        :param record: of the server, which exists
        """
        if record.image_ref is None or _is_same(instance, record):
            return
        LOG.warning('Nova has image %s and the disk is of image %s: a rebuild '
                    'was not done', instance.image_ref, record.image_ref,
                    instance=instance)
        _restore(instance, record)
        instance.save()

    def restore(self, instance: nova_instance.Instance) -> None:
        """Gives Nova the image that it had before a rebuild was refused.

        :raises InstanceNotFound: Nova's; the server was deleted meanwhile
        :raises UnexpectedTaskStateError: likewise
        """
        record = self._records.get(instance.uuid)
        if record is None or record.image_ref is None:
            LOG.warning('Which image the server had before is not recorded',
                        instance=instance)
            return
        _restore(instance, record)
        instance.save(expected_task_state=[task_states.REBUILDING])


def _is_same(instance: nova_instance.Instance,
             record: host_records.Record) -> bool:
    return ((instance.image_ref or '') == record.image_ref and
            properties.kept(instance).get(_BASE) ==
            record.image_properties.get(_BASE))


def _restore(instance: nova_instance.Instance,
             record: host_records.Record) -> None:
    instance.image_ref = record.image_ref
    found = record.image_properties
    properties.replace(instance, found)
    for name in _FIELDS:
        setattr(instance, name, found.get(name))
    for name in _FILES:
        setattr(instance, name, found.get(name, ''))
