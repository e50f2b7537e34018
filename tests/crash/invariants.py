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

"""What must be true of a host after any crash."""

import glob
import os

from nova_vmrun.host import files
from tests.crash import disk_content
from tests.crash import host as hosts
from tests.crash import operation
from tests.crash import tidiness


class Invariants:
    """Checks a host, and a second server that no operation touches."""

    def __init__(self, host: hosts.Host) -> None:
        self._host = host
        self._compared: dict[tuple[str, int], bool] = {}
        self._bystander = host.add_server(host.glance.add_image())
        self._bystanders_disk = files.read(
            host.layout.file(self._bystander.uuid, 'root.vmdk'))

    def check_tidy(self) -> None:
        """Require that every VM is a server's and nothing is incomplete."""
        host = self._host
        uuids = host.driver.list_instance_uuids()
        vms = host.vms()
        operation.require_equal(
            [], sorted(set(vms) - set(map(host.layout.vmx, uuids))),
            'VMs that belong to no server')
        operation.require_equal(
            vms, sorted(host.layout.vmx(uuid) for uuid in uuids
                        if host.hypervisor.states.is_running(uuid, False)),
            'running VMs')
        for root in (host.root, *host.storage.values()):
            operation.require_equal([], tidiness.half_made(root, uuids),
                                    'incomplete files')
        for cache in host.caches():
            operation.require_equal([], tidiness.boots(cache), 'boots')
            operation.require_equal([], tidiness.broken_images(
                cache, self._has_content), 'broken images')
        self._check_bystander()

    def check_nothing_left(self) -> None:
        """Require that only the bystander and its port are there."""
        self.check_tidy()
        host, uuid = self._host, self._bystander.uuid
        operation.require_equal([uuid], tidiness.folders(host.root),
                                'folders')
        operation.require_equal([], tidiness.connected(host.layout),
                                'connected volumes')
        record = host.hypervisor.records.get(uuid)
        operation.require_equal(
            {record.vnc_port}, host.hypervisor.records.taken_ports(),
            'ports')
        operation.require_equal([], host.in_storage(),
                                'disks in storage folders')
        operation.require_equal([], host.elsewhere(),
                                'files on the other host')

    def _check_bystander(self) -> None:
        operation.require_equal(
            operation.SHUTDOWN,
            self._host.driver.get_info(self._bystander).state,
            'power state of the bystander')
        operation.require(
            self._bystanders_disk == files.read(
                self._host.layout.file(self._bystander.uuid, 'root.vmdk')),
            "the content of the bystander's disk has changed")

    def _has_content(self, image_id: str, path: str) -> bool:
        """Return whether a file of the cache holds its image's content."""
        glance = self._host.glance
        if not path.endswith('.vmdk'):
            return files.read(path) == glance.images[image_id][1]
        # Compare the same files once: it takes two programs.
        state = hash(tuple(files.read(path) for path in sorted(glob.glob(
            os.path.join(os.path.dirname(path), '*.vmdk')))))
        if (path, state) not in self._compared:
            self._compared[path, state] = (
                disk_content.read(path) == glance.content(image_id))
        return self._compared[path, state]
