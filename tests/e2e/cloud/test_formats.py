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

"""Images of every format boot, with their whole content."""

import http
import os

from openstack import exceptions
import testtools

from tests.e2e.cloud import base
from tests.e2e.guest import console
from tests.e2e.guest import disks
from tests.e2e.guest import images

GIB = 1024 ** 3


class FormatsTest(base.CloudCase):

    def setUp(self):
        super().setUp()
        self.source = images.image('raw', 'cloud')

    def check(self, image):
        """Boot an image, on a disk as large as the flavor says."""
        server, facts = self.boot(image)
        self.check_guest(server, image, facts)

    def check_guest(self, server, image, facts):
        self.assertEqual((GIB, 1), (self.root_bytes(facts),
                                    console.boots(facts)))
        size = os.path.getsize(self.source)
        self.assertEqual(disks.sha256(self.source),
                         disks.content(self.base_of(image), size))
        # On its own disk the guest has counted already.
        untouched = disks.start_of_data(self.source)
        self.assertEqual(
            disks.sha256(self.source, untouched),
            disks.content(server.folder / 'root.vmdk', untouched))

    def test_qcow2(self):
        self.check(self.plane.image('qcow2'))

    def test_raw(self):
        self.check(self.plane.image('raw'))

    def test_vmdk_sparse(self):
        self.check(self.plane.image('vmdk', vmware_disktype='sparse'))

    @testtools.testcase.attr('sample')
    def test_vmdk_stream_optimized(self):
        self.check(self.plane.image('vmdk-stream',
                                    vmware_disktype='streamOptimized'))

    def test_vmdk_extents_without_descriptor(self):
        kinds = ('preallocated', 'thin')
        refused = self.assertRaises(
            exceptions.HttpException, self.plane.image, 'raw',
            disk_format='vmdk', vmware_disktype=kinds[0])
        self.assertEqual(http.HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                         refused.status_code)
        with self.plane.glance_takes_any_content():
            found = [self.plane.image('raw', disk_format='vmdk',
                                      vmware_disktype=kind) for kind in kinds]
        servers = [self.create(image) for image in found]
        for server, image in zip(servers, found):
            server.wait('ACTIVE')
            self.check_guest(server, image, server.console.wait_facts())

    def test_extent_declared_as_raw(self):
        self.check(self.plane.image('raw', vmware_disktype='preallocated'))

    def test_vhd(self):
        self.check(self.plane.image('vhd'))

    def test_vhdx(self):
        self.check(self.plane.image('vhdx'))

    def test_vdi(self):
        self.check(self.plane.image('vdi'))

    def test_ova(self):
        self.check(self.plane.image('ova'))
