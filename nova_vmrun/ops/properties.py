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

from nova_vmrun.formats import properties
from nova_vmrun.ops import glance

_PREFIX = 'image_'
# Nova cuts what it keeps of a property at so many bytes.
_KEPT_BYTES = 255


def requested(context, instance):
    """Returns the properties of a server's image, as its owner set them.

    nova.objects.ImageMeta drops every property that Nova does not know, so
    they are read from the copy that Nova keeps with the server. One of ours
    that may have been cut off there is read from Glance.

    :param context: nova.context.RequestContext of the user
    :param instance: nova.objects.Instance
    :returns: dict of names to texts
    :raises ImageRefused: Glance does not have the image any more
    """
    kept = _kept(instance)
    cut = _cut(kept)
    if cut:
        whole = glance.show(context, instance.image_ref)['properties']
        kept.update((name, whole[name]) for name in cut if name in whole)
    return kept


def remembered(instance):
    """Returns what is known of a server's image without asking Glance.

    A property that may have been cut off is left out: it is a list of images,
    which lie in the server's folder since the server was made.

    :param instance: nova.objects.Instance
    :returns: dict of names to texts
    """
    kept = _kept(instance)
    for name in _cut(kept):
        del kept[name]
    return kept


def _kept(instance):
    return {key[len(_PREFIX):]: value
            for key, value in instance.system_metadata.items()
            if key.startswith(_PREFIX) and value is not None}


def _cut(kept):
    # A character of several bytes may end up to three bytes earlier.
    return [name for name, value in kept.items()
            if name in properties.OWN_NAMES and
            len(value.encode('utf-8')) > _KEPT_BYTES - 4]
