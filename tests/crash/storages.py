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

"""Operations on servers whose disks are in storage folders."""

import json
import os

from nova.compute import task_states
from nova.compute import vm_states

from nova_vmrun.host import files
from nova_vmrun.storage import server_folders
from tests.crash import builds
from tests.crash import evacuations
from tests.crash import images
from tests.crash import operation
from tests.crash import rescues
from tests.crash import resizes
from tests.unit import locks

_EXTRA_SPECS = {'vmrun:storage_tag': 'usb'}
_CHANGES = {'flavor': {'extra_specs': _EXTRA_SPECS}}
_STORAGE = ('usb', 'ssd')


class SpawnInStorage(builds.Spawn):
    """The image is copied from the cache of instances_path."""

    storage = _STORAGE
    changes = _CHANGES

    def check(self, host):
        super().check(host)
        operation.require_equal(1, len(host.in_storage()), 'folders')


class SpawnMoreInStorage(builds.SpawnWithMoreDisks):
    """Each disk has a folder of its own."""

    storage = _STORAGE
    changes = {'flavor': {
        **builds.SpawnWithMoreDisks.changes['flavor'],
        'extra_specs': {**_EXTRA_SPECS, 'vmrun:ephemeral_storage_tag': 'ssd',
                        'vmrun:swap_storage_tag': 'default'}}}


class _MadeInStorage:
    storage = _STORAGE

    def make(self, host):
        return host.add_server(self.image_id, **_CHANGES)


class DestroyInStorage(_MadeInStorage, builds.Destroy):
    pass


class RebuildInStorage(_MadeInStorage, builds.Rebuild):
    pass


class SnapshotInStorage(_MadeInStorage, images.Snapshot):
    pass


class RescueInStorage(rescues.Rescue):
    storage = _STORAGE
    changes = _CHANGES


class UnrescueInStorage(rescues.Unrescue):
    storage = _STORAGE
    changes = _CHANGES


class _ResizedInStorage:
    storage = _STORAGE
    extra_specs = _EXTRA_SPECS


class MigrateInStorage(_ResizedInStorage, resizes.Migrate):
    pass


class MigrateLargerInStorage(_ResizedInStorage, resizes.MigrateLarger):
    pass


class MigrateAwayInStorage(_ResizedInStorage, resizes.MigrateAway):
    pass


class ConfirmInStorage(_ResizedInStorage, resizes.Confirm):
    pass


class RevertInStorage(_ResizedInStorage, resizes.Revert):
    pass


class Evict(operation.Operation):
    """The disks move from instances_path to a storage folder."""

    storage = _STORAGE
    is_running = False
    vm_state = vm_states.STOPPED
    ends = operation.SHUTDOWN
    changes = {}
    to = 'usb'

    def make(self, host):
        return host.add_server(self.image_id, **self.changes)

    def run(self, host):
        host.hypervisor.evictor.evict(self.instance.uuid, self.to)

    def check_started(self, host):
        """Check that the disk is in one place, whichever it is."""
        super().check_started(host)
        uuid = self.instance.uuid
        paths = [path for path in (
            host.layout.file(uuid, 'root.vmdk'), *(
                os.path.join(root, name, 'root.vmdk')
                for root in host.storage.values()
                for name in os.listdir(root) if name.startswith(uuid)))
            if os.path.exists(path)]
        operation.require_equal([host.root_disk(uuid)], paths, 'disks')

    def check(self, host):
        super().check(host)
        self.check_started(host)
        operation.require_equal(
            host.storage.get(self.to, host.layout.folder(self.instance.uuid)),
            os.path.dirname(host.root_disk(self.instance.uuid)).partition(
                '/' + self.instance.uuid + '_')[0], 'folder')


class EvictBack(Evict):
    """The disks move from a storage folder to instances_path."""

    changes = _CHANGES
    to = 'default'


class EvictOn(Evict):
    """The disks move from one storage folder to another."""

    changes = _CHANGES
    to = 'ssd'


class EvictAfterSnapshot(Evict):
    """VMware writes to a file of its own since a snapshot."""

    changes = _CHANGES
    to = 'ssd'

    def before(self, host):
        host.driver.power_on(None, self.instance, [])
        vmx = host.layout.vmx(self.instance.uuid)
        host.vmware.run('snapshot', vmx, 'mine')
        host.driver.power_off(self.instance)
        host.vmware.run('deleteSnapshot', vmx, 'mine')
        super().before(host)


class AdoptFromStorage(evacuations.Adopt):
    """Nothing of the server is on this host but a storage folder."""

    storage = _STORAGE
    theirs = '99999999-2222-3333-4444-555555555555'

    def make(self, host):
        return host.add_server(self.image_id, **_CHANGES)

    def before(self, host):
        operation.Operation.before(self, host)
        self.instance.host = 'second'
        self.instance.task_state = task_states.REBUILD_SPAWNING
        self.folder = os.path.dirname(self.disk)
        record = os.path.join(self.folder, server_folders.RECORD, 'nova.json')
        host.hypervisor.storage.second.write(self.instance.uuid)
        content = json.loads(files.read(record))
        content['record']['compute_id'] = self.theirs
        files.write_atomically(record, json.dumps(content))
        server_folders.create(self.folder, self.theirs)
        files.remove_tree(host.layout.folder(self.instance.uuid))
        self.lock = os.path.join(locks.lock(
            self.disk, machine='B' * 16, pid=evacuations.ENDED), 'M12345.lck')

    def owner(self, host):
        return server_folders.owner(self.folder)

    def delete(self, host):
        operation.Operation.delete(self, host)
        if host.hypervisor.records.is_new(self.instance.uuid):
            # "nova-vmrun orphans" does so.
            host.hypervisor.destroy.remove(self.instance.uuid)
        if self.owner(host) == self.theirs:
            operation.require(os.path.exists(self.disk),
                              'the disk of another host is gone')
            # That host deletes it when it is back.
            server_folders.remove(self.folder)
