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

"""What the image of a server asks for."""

from nova.compute import task_states
from nova.compute import vm_states
from nova.objects import instance as nova_instance

from nova_vmrun.catalog import properties
from nova_vmrun.catalog import table
from nova_vmrun.ops.nova import glance

_PREFIX = 'image_'
# Nova cuts what it keeps of a property at so many bytes.
_KEPT_BYTES = 255
_REBUILDING = (task_states.REBUILDING, task_states.REBUILD_SPAWNING)


def requested(context, instance):
    """Returns the properties of a server's image, as its owner set them.

    nova.objects.ImageMeta drops every property that Nova does not know, so
    they are read from the copy that Nova keeps with the server. One of ours
    that may have been cut off there is read from Glance, unless the server is
    unshelved: the image that it has in Glance then is another.

    :param context: nova.context.RequestContext of the user
    :param instance: nova.objects.Instance
    :returns: dict of names to texts
    :raises ImageRefused: Glance does not have the image any more
    """
    if is_unshelved(instance):
        return remembered(instance)
    found = kept(instance)
    cut = _cut(found)
    if cut:
        whole = glance.show(context, instance.image_ref)['properties']
        found.update((name, whole[name]) for name in cut if name in whole)
    return found


def is_unshelved(instance):
    """Tells whether a server that is built was shelved, and comes back.

    Nova keeps the properties of the image that it was first made of, and
    deletes the one that was made of its disk when it is back.

    :param instance: nova.objects.Instance
    """
    return instance.vm_state == vm_states.SHELVED_OFFLOADED


def chosen_now(instance: nova_instance.Instance) -> frozenset[str]:
    """Tells what of a server that is built its user has just chosen.

    A rebuild takes a new image and keeps the flavor. A server that is
    unshelved may come from another hypervisor, which gave it what it asks for.

    :returns: table.IMAGE, table.FLAVOR or both
    """
    if instance.task_state in _REBUILDING:
        return frozenset([table.IMAGE])
    return table.BOTH


def in_glance(context, image_id):
    """Returns the properties that an image has now.

    :param context: nova.context.RequestContext of the user
    :param image_id: its id
    :returns: dict of names to texts
    :raises ImageRefused: the user must not see it, or it has no content
    """
    found = glance.show(context, image_id)['properties']
    return {name: value for name, value in found.items() if value is not None}


def remembered(instance):
    """Returns what is known of a server's image without asking Glance.

    A property that may have been cut off is left out: it is a list of images,
    which lie in the server's folder since the server was made.

    :param instance: nova.objects.Instance
    :returns: dict of names to texts
    """
    found = kept(instance)
    for name in _cut(found):
        del found[name]
    return found


def kept(instance: nova_instance.Instance) -> dict[str, str]:
    """Returns the properties of a server's image as Nova keeps them."""
    return {key[len(_PREFIX):]: value
            for key, value in instance.system_metadata.items()
            if key.startswith(_PREFIX) and value is not None}


def replace(instance: nova_instance.Instance, found: dict[str, str]) -> None:
    """Gives a server the properties of another image; nothing is saved.

    :param found: what kept has returned
    """
    metadata = {key: value for key, value in instance.system_metadata.items()
                if not key.startswith(_PREFIX)}
    metadata.update((_PREFIX + name, value) for name, value in found.items())
    instance.system_metadata = metadata


def _cut(found: dict[str, str]) -> list[str]:
    # A character of several bytes may end up to three bytes earlier.
    return [name for name, value in found.items()
            if name in properties.OWN_NAMES and
            len(value.encode('utf-8')) > _KEPT_BYTES - 4]
