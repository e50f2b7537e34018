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

"""Names of the files of a Cinder volume.

A volume has two files in one folder: its content, as raw bytes, and the VMDK
descriptor that a .vmx names. VMware keeps the lock of a volume, and would keep
snapshots of it, beside the descriptor.
"""

import os
import re

_EXTENT = '-flat.vmdk'
_DESCRIPTOR = '.vmdk'
_LOCK = '.lck'
# Cinder's volume_name_template may produce other names than volume-<id>.
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]{0,199}')
# What VMware appends for the disk that holds what is written after a snapshot.
_CHILD = re.compile(r'-[0-9]{6}(-[a-z0-9]+)?\.vmdk')


def is_name(name: str) -> bool:
    """Return whether files can be named after such a volume or snapshot."""
    # The descriptor of a-flat would be the content of a.
    return (_NAME.fullmatch(name) is not None and
            not (name + _DESCRIPTOR).endswith(_EXTENT))


def extent(name: str) -> str:
    """Return the file name of a volume's content.

    :param name: of the volume; not its ID, which differs after a migration
    """
    return name + _EXTENT


def descriptor(name: str) -> str:
    """Return the file name of a volume's descriptor."""
    return name + _DESCRIPTOR


def name_of(extent_name: str) -> str | None:
    """Return the name of the volume whose content is in a file.

    :param extent_name: a file name without a folder
    :returns: None if no volume has such a file
    """
    name = extent_name.removesuffix(_EXTENT)
    return name if name != extent_name and is_name(name) else None


def descriptor_of(extent_path: str) -> str:
    """Return the path of the descriptor beside a volume's content.

    :raises ValueError: it is not the path of a volume's content
    """
    folder, file = os.path.split(extent_path)
    name = name_of(file)
    if name is None:
        raise ValueError('%r has no volume' % extent_path)
    return os.path.join(folder, descriptor(name))


def lock_of(descriptor_path: str) -> str:
    """Return the path of the folder in which VMware locks a volume."""
    return descriptor_path + _LOCK


def children(name: str, file_names: list[str]) -> list[str]:
    """Return the files that hold what was written after a VMware snapshot.

    While there are such files, the content of the volume is out of date.

    :param file_names: of all files in the folder of the volume
    """
    return sorted(file for file in file_names if file.startswith(name) and
                  _CHILD.fullmatch(file, len(name)))
