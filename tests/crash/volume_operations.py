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

"""What Cinder has its driver do with volumes, to be interrupted.

After a crash the service starts, and Cinder does what it does with a volume in
the state that it was left in. Then an operator has the operation repeated, or
gives it up.
"""

import os
import subprocess
import uuid

from oslo_utils import units

from nova_vmrun.cinder import disk
from nova_vmrun.cinder import folder as folders
from nova_vmrun.cinder import store as stores
from nova_vmrun.formats import flat
from nova_vmrun.host import files
from tests.crash import operation

OLD, NEW, IMAGE = b'what was saved', b'what came later', b'\xeb\x63\x90image'
_SIZE = units.Mi


class World:
    """A folder of volumes.

    :ivar known: the volumes and snapshots that Cinder has in its database
    """

    def __init__(self, root):
        self.path = os.path.join(root, 'volumes')
        self.image = os.path.join(root, 'image')
        self.known = []
        self.start()

    def start(self):
        """Start cinder-volume."""
        self.folder = folders.Folder(self.path)
        self.store = stores.Store(self.folder)
        self.folder.open()

    def end(self):
        self.folder.close()

    def disk(self, kind='volume', size=_SIZE):
        number = str(uuid.uuid4())
        return disk.Disk(number, '%s %s' % (kind, number),
                         '%s-%s' % (kind, number), size, kind == 'snapshot')

    def add(self, content, kind='volume'):
        """Make a volume with content at its beginning and its end."""
        made = self.disk(kind)
        self.store.create(made)
        with open(self.extent(made), 'r+b') as file:
            file.write(content)
            file.seek(-len(content), os.SEEK_END)
            file.write(content)
            os.fsync(file.fileno())
        self.known.append(made)
        return made

    def extent(self, each):
        return os.path.join(self.path, each.name + '-flat.vmdk')

    def descriptor(self, each):
        return os.path.join(self.path, each.name + '.vmdk')

    def content(self, each):
        """Return what is in a volume; its beginning and its end must fit."""
        with open(self.extent(each), 'rb') as file:
            head = file.read(64).rstrip(b'\0')
            file.seek(_SIZE - len(head))
            tail = file.read(len(head))
        operation.require_equal(head, tail, 'the end of a volume')
        return head

    def require_content(self, each, *allowed):
        operation.require(
            self.content(each) in allowed,
            'the content of %s is %r' % (each.title, self.content(each)))

    def require_usable(self, each):
        """Check that a server could have a volume."""
        self.store.prepare(each)
        flat.check(files.read(self.descriptor(each)), each.flat)
        operation.require_equal(each.size, os.path.getsize(self.extent(each)),
                                'size')

    def require_no_others(self):
        """Check that each file is one of a volume that Cinder knows."""
        allowed = set()
        for each in self.known:
            allowed.add(os.path.basename(self.extent(each)))
            if not each.is_snapshot:
                allowed.add(os.path.basename(self.descriptor(each)))
        operation.require_equal(set(), set(os.listdir(self.path)) - allowed,
                                'files of nobody')

    def delete(self, each):
        self.store.remove(each)
        self.known.remove(each)


class Operation:
    """An operation on a volume with a snapshot.

    :ivar volume: its content is NEW
    :ivar snapshot: its content is OLD
    """

    def prepare(self, world):
        """Make what the operation needs; Cinder has noted what it will do."""
        self.volume = world.add(OLD)
        self.snapshot = world.disk('snapshot')
        world.store.copy(self.volume, self.snapshot)
        world.known.append(self.snapshot)
        with open(world.extent(self.volume), 'r+b') as file:
            file.write(NEW)
            file.seek(-len(NEW), os.SEEK_END)
            file.write(NEW)

    def run(self, world):
        raise NotImplementedError()

    def check_started(self, world):
        """Check what the crash may not have touched."""
        world.require_content(self.volume, NEW)
        world.require_content(self.snapshot, OLD)
        world.require_usable(self.volume)

    def repeat(self, world):
        self.run(world)

    def give_up(self, world):
        """Do what an operator does who does not repeat it."""

    def check(self, world):
        """Check what the operation has made."""
        self.check_started(world)


class _Making(Operation):
    """A volume or snapshot that gets into state error, and is deleted."""

    kind = 'volume'
    content = b''

    def prepare(self, world):
        super().prepare(world)
        self._expect_another(world)

    def _expect_another(self, world):
        self.made = world.disk(self.kind)
        world.known.append(self.made)

    def repeat(self, world):
        world.delete(self.made)
        self._expect_another(world)
        self.run(world)

    def give_up(self, world):
        world.delete(self.made)

    def check(self, world):
        super().check(world)
        world.require_content(self.made, self.content)
        if not self.made.is_snapshot:
            world.require_usable(self.made)


class Create(_Making):
    def run(self, world):
        world.store.create(self.made)


class CreateFromSnapshot(_Making):
    content = OLD

    def run(self, world):
        world.store.copy(self.snapshot, self.made)


class Clone(_Making):
    content = NEW

    def run(self, world):
        world.store.copy(self.volume, self.made)


class CreateSnapshot(Clone):
    kind = 'snapshot'


class Delete(_Making):
    """Cinder repeats it when it starts."""

    def prepare(self, world):
        super().prepare(world)
        world.store.create(self.made)
        # A server that was on when the power failed has left it.
        os.mkdir(world.descriptor(self.made) + '.lck')
        files.write_atomically(
            world.descriptor(self.made) + '.lck/M1.lck', b'a 1-1(vmware-vmx)')

    def run(self, world):
        world.store.remove(self.made)

    def check_started(self, world):
        super().check_started(world)
        world.store.remove(self.made)

    def repeat(self, world):
        self.run(world)

    def check(self, world):
        super().check_started(world)
        world.known.remove(self.made)


class DeleteSnapshot(Delete):
    kind = 'snapshot'

    def prepare(self, world):
        _Making.prepare(self, world)
        world.store.copy(self.volume, self.made)


class Extend(Operation):
    def prepare(self, world):
        super().prepare(world)
        self.larger = disk.Disk(self.volume.id, self.volume.title,
                                self.volume.name, 3 * _SIZE)

    def run(self, world):
        world.store.extend(self.volume, self.larger)

    def check_started(self, world):
        world.require_content(self.volume, NEW)

    def give_up(self, world):
        super().check_started(world)

    def check(self, world):
        world.require_content(self.volume, NEW)
        world.require_usable(self.larger)


class Revert(Operation):
    """Has happened or not."""

    after = OLD

    def run(self, world):
        world.store.revert(self.volume, self.snapshot)

    def check_started(self, world):
        world.require_content(self.volume, NEW, self.after)
        world.require_content(self.snapshot, OLD)
        world.require_usable(self.volume)

    def check(self, world):
        world.require_content(self.volume, self.after)
        world.require_usable(self.volume)


class WriteImage(Revert):
    """A program writes the new content."""

    after = IMAGE

    def prepare(self, world):
        super().prepare(world)
        with open(world.image, 'wb') as file:
            file.write(IMAGE)
            file.seek(_SIZE - len(IMAGE))
            file.write(IMAGE)

    def run(self, world):
        world.store.replace(
            self.volume, 'Cannot write an image.', lambda part: subprocess.run(
                ['qemu-img', 'convert', '-f', 'raw', '-O', 'raw', world.image,
                 part], check=True, capture_output=True))


class Attach(Operation):
    """Somebody has changed the descriptor, and an extension was cut short."""

    def prepare(self, world):
        super().prepare(world)
        files.write_atomically(world.descriptor(self.volume), b'version=1')
        os.truncate(world.extent(self.volume), 5 * _SIZE)

    def run(self, world):
        world.store.prepare(self.volume)


class EndMigration(Operation):
    """The descriptor gets the serial number of the old volume."""

    def run(self, world):
        world.store.describe(self.volume)


class UploadAttached(Operation):
    """A copy is uploaded."""

    def run(self, world):
        with world.store.stable(self.volume, True) as path:
            files.read(path)


class Manage(_Making):
    """An operator's file becomes a volume."""

    content = IMAGE

    def prepare(self, world):
        super().prepare(world)
        self.file = world.disk()
        with open(world.extent(self.file), 'wb') as file:
            file.write(IMAGE)
            file.seek(_SIZE - 1000 - len(IMAGE))
            file.write(bytes(1000) + IMAGE)
        world.known.append(self.file)

    def run(self, world):
        world.store.adopt(self.made,
                          os.path.basename(world.extent(self.file)))

    def check_started(self, world):
        super().check_started(world)
        found = [each for each in (self.made, self.file)
                 if os.path.exists(world.extent(each))]
        operation.require_equal(1, len(found), 'names of the file')
        world.require_content(found[0], IMAGE)

    def repeat(self, world):
        """The file has its new name already, or it is managed once more."""
        if os.path.exists(world.extent(self.file)):
            self.run(world)
        world.require_usable(self.made)

    def give_up(self, world):
        """An administrator resets the state, or Cinder forgets it."""
        if os.path.exists(world.extent(self.made)):
            world.require_usable(self.made)

    def check(self, world):
        super().check(world)
        world.require_usable(self.made)


class Start(Operation):
    """A start is interrupted that removes what a crash has left."""

    def prepare(self, world):
        super().prepare(world)
        for name in (self.volume.name + '.vmdk',
                     self.volume.name + '-flat.vmdk',
                     self.snapshot.name + '-flat.vmdk'):
            files.write_atomically(os.path.join(
                world.path, '.%s.0123abcd.part' % name), b'half')

    def run(self, world):
        world.end()
        world.start()
