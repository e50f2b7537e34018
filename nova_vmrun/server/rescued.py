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

"""Whether a server is in rescue, and what it boots from meanwhile.

A server in rescue has, beside its own files:

    rescue.vmdk, .iso or .flp   the medium it boots from
    config-drive-rescue.iso     what the rescue system is told
    rescue.json                 how the medium is attached
    <uuid>.vmx.rendered.unrescued   the copy as rendered, as it was
    <uuid>.nvram.unrescued          what UEFI remembers, as it was
    <uuid>.vmx.unrescued            the .vmx as it was; it comes last, and its
                                    return ends the rescue
"""

import dataclasses
import os

from oslo_serialization import jsonutils

from nova_vmrun.host import files

DISK = 'disk'
CDROM = 'cdrom'
FLOPPY = 'floppy'

_MEDIA = {DISK: 'rescue.vmdk', CDROM: 'rescue.iso', FLOPPY: 'rescue.flp'}


@dataclasses.dataclass(frozen=True)
class Rescued:
    """How the rescue medium is attached.

    :ivar device: DISK, CDROM or FLOPPY
    :ivar bus: one of nova_vmrun.machine.model.BUSES; means nothing for a
        floppy
    """

    device: str
    bus: str


class RescueFiles:
    """The files of a rescue.

    :param layout: a nova_vmrun.server.layout.Layout
    """

    def __init__(self, layout):
        self._layout = layout

    def medium(self, uuid, device):
        """Returns the path of the medium that a server boots from."""
        return os.path.join(self._layout.folder(uuid), _MEDIA[device])

    def config_drive(self, uuid):
        """Returns the path of the rescue's own config drive."""
        return os.path.join(self._layout.folder(uuid),
                            'config-drive-rescue.iso')

    def exist(self, uuid):
        """Tells whether a server is in rescue."""
        return os.path.exists(_aside(self._layout.vmx(uuid)))

    def get(self, uuid):
        """Returns the Rescued of a server, or None if it is in no rescue."""
        if not self.exist(uuid):
            return None
        return Rescued(**jsonutils.loads(files.read(self._record(uuid))))

    def begin(self, uuid, rescued):
        """Puts the .vmx aside; the medium is there already."""
        files.write_atomically(
            self._record(uuid), jsonutils.dumps(dataclasses.asdict(rescued)))
        vmx, nvram = self._layout.vmx(uuid), self._nvram(uuid)
        rendered = self._layout.rendered(uuid)
        _copy_aside(vmx)
        if os.path.exists(rendered):
            _copy_aside(rendered)
        # UEFI would go on booting from the disk that it remembers there.
        if os.path.exists(nvram):
            os.replace(nvram, _aside(nvram))

    def end(self, uuid):
        """Brings the .vmx back and removes what the rescue needed.

        May be called again, and for a server that is in no rescue.
        """
        for path in (self._nvram(uuid), self._layout.rendered(uuid),
                     self._layout.vmx(uuid)):
            if os.path.exists(_aside(path)):
                os.replace(_aside(path), path)
        files.sync_folder(self._layout.folder(uuid))
        for path in [self._record(uuid), self.config_drive(uuid)] + [
                self.medium(uuid, device) for device in _MEDIA]:
            if os.path.exists(path):
                os.remove(path)
            # A VM that ended with the power has left its lock.
            if os.path.isdir(path + '.lck'):
                files.remove_tree(path + '.lck')

    def _record(self, uuid):
        return os.path.join(self._layout.folder(uuid), 'rescue.json')

    def _nvram(self, uuid):
        return os.path.splitext(self._layout.vmx(uuid))[0] + '.nvram'


def _copy_aside(path: str) -> None:
    with files.replacing(_aside(path)) as part:
        files.copy(path, part)
        os.chmod(part, 0o600)


def _aside(path):
    return path + '.unrescued'
