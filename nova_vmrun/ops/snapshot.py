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

"""Images of servers' root disks, in any power state.

A running server is not stopped: a VMware snapshot freezes the files of its
disk while they are read, and is removed afterwards. A guest with an agent
freezes its file systems while the snapshot is taken. The disk of a server
that is paused, suspended or off can be read as it is.

A server with volumes never gets a VMware snapshot: the newest data of its
volumes would lie in its own folder. Its guest is frozen, or else the server is
paused, while its disk is copied.
"""

from collections import abc
import contextlib
import os
import time
from typing import TypeVar

from nova.compute import task_states
from nova import context as nova_context
from nova.objects import instance as nova_instance
from oslo_log import log as logging
from oslo_utils import timeutils
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.formats import vmsd
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.host import space
from nova_vmrun.machine import attached
from nova_vmrun.machine import snapshot_image
from nova_vmrun.ops.nova import glance
from nova_vmrun.ops.nova import properties
from nova_vmrun.ops import parts
from nova_vmrun.ops.power import time_limits
from nova_vmrun.ops import progress
from nova_vmrun.ops import quiesce
from nova_vmrun.server import disks
from nova_vmrun.server import states
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import disk_chain
from nova_vmrun.storage import flatten
from nova_vmrun.storage import linked

LOG = logging.getLogger(__name__)

_T = TypeVar('_T')

# Seconds to wait for a snapshot whose vmrun was killed at its time limit.
_LATE_SECONDS = 60
_LATE_INTERVAL = 5


class Snapshots:
    """Makes images of servers.

    :param sleep: waits some seconds; tests replace it
    """

    def __init__(self, host: parts.Host, servers: parts.Servers,
                 limits: time_limits.TimeLimits,
                 quiescer: quiesce.Quiescer,
                 sleep: abc.Callable[[float], None] = time.sleep) -> None:
        self._vmrun = host.vmrun
        self._qemu_img = host.qemu_img
        self._product = host.product
        self._states = servers.states
        self._layout = servers.layout
        self._records = servers.records
        self._disk_lists = servers.disk_lists
        self._storage = servers.storage
        self._limits = limits
        self._quiescer = quiescer
        self._sleep = sleep
        self._vmx_files = vmx_file.VmxFiles(servers.layout, sleep)

    def take(self, context: nova_context.RequestContext,
             instance: nova_instance.Instance, image_id: str,
             update_task_state: abc.Callable[..., None]) -> None:
        """Upload the root disk of a server as an image that Nova has created.

        :param context: may write the image
        :param image_id: of the image, which has no content yet
        :param update_task_state: called with Nova's task states
        :raises NotSupported: the server is running, and the product cannot
            take snapshots
        :raises DiskFull: no space for the memory or for the image
        :raises VmNotFound: there is no such server, or it was deleted
        :raises ImageNotFound: (Nova's) the image was deleted
        """
        uuid = instance.uuid
        try:
            with self._work(uuid) as target:
                update_task_state(
                    task_state=task_states.IMAGE_PENDING_UPLOAD)
                keys, bus = self._copy_disk(instance, image_id, target)
                update_task_state(
                    task_state=task_states.IMAGE_UPLOADING,
                    expected_state=task_states.IMAGE_PENDING_UPLOAD)
                glance.upload(
                    context, instance, image_id, target,
                    snapshot_image.describe(
                        keys, bus, properties.remembered(instance)),
                    snapshot_image.OBSOLETE)
        except (exception.VmrunError, OSError) as error:
            if os.path.exists(self._layout.vmx(uuid)):
                raise
            raise exception.VmNotFound(
                'Server %s is gone.' % uuid, str(error)) from error

    @contextlib.contextmanager
    def _work(self, uuid: str) -> abc.Iterator[str]:
        """Yield the path of a temporary file."""
        self.clear(uuid)
        work = self._layout.snapshot_work(uuid)
        os.mkdir(work, mode=0o700)
        try:
            yield os.path.join(work, 'disk.vmdk')
        finally:
            files.remove_tree(work)

    def clear(self, uuid: str) -> None:
        """Remove leftovers of an interrupted snapshot of a server.

        :raises OSError: a file could not be removed
        """
        files.remove_tree(self._layout.snapshot_work(uuid))
        for snapshot in self._snapshots(uuid):
            if snapshot.name.startswith(vmsd.OWN_PREFIX):
                LOG.warning('Removing snapshot %s of server %s, which was '
                            'left behind', snapshot.name, uuid)
                self._thaw(uuid, snapshot.name)

    def finish_interrupted(self) -> None:
        """Remove leftovers of all snapshots that a crash has interrupted."""
        for record in self._records.all():
            if not self._storage.is_there(record):
                continue
            try:
                self.clear(record.uuid)
            except (exception.VmrunError, OSError) as error:
                LOG.error('Cannot remove the leftovers of a snapshot of '
                          'server %s: %s', record.uuid, error)

    def _copy_disk(self, instance: nova_instance.Instance, image_id: str,
                   target: str) -> tuple[vmx.Vmx, str]:
        """Copy the root disk; return the .vmx and the bus of the disk."""
        uuid = instance.uuid
        state = self._usable_state(uuid)
        with self._readable(self._layout.vmx(uuid)):
            keys = self._vmx_files.load_patiently(uuid)
        disk = self._root(uuid, keys)
        is_running = state is states.State.RUNNING
        must_stand_still = is_running and self._has_volumes(uuid)
        needs_snapshot = is_running and not must_stand_still
        self._require_space(
            uuid, self._chain(uuid, disk.file),
            keys.get_int('memsize') * units.Mi if needs_snapshot else 0)
        with (self._still(instance) if must_stand_still else
              contextlib.nullcontext(),
              self._frozen(instance, image_id, disk, needs_snapshot) as file):
            self._convert(instance, self._chain(uuid, file),
                          vmdk.adapter_type(disk.bus), target)
        return keys, disk.bus

    def _has_volumes(self, uuid: str) -> bool:
        return any(disk.volume_id for disk in self._disk_lists.get(uuid))

    @contextlib.contextmanager
    def _still(self, instance: nova_instance.Instance) -> abc.Iterator[None]:
        LOG.info('The server has volumes: it is frozen or paused while its '
                 'root disk is copied', instance=instance)
        with (timeutils.StopWatch() as watch,
              self._quiescer.still(instance)):
            yield
        LOG.info('The server stood still for %.1f s', watch.elapsed(),
                 instance=instance)

    def _root(self, uuid: str, keys: vmx.Vmx) -> attached.Attached:
        """Return how a server's root disk is attached."""
        root = self._disk_lists.find(uuid, disks.Origin.ROOT)
        if root is None:
            raise exception.VmIncomplete(
                'Server %s has no root disk.' % uuid,
                'Its record lists none.',
                'See whether its files are in %s.'
                % self._layout.folder(uuid))
        found = root.attachment(keys, self._layout.folder(uuid))
        if found is None:
            raise exception.VmIncomplete(
                'The root disk of server %s is not in its .vmx.' % uuid,
                'No line of %s names %s.' % (self._layout.vmx(uuid),
                                             root.path),
                'Attach it again, or reboot the server hard.')
        return found

    def _usable_state(self, uuid: str) -> states.State:
        """Return the state of a server, or refuse to make an image of it."""
        if not os.path.exists(self._layout.vmx(uuid)):
            raise exception.VmNotFound('Server %s has no VM.' % uuid)
        state = self._states.get(uuid)
        if state is states.State.UNKNOWN:
            raise exception.StateUnknown(
                'Cannot make an image of server %s: its power state is '
                'unknown.' % uuid, 'The log of nova-compute says why.',
                'Try again when "vmrun list" works.')
        if state is states.State.RUNNING and not self._product.can_snapshot:
            raise exception.NotSupported(
                '%s cannot make an image of a running server.'
                % self._product.name, 'It cannot take snapshots.',
                'Stop the server, and try again.')
        return state

    def _chain(self, uuid: str, file: str) -> list[str]:
        folder = self._layout.folder(uuid)
        return list(disk_chain.follow(os.path.join(folder, file),
                                      (folder, *self._layout.caches(),
                                       *self._storage.chain_folders(
                                           self._disk_lists.get(uuid)))))

    def _require_space(self, uuid: str, chain: list[str],
                       memory: int) -> None:
        """Refuse what would fill the file system under all servers."""
        # Most data shrinks when compressed; compressed data grows by 1 %.
        content = min(sum(map(space.allocated, chain)),
                      linked.read_header(chain[0]).capacity) * 101 // 100
        space.of_instances(
            self._layout.root,
            'Free some space on the file system of the instances%s.'
            % (', or stop the server first' if memory else '')
        ).require(
            memory + content,
            'There is not enough space for an image of server %s.' % uuid,
            'It may need %d MiB: %d for the memory of a running server and '
            '%d for the disk.' % ((memory + content) // units.Mi,
                                  memory // units.Mi, content // units.Mi))

    @contextlib.contextmanager
    def _frozen(self, instance: nova_instance.Instance, image_id: str,
                disk: attached.Attached,
                needs_snapshot: bool) -> abc.Iterator[str]:
        """Freeze a disk, and yield the name of the file to read."""
        if not needs_snapshot:
            yield disk.file
            return
        uuid, name = instance.uuid, vmsd.OWN_PREFIX + image_id
        LOG.info('Taking snapshot %s: the server pauses while VMware begins '
                 'to write its memory', name, instance=instance)
        try:
            with (timeutils.StopWatch() as watch,
                  self._quiescer.frozen(instance)):
                file = self._freeze(uuid, name, disk)
            LOG.info('Snapshot %s took %.1f s', name, watch.elapsed(),
                     instance=instance)
            yield file
        finally:
            self._thaw(uuid, name)
            self._storage.second.write(uuid)

    def _freeze(self, uuid: str, name: str, disk: attached.Attached) -> str:
        """Take a snapshot; return the name of the file that it freezes."""
        # The newest data will not be beside the record there.
        self._storage.second.remove(uuid)
        try:
            self._vmrun.snapshot(self._layout.vmx(uuid), name,
                                 timeout=self._limits.snapshot(uuid))
        except exception.ToolTimeout:
            self._await_late(uuid, name)
            raise
        except exception.VmPaused:
            # The owner of the host has paused it, unknown to Nova.
            return disk.file
        return self._frozen_file(uuid, name, disk)

    def _await_late(self, uuid: str, name: str) -> None:
        """Give VMware time to finish a snapshot although vmrun was killed.

        VMware goes on without vmrun. A snapshot that it is still making cannot
        be removed yet, and would be left behind.
        """
        for _ in range(int(_LATE_SECONDS / _LATE_INTERVAL)):
            if name in [each.name for each in self._snapshots(uuid)]:
                return
            if self._states.get(uuid) is not states.State.RUNNING:
                return
            self._sleep(_LATE_INTERVAL)
        LOG.error('Snapshot %s of server %s was not taken in time. If VMware '
                  'finishes it later, it is removed when the next image of '
                  'the server is made or nova-compute starts.', name, uuid)

    def _frozen_file(self, uuid: str, name: str,
                     disk: attached.Attached) -> str:
        def parse(data: bytes) -> str:
            for snapshot in vmsd.parse(data):
                if snapshot.name == name and disk.node in snapshot.disks:
                    return snapshot.disks[disk.node]
            raise exception.InvalidVmx(
                'It has no snapshot %s of %s.' % (name, disk.file))

        return self._read(self._layout.vmsd(uuid), parse)

    def _thaw(self, uuid: str, name: str) -> None:
        """Remove a snapshot; if that fails, it is tried again later."""
        try:
            self._vmrun.delete_snapshot(self._layout.vmx(uuid), name)
        except exception.NotFound:
            LOG.debug('Server %s has no snapshot %s', uuid, name)
        except exception.VmrunError as error:
            if name in [each.name for each in self._snapshots(uuid)]:
                LOG.error('Snapshot %s of server %s stays until the next one '
                          'is made or nova-compute starts: %s',
                          name, uuid, error)

    def _snapshots(self, uuid: str) -> list[vmsd.Snapshot]:
        try:
            return self._read(self._layout.vmsd(uuid), vmsd.parse)
        except FileNotFoundError:
            return []

    def _read(self, path: str, parse: abc.Callable[[bytes], _T]) -> _T:
        with self._readable(path):
            return vmx_file.patiently(lambda: parse(files.read(path)),
                                      self._sleep)

    @contextlib.contextmanager
    def _readable(self, path: str) -> abc.Iterator[None]:
        try:
            yield
        except exception.InvalidVmx as error:
            raise exception.InvalidVmx(
                'Cannot use the file %s.' % path, error.brief,
                'See vmware.log in the same folder, and try again.')

    def _convert(self, instance: nova_instance.Instance, chain: list[str],
                 adapter: str, target: str) -> None:
        LOG.info('Copying the root disk from %d files', len(chain),
                 instance=instance)
        source = flatten.Source(
            'disk of server %s' % instance.uuid, chain, chain,
            linked.read_header(chain[0]).capacity, adapter)
        with progress.growing(target, 'The copy of the root disk', instance):
            flatten.flatten(self._qemu_img, source, target, 'Try again.')
