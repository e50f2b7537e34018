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

"""Storage folders for tests."""

from unittest import mock

from nova_vmrun.server import layout as layouts
from nova_vmrun.storage import base_disk_usage
from nova_vmrun.storage import builds
from nova_vmrun.storage import folder_identity
from nova_vmrun.storage import folder_settings
from nova_vmrun.storage import folders as folders_module
from nova_vmrun.storage import image_cache


def folder(setting, layout, cache=None, known=None):
    """Return a StorageFolder.

    :param cache: its image cache; None: a mock
    """
    return folders_module.StorageFolder(
        setting, layout,
        cache or mock.create_autospec(image_cache.ImageCache, instance=True),
        base_disk_usage.BaseDiskUsage(layout), builds.Builds(layout), known)


def folders(layout, *others, cache=None, **options):
    """Return StorageFolders.

    :param layout: of instances_path
    :param others: values of [vmrun] storage_folders
    :param cache: the image cache of instances_path; None: a mock
    :param options: of StorageFolders
    """
    known = folder_identity.KnownFolders(layout.known_storage())
    return folders_module.StorageFolders(
        folder(folder_settings.default(layout.root), layout, cache),
        [folder(each, layouts.Layout(each.path, '_base'), known=known)
         for each in folder_settings.parse(others)], **options)
