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

"""What the image and the flavor of a server ask for."""

_PREFIX = 'image_'


def of_image(instance):
    """Returns the properties of a server's image, as its owner set them.

    nova.objects.ImageMeta drops every property that Nova does not know, so
    they are read from the copy that Nova keeps with the server. Nova cuts
    the values there at 255 bytes.

    :param instance: nova.objects.Instance
    :returns: dict of names to texts
    """
    return {key[len(_PREFIX):]: value
            for key, value in instance.system_metadata.items()
            if key.startswith(_PREFIX) and value is not None}
