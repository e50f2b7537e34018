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

"""A compute host that can be crashed: a driver, fake tools, and servers.

Everything that an operation finds, files and the memory of the fakes, is
copied, so that every attempt begins with the same.
"""

from collections import abc
import os
import shutil
import time
from typing import Any

import fixtures
from nova import conf as nova_conf
from nova.network import model
from nova import objects
from nova import test as nova_test
from oslo_utils import uuidutils

from nova_vmrun import driver
from nova_vmrun.formats import vmsd
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.host import product
from nova_vmrun import hypervisor
from nova_vmrun.machine import adapters
from nova_vmrun.ops.nova import mappings
from nova_vmrun.server import disks
from nova_vmrun.server import layout
from nova_vmrun.storage import server_folders
from tests.crash import disk_content
from tests.crash import enumeration
from tests.crash import forked
from tests.crash import glance
from tests.crash import operation
from tests.crash import processes
from tests.crash import steps
from tests.crash import tidiness
from tests.crash import volumes_of_host
from tests.functional.contract import base
from tests.functional import fake_ssh

CONF = nova_conf.CONF
_SECONDS = 60


class Host(fixtures.Fixture):
    """One compute node.

    :param storage: names of its storage folders beside instances_path

    :ivar driver: the VmrunDriver; a new one after each crash
    :ivar root: [DEFAULT] instances_path
    """

    def __init__(self, test: nova_test.TestCase,
                 storage: abc.Sequence[str] = ()) -> None:
        self._test = test
        self._storage = storage
        self._watch: steps.Watch | None = None

    def _setUp(self) -> None:
        # The crashes here cut no power but that of this host.
        self.useFixture(fixtures.MockPatch('os.fsync'))
        self.vmware = base.use_fakes(self._test, AGENT='works')
        self.addCleanup(self.end_processes)
        self.root: str = CONF.instances_path
        self._folder = self.useFixture(fixtures.TempDir()).path
        self.glance = self.useFixture(glance.Glance(self._reach))
        self._elsewhere = os.path.join(self._folder, 'elsewhere')
        os.makedirs(os.path.join(self._elsewhere, 'locks'))
        self.volumes = volumes_of_host.Volumes(
            os.path.join(self._folder, 'volumes'))
        os.mkdir(self.volumes.folder)
        self._test.flags(group='vmrun', **self.volumes.options)
        self.storage = {name: os.path.join(self._folder, name)
                        for name in self._storage}
        for path in self.storage.values():
            os.mkdir(path)
        self._test.flags(group='vmrun', default_storage_tag='default',
                         storage_folders=[
                             '%s:%s' % each for each in self.storage.items()])
        # There is no database that could list volumes.
        self.useFixture(fixtures.MockPatchObject(
            mappings, 'of_server', lambda *_: self.volumes.info))
        self._watched = (self.root, self._elsewhere, self.volumes.folder,
                         *self.storage.values())
        self._kept = (*self._watched, self.vmware.state, self.glance.uploads)
        programs = self.useFixture(fake_ssh.FakeSsh(
            {CONF.my_ip: self.root, operation.OTHER_HOST: self._elsewhere}))
        self._test.flags(ssh_path=programs.ssh, group='vmrun')
        # There is no database that could hold tags.
        for name, value in (('find', None), ('tag_of_volume', None),
                            ('_nics', [])):
            self.useFixture(fixtures.MockPatch(
                'nova_vmrun.ops.nova.device_tags.' + name,
                return_value=value))
        metadata = self.useFixture(fixtures.MockPatch(
            'nova.api.metadata.base.InstanceMetadata')).mock
        metadata.return_value.metadata_for_config_drive.side_effect = (
            lambda: [('openstack/latest/meta_data.json', b'{}')])
        self.driver = self._start_driver()
        # The product is detected once: it does not change.
        self.useFixture(fixtures.MockPatchObject(
            product, 'detect', return_value=self.hypervisor.product))

    @property
    def hypervisor(self) -> hypervisor.Hypervisor:
        return self.driver._hypervisor

    @property
    def layout(self) -> layout.Layout:
        return self.hypervisor.layout

    def _reach(self, step: str) -> None:
        if self._watch:
            self._watch.reach(step)

    # Servers

    def instance(self, image_id: str, **changes: Any) -> objects.Instance:
        """Return an instance that has no VM yet."""
        metadata = {'image_disk_format': self.glance.images[image_id][0],
                    'image_base_image_ref': image_id}
        metadata.update(changes.pop('system_metadata', {}))
        flavor = dict({'flavorid': 'small', 'vcpus': 1, 'memory_mb': 64,
                       'root_gb': 0, 'ephemeral_gb': 0, 'swap': 0},
                      **changes.pop('flavor', {}))
        extra_specs = flavor.pop('extra_specs', {})
        return objects.Instance(**dict(
            {'id': 1, 'uuid': uuidutils.generate_uuid(),
             'display_name': 'web', 'image_ref': image_id,
             'flavor': objects.Flavor(extra_specs=extra_specs, **flavor),
             'trusted_certs': None, 'config_drive': '',
             'project_id': 'project', 'user_id': 'user',
             'device_metadata': None,
             'info_cache': objects.InstanceInfoCache(
                 network_info=model.NetworkInfo()),
             'vm_state': 'building', 'task_state': 'spawning',
             'system_metadata': metadata}, **changes))

    def image_meta(self, image_id: str,
                   **properties: Any) -> objects.ImageMeta:
        return objects.ImageMeta.from_dict({
            'id': image_id, 'disk_format': self.glance.images[image_id][0],
            'container_format': 'bare', 'properties': properties})

    def spawn(self, instance: objects.Instance, power_on: bool = True,
              block_device_info: dict[str, Any] | None = None) -> None:
        self.driver.spawn(
            None, instance, self.image_meta(instance.image_ref), [], None, {},
            [], block_device_info=block_device_info, power_on=power_on)

    def add_server(self, image_id: str, **changes: Any) -> objects.Instance:
        """Make a server that is off and whose guest has written."""
        instance = self.instance(image_id, **changes)
        self.spawn(instance, power_on=False)
        instance.vm_state, instance.task_state = 'active', None
        disk_content.write(self.root_disk(instance.uuid))
        return instance

    def root_disk(self, uuid: str, folder: str | None = None) -> str:
        """Return the path of the file that was made for a root disk."""
        folder = folder or self.layout.folder(uuid)
        return self._root(uuid, folder).file(folder)

    def _root(self, uuid: str, folder: str) -> disks.Disk:
        record = self.hypervisor.records.in_folder(uuid, folder)
        assert record, 'There is no record.'
        root = disks.first(disks.parse(record.disks), disks.Origin.ROOT)
        assert root, 'The record lists no root disk.'
        return root

    def content(self, uuid: str, folder: str | None = None) -> bytes:
        """Return what a guest reads on its root disk."""
        folder = folder or self.layout.folder(uuid)
        keys = vmx.load(files.read(os.path.join(folder, uuid + '.vmx')))
        root = self._root(uuid, folder).attachment(keys, folder)
        assert root, 'The root disk is not in the .vmx.'
        return disk_content.read(os.path.join(folder, root.file))

    def contents(self, uuid: str) -> list[bytes]:
        """Return the contents of all root disks that a server has."""
        folders = [self.layout.folder(uuid), self.layout.kept(uuid)]
        return [self.content(uuid, folder) for folder in folders
                if os.path.isdir(folder)]

    def power_on_if_off(self, instance: objects.Instance) -> None:
        """Start a server that a power cut has stopped, as its user does."""
        self.driver.power_on(None, instance, [])

    def mac_addresses(self, uuid: str) -> list[str]:
        """Return the MAC addresses of a server's adapters."""
        return sorted(adapters.slots(vmx.load(files.read(
            self.layout.vmx(uuid)))))

    def snapshots(self, uuid: str) -> list[str]:
        """Return the names of a server's snapshots."""
        path = self.layout.vmsd(uuid)
        if not os.path.exists(path):
            return []
        return [each.name for each in vmsd.parse(files.read(path))]

    def files_of(self, uuid: str) -> list[str]:
        """Return the names of the files in a server's folder."""
        return sorted(os.listdir(self.layout.folder(uuid)))

    def beside(self, uuid: str) -> list[str]:
        """Return the folders that a resize has made."""
        return [folder for folder in self.layout.beside(uuid)
                if os.path.exists(folder)]

    def in_storage(self) -> list[str]:
        """Return the names of the folders of servers in storage folders."""
        return [os.path.basename(path) for folder in self.storage.values()
                for _uuid, path in server_folders.find(folder)]

    def caches(self) -> list[str]:
        """Return the image caches of all storage folders."""
        return [self.layout.cache, *(
            os.path.join(path, os.path.basename(self.layout.cache))
            for path in self.storage.values())]

    def elsewhere(self) -> list[str]:
        """Return the folders of servers on the other host."""
        return sorted(set(os.listdir(self._elsewhere)) - {'locks'})

    def cached(self, image_id: str) -> list[str]:
        """Return the names of an image's files in the cache."""
        try:
            return sorted(os.listdir(os.path.join(self.layout.cache,
                                                  image_id)))
        except FileNotFoundError:
            return []

    def make_old(self, folder: str) -> None:
        """Make images look as if nobody had used them for months."""
        for path in steps.walk([folder]):
            if path.endswith('.used'):
                os.utime(path, (0, 0))

    # Going back to an earlier state

    def keep(self) -> None:
        """Keep a copy of everything as it is now."""
        self.end_processes()
        for folder in self._kept:
            shutil.copytree(folder, self._copy_of(folder), symlinks=True)

    def bring_back(self) -> None:
        """Restore what was kept, and start nova-compute."""
        self.end_processes()
        for folder in self._kept:
            shutil.rmtree(folder)
            shutil.copytree(self._copy_of(folder), folder, symlinks=True)
        self.restart()

    def _copy_of(self, folder: str) -> str:
        return os.path.join(self._folder, 'kept-' + os.path.basename(folder))

    # Crashes

    def run(self, operation: abc.Callable[['Host'], None],
            moment: steps.Moment | None = None
            ) -> tuple[bool, list[dict[str, Any]]]:
        """Run an operation in a process of its own.

        :param moment: when to kill it, if at all
        :returns: whether it was not killed, and its steps
        """
        def run_watched(report: int) -> None:
            self._watch = steps.Watch(self._watched, report, moment)
            self._watch.begin()
            operation(self)

        return forked.run(run_watched, os.path.join(self._folder, 'report'))

    def wait_for_tools(self) -> None:
        """Wait until the tools that outlive nova-compute have ended."""
        processes.wait_for_tools(self._kept)

    def wait_for_tool(self, verb: str) -> None:
        """Wait until a vmrun runs with a verb."""
        deadline = time.monotonic() + _SECONDS
        while not any(verb in process.info['cmdline']
                      for process in processes.using(self._kept)):
            if time.monotonic() > deadline:
                raise AssertionError('No vmrun %s runs.' % verb)
            time.sleep(0.01)

    def cut_power(self, durable: abc.Container[int]) -> None:
        """Kill everything and cut files that were not flushed in half.

        :param durable: inodes of files that were flushed, or that were there
            before the operation began
        """
        self.end_processes()
        for path, inode in self.inodes():
            if inode not in durable and not tidiness.is_vmwares(path):
                os.truncate(path, os.path.getsize(path) // 2)

    def picture(self) -> dict[str, tuple[int, int, int]]:
        """Return an enumeration.picture of all files but lock files."""
        return {path: what for path, what in enumeration.picture(
            self._watched).items()
            if os.path.basename(os.path.dirname(path)) != 'locks'}

    def inodes(self) -> abc.Iterator[tuple[str, int]]:
        """Yield path and inode of all files of servers and images."""
        for path in steps.walk(self._watched):
            yield path, os.lstat(path).st_ino

    def restart(self) -> None:
        """Start nova-compute again."""
        operation.require_equal([], tidiness.unlisted_disks(self.root),
                                'disks that no list names')
        self.driver = self._start_driver()

    def _start_driver(self) -> driver.VmrunDriver:
        """Start a driver that does not watch VMs.

        Its thread would list them while another process runs an operation,
        and the number of programs is compared.
        """
        started: driver.VmrunDriver = base.start_driver(self)
        started._hypervisor.events.end()
        # Nova does this last when it starts. Operations come after it.
        started.get_available_resource(started.get_available_nodes()[0])
        return started

    def end_processes(self) -> None:
        """Kill VMs and tools."""
        processes.end(self._kept)

    def vms(self) -> list[str]:
        """Return the .vmx paths of all VM processes, listed or not."""
        return processes.vms(self._kept)
