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

"""Properties of the image of a server."""

from nova.compute import task_states
from nova.compute import vm_states
from nova import context as nova_context
from nova.objects import instance as nova_instance

from nova_vmrun.catalog import properties
from nova_vmrun.catalog import table
from nova_vmrun.ops.nova import glance

_PREFIX = 'image_'
# Nova truncates the values that it keeps to so many bytes.
_KEPT_BYTES = 255
_REBUILDING = (task_states.REBUILDING, task_states.REBUILD_SPAWNING)


def requested(context: nova_context.RequestContext,
              instance: nova_instance.Instance) -> dict[str, str]:
    """Return the properties of a server's image.

    nova.objects.ImageMeta drops properties that Nova does not know, so use the
    copy that Nova keeps with the server. If one of ours may be truncated
    there, read it from Glance, unless the server is being unshelved: its image
    in Glance is then a different one.

    :param context: of the user
    :raises ImageRefused: the image no longer exists in Glance
    """
    if is_unshelved(instance):
        return remembered(instance)
    found = kept(instance)
    truncated = _truncated(found)
    if truncated and not instance.image_ref:
        # It boots from a volume, and no image has its properties.
        return remembered(instance)
    if truncated:
        whole = glance.show(context, instance.image_ref)['properties']
        found.update((name, whole[name]) for name in truncated
                     if name in whole)
    return found


def is_unshelved(instance: nova_instance.Instance) -> bool:
    """Return whether a server that is being built was shelved.

    Nova keeps the properties of the server's first image, and later deletes
    the image that was made from its disk.
    """
    return bool(instance.vm_state == vm_states.SHELVED_OFFLOADED)


def chosen_now(instance: nova_instance.Instance) -> frozenset[str]:
    """Return what the user has just chosen for a server that is being built.

    A rebuild has a new image and the old flavor. A server that is being
    unshelved may come from another hypervisor, so both count as new.

    :returns: table.IMAGE, table.FLAVOR or both
    """
    if instance.task_state in _REBUILDING:
        return frozenset([table.IMAGE])
    return table.BOTH


def in_glance(context: nova_context.RequestContext,
              image_id: str) -> dict[str, str]:
    """Return the current properties of an image.

    :param context: of the user
    :raises ImageRefused: the user cannot read it, or it has no data
    """
    found = glance.show(context, image_id)['properties']
    return {name: value for name, value in found.items() if value is not None}


def remembered(instance: nova_instance.Instance) -> dict[str, str]:
    """Return the properties of a server's image without asking Glance.

    Omit a property that may be truncated: it is a list of images, which have
    been in the server's folder since it was built.
    """
    found = kept(instance)
    for name in _truncated(found):
        del found[name]
    return found


def kept(instance: nova_instance.Instance) -> dict[str, str]:
    """Return the properties of a server's image that Nova keeps."""
    return {key[len(_PREFIX):]: value
            for key, value in instance.system_metadata.items()
            if key.startswith(_PREFIX) and value is not None}


def replace(instance: nova_instance.Instance, found: dict[str, str]) -> None:
    """Replace the image properties of a server, without saving it.

    :param found: a result of kept
    """
    metadata = {key: value for key, value in instance.system_metadata.items()
                if not key.startswith(_PREFIX)}
    metadata.update((_PREFIX + name, value) for name, value in found.items())
    instance.system_metadata = metadata


def _truncated(found: dict[str, str]) -> list[str]:
    # Nova may cut up to three bytes more, before a multibyte character.
    return [name for name, value in found.items()
            if name in properties.OWN_NAMES and
            len(value.encode('utf-8')) > _KEPT_BYTES - 4]
