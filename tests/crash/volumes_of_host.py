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

"""Volumes of a host whose driver is crashed: in files, and on a server."""

import dataclasses
import os
from typing import Any
import uuid

from oslo_utils import units

from tests.unit.volumes import files

LOCAL, NFS = 'local', 'nfs'
_EXPORT = '192.0.2.1:/volumes'
_CONTENT = b'what the guest has written'


@dataclasses.dataclass(frozen=True)
class Volume:
    """A volume of 1 MiB.

    :ivar descriptor: what the .vmx names
    :ivar names: of its files, whether attached or not
    """

    id: str
    info: dict[str, Any]
    content: str
    descriptor: str
    names: tuple[str, ...]


class Volumes:
    """A folder of volumes, which stands for the mount of a server too.

    :ivar info: the block_device_info that Nova's database has
    """

    def __init__(self, folder: str) -> None:
        self.folder = os.path.realpath(folder)
        self.info: dict[str, Any] = {}
        self._made: list[Volume] = []

    @property
    def options(self) -> dict[str, list[str]]:
        """The [vmrun] options that let servers have the volumes."""
        return {'volume_folders': [self.folder],
                'nfs_mounts': ['%s=%s' % (_EXPORT, self.folder)]}

    def add(self, kind: str) -> Volume:
        volume_id = str(uuid.uuid4())
        info = files.make(self.folder, volume_id, units.Mi)
        # The size in GiB that Cinder sends.
        del info['data']['size']
        name = 'volume-%s' % volume_id
        content = os.path.join(self.folder, name + '-flat.vmdk')
        if kind == NFS:
            os.remove(os.path.join(self.folder, name + '.vmdk'))
            os.rename(content, os.path.join(self.folder, name))
            content = os.path.join(self.folder, name)
            info.update(driver_volume_type='nfs', data={
                'export': _EXPORT, 'name': name, 'format': 'raw'})
        with open(content, 'r+b') as file:
            file.write(_CONTENT)
        names = tuple(each for each in os.listdir(self.folder)
                      if each.startswith(name))
        made = Volume(volume_id, info, content,
                      os.path.join(self.folder, name + '.vmdk'), names)
        self._made.append(made)
        return made

    def is_whole(self, volume: Volume) -> bool:
        """Whether a volume has its content and no other."""
        with open(volume.content, 'rb') as file:
            return file.read() == _CONTENT.ljust(units.Mi, b'\0')

    def foreign(self) -> list[str]:
        """Return the files that belong to no volume."""
        own = {name for volume in self._made for name in volume.names}
        return sorted(set(os.listdir(self.folder)) - own)
