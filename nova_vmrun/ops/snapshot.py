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

"""An image of a server's root disk, whatever state the server is in.

A running server is not stopped: VMware takes a snapshot, which freezes the
files of the disk for as long as they are read, and is told to remove it. The
disk of a server that is paused, suspended or off is read as it stands.
"""

from collections import abc
import contextlib
import os
import time

from nova.compute import task_states
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
from nova_vmrun.ops import progress
from nova_vmrun.server import disks
from nova_vmrun.server import states
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import disk_chain
from nova_vmrun.storage import flatten
from nova_vmrun.storage import linked

LOG = logging.getLogger(__name__)

# How long a snapshot is waited for whose vmrun was killed at its time limit.
_LATE_SECONDS = 60
_LATE_INTERVAL = 5


class Snapshots:
    """Makes images of servers.

    :param vmrun: a nova_vmrun.tools.vmrun.Vmrun
    :param qemu_img: a nova_vmrun.tools.qemu_img.QemuImg
    :param product: a nova_vmrun.host.product.Product
    :param power_states: a nova_vmrun.server.states.PowerStates
    :param layout: a nova_vmrun.server.layout.Layout
    :param records: a nova_vmrun.server.records.Records
    :param disk_lists: a nova_vmrun.server.disk_lists.DiskLists
    :param limits: a nova_vmrun.ops.power.time_limits.TimeLimits
    :param sleep: waits some seconds; tests replace it
    """

    def __init__(self, vmrun, qemu_img, product, power_states, layout,
                 records, disk_lists, limits, sleep=time.sleep):
        self._vmrun = vmrun
        self._qemu_img = qemu_img
        self._product = product
        self._states = power_states
        self._layout = layout
        self._records = records
        self._disk_lists = disk_lists
        self._limits = limits
        self._sleep = sleep
        self._vmx_files = vmx_file.VmxFiles(layout, sleep)

    def take(self, context, instance, image_id, update_task_state):
        """Makes an image that Nova has created the content of a root disk.

        :param context: nova.context.RequestContext that may write the image
        :param instance: nova.objects.Instance
        :param image_id: of the image, which has no content yet
        :param update_task_state: called with Nova's task states
        :raises NotSupported: the server runs, and the product has no
            snapshots
        :raises DiskFull: no space for the memory or for the image
        :raises VmNotFound: there is no such server, or it was deleted
        :raises ImageNotFound: Nova's; the image was deleted
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
    def _work(self, uuid):
        """Gives the path of a file that is gone afterwards."""
        self.clear(uuid)
        work = self._layout.snapshot_work(uuid)
        os.mkdir(work, mode=0o700)
        try:
            yield os.path.join(work, 'disk.vmdk')
        finally:
            files.remove_tree(work)

    def clear(self, uuid):
        """Removes what a crash has left of an earlier image of a server.

        :raises OSError: a file could not be removed
        """
        files.remove_tree(self._layout.snapshot_work(uuid))
        for snapshot in self._snapshots(uuid):
            if snapshot.name.startswith(vmsd.OWN_PREFIX):
                LOG.warning('Removing snapshot %s of server %s, which was '
                            'left behind', snapshot.name, uuid)
                self._thaw(uuid, snapshot.name)

    def finish_interrupted(self):
        """Removes what a crash kept from being removed."""
        for record in self._records.all():
            try:
                self.clear(record.uuid)
            except (exception.VmrunError, OSError) as error:
                LOG.error('What is left of a snapshot of server %s cannot be '
                          'removed: %s', record.uuid, error)

    def _copy_disk(self, instance, image_id, target):
        """Writes the root disk to a new file.

        :returns: (Vmx of the server, bus of the disk)
        """
        uuid = instance.uuid
        state = self._usable_state(uuid)
        with self._readable(self._layout.vmx(uuid)):
            keys = self._vmx_files.load_patiently(uuid)
        disk = self._root(uuid, keys)
        is_running = state is states.State.RUNNING
        self._require_space(
            uuid, self._chain(uuid, disk.file),
            keys.get_int('memsize') * units.Mi if is_running else 0)
        with self._frozen(instance, image_id, disk, is_running) as file:
            self._convert(instance, self._chain(uuid, file),
                          vmdk.adapter_type(disk.bus), target)
        return keys, disk.bus

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

    def _usable_state(self, uuid):
        if not os.path.exists(self._layout.vmx(uuid)):
            raise exception.VmNotFound('Server %s has no VM.' % uuid)
        state = self._states.get(uuid)
        if state is states.State.UNKNOWN:
            raise exception.StateUnknown(
                'No image can be made of server %s: whether it runs is not '
                'known.' % uuid, 'The log of nova-compute says why.',
                'Try again when "vmrun list" works.')
        if state is states.State.RUNNING and not self._product.can_snapshot:
            raise exception.NotSupported(
                '%s cannot make an image of a running server.'
                % self._product.name, 'It has no snapshots.',
                'Stop the server, and try again.')
        return state

    def _chain(self, uuid, file):
        folder = self._layout.folder(uuid)
        return disk_chain.follow(os.path.join(folder, file),
                                 (folder, *self._layout.caches()))

    def _require_space(self, uuid, chain, memory):
        """Refuses now what would fill the file system under all servers."""
        # Compression takes most data down; what is compressed grows by 1 %.
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
    def _frozen(self, instance, image_id, disk, is_running):
        """Keeps a disk from being written to; gives the file to read."""
        if not is_running:
            yield disk.file
            return
        uuid, name = instance.uuid, vmsd.OWN_PREFIX + image_id
        LOG.info('Taking snapshot %s: the server stands still while VMware '
                 'begins to write its memory', name, instance=instance)
        try:
            with timeutils.StopWatch() as watch:
                file = self._freeze(uuid, name, disk)
            LOG.info('Snapshot %s took %.1f s', name, watch.elapsed(),
                     instance=instance)
            yield file
        finally:
            self._thaw(uuid, name)

    def _freeze(self, uuid, name, disk):
        try:
            self._vmrun.snapshot(self._layout.vmx(uuid), name,
                                 timeout=self._limits.snapshot(uuid))
        except exception.ToolTimeout:
            self._await_late(uuid, name)
            raise
        except exception.VmPaused:
            # By the owner of the host: Nova would have known.
            return disk.file
        return self._frozen_file(uuid, name, disk)

    def _await_late(self, uuid: str, name: str) -> None:
        """Gives VMware time to end a snapshot that vmrun was killed over.

        It goes on without vmrun. A snapshot that it is still making cannot be
        removed, and would stay when it is done.
        """
        for _ in range(int(_LATE_SECONDS / _LATE_INTERVAL)):
            if name in [each.name for each in self._snapshots(uuid)]:
                return
            if self._states.get(uuid) is not states.State.RUNNING:
                return
            self._sleep(_LATE_INTERVAL)
        LOG.error('Snapshot %s of server %s was not taken in time. If VMware '
                  'still ends it, it is removed when the next image of the '
                  'server is made or nova-compute starts.', name, uuid)

    def _frozen_file(self, uuid, name, disk):
        def parse(data):
            for snapshot in vmsd.parse(data):
                if snapshot.name == name and disk.node in snapshot.disks:
                    return snapshot.disks[disk.node]
            raise exception.InvalidVmx(
                'It has no snapshot %s of %s.' % (name, disk.file))

        return self._read(self._layout.vmsd(uuid), parse)

    def _thaw(self, uuid, name):
        """Removes a snapshot; if that fails, it is tried again later."""
        try:
            self._vmrun.delete_snapshot(self._layout.vmx(uuid), name)
        except exception.NotFound:
            LOG.debug('Server %s has no snapshot %s', uuid, name)
        except exception.VmrunError as error:
            if name in [each.name for each in self._snapshots(uuid)]:
                LOG.error('Snapshot %s of server %s stays until the next one '
                          'is made or nova-compute starts: %s',
                          name, uuid, error)

    def _snapshots(self, uuid):
        try:
            return self._read(self._layout.vmsd(uuid), vmsd.parse)
        except FileNotFoundError:
            return []

    def _read(self, path, parse):
        with self._readable(path):
            return vmx_file.patiently(lambda: parse(files.read(path)),
                                      self._sleep)

    @contextlib.contextmanager
    def _readable(self, path: str) -> abc.Iterator[None]:
        try:
            yield
        except exception.InvalidVmx as error:
            raise exception.InvalidVmx(
                'The file %s cannot be used.' % path, error.brief,
                'See vmware.log in the same folder, and try again.')

    def _convert(self, instance, chain, adapter, target):
        LOG.info('Copying the root disk from %d files', len(chain),
                 instance=instance)
        source = flatten.Source(
            'disk of server %s' % instance.uuid, chain, chain,
            linked.read_header(chain[0]).capacity, adapter)
        with progress.growing(target, 'The copy of the root disk', instance):
            flatten.flatten(self._qemu_img, source, target, 'Try again.')
