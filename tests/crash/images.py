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

"""Images of servers, and images in the cache, as Operations."""

from nova.compute import task_states
from oslo_utils import uuidutils

from tests.crash import disk_content
from tests.crash import operation


class Snapshot(operation.Operation):
    """An image of a server that runs."""

    task_state = task_states.IMAGE_SNAPSHOT

    def prepare(self, host):
        super().prepare(host)
        self.snapshot_id = uuidutils.generate_uuid()

    def run(self, host):
        host.driver.snapshot(None, self.instance, self.snapshot_id,
                             lambda **states: None)

    def check_started(self, host):
        super().check_started(host)
        operation.require_equal([], host.snapshots(self.instance.uuid),
                                'snapshots')

    def repeat(self, host):
        if self.is_running:
            host.power_on_if_off(self.instance)
        self.run(host)

    def check(self, host):
        super().check(host)
        self.check_started(host)
        operation.require(
            self.content == host.glance.uploaded_content(self.snapshot_id),
            'the image has another content')


class SnapshotOff(Snapshot):
    is_running = False
    ends = operation.SHUTDOWN


class CacheImage(operation.Operation):
    """An image is cached before a server needs it."""

    is_running = False
    keeps_disk = False

    def prepare(self, host):
        self.image_id = host.glance.add_image()
        self.instance = host.instance(self.image_id)
        self.content = host.glance.content(self.image_id)

    def run(self, host):
        host.driver.cache_image(None, self.image_id)

    def complete(self, host):
        host.spawn(self.instance)


class CacheIso(CacheImage):

    def prepare(self, host):
        self.image_id = host.glance.add_image('iso')
        self.instance = host.instance(self.image_id, flavor={'root_gb': 1})
        self.content = disk_content.BLANK


class AgeImages(CacheImage):
    """An image that no server has used for a long time."""

    def prepare(self, host):
        super().prepare(host)
        host.driver.cache_image(None, self.image_id)
        self.other = host.add_server(self.image_id, flavor={'root_gb': 1})
        host.driver.destroy(None, self.other, [])
        host.make_old(host.layout.cache)

    def run(self, host):
        host.hypervisor.age_caches([])

    def check_started(self, host):
        self.run(host)
        operation.require_equal([], host.cached(self.image_id),
                                'files in the cache')


class AgeSizes(AgeImages):
    """One size is removed; a server uses the other one."""

    def prepare(self, host):
        super().prepare(host)
        self.user = host.add_server(self.image_id)
        host.make_old(host.layout.cache)

    def check_started(self, host):
        self.run(host)
        operation.require('disk-own.vmdk' in host.cached(self.image_id),
                          'the disk that a server needs was removed')
        operation.require('disk-1.vmdk' not in host.cached(self.image_id),
                          'the disk that nobody needs is there')

    def delete(self, host):
        super().delete(host)
        host.driver.destroy(None, self.user, [])
