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

"""Unit tests for the verdict about an image."""

import gzip
import os

import fixtures
from oslo_utils import units

from nova_vmrun.cmd.image import check
from nova_vmrun.inspection import inspector
from nova_vmrun.inspection import sniff
from tests.fixtures.hostile import hybrids
from tests.unit import base
from tests.unit import images
from tests.unit import vmdks


class JudgeTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path

    def judge(self, content, disk_format, container_format='bare',
              disk_type=None, adapter=None, **properties):
        path = os.path.join(self.folder, 'image')
        with open(path, 'wb') as file:
            file.write(content)
        return check.judge(path, sniff.GlanceFormat(
            disk_format, container_format, disk_type), properties, adapter)

    def refused(self, text, *args, **options):
        verdict = self.judge(*args, **options)
        (reason,) = verdict.reasons
        self.assertIn(text, reason)
        return verdict

    def test_disk_that_boots(self):
        verdict = self.judge(images.qcow2(), 'qcow2', os_distro='windows',
                             os_version='11')
        self.assertEqual(
            (inspector.Content('qcow2', units.Mi), 'windows11-64', True,
             'nvme', ()),
            (verdict.content, verdict.guest.id, verdict.guest_is_known,
             verdict.bus, verdict.reasons))
        self.assertIn('windows', verdict.bus_origin)

    def test_guest_that_the_image_does_not_name(self):
        verdict = self.judge(images.qcow2(), 'qcow2')
        self.assertEqual(('otherlinux-64', False),
                         (verdict.guest.id, verdict.guest_is_known))

    def test_architecture(self):
        for properties, guest in (
                ({'hw_architecture': 'aarch64'}, 'arm-other6xlinux-64'),
                ({'hw_architecture': 'x86_64'}, 'otherlinux-64')):
            verdict = self.judge(images.qcow2(), 'qcow2', **properties)
            self.assertEqual(guest, verdict.guest and verdict.guest.id,
                             verdict.reasons)

    def test_iso(self):
        verdict = self.judge(hybrids.iso(), 'iso')
        self.assertIsNone(verdict.content)
        self.assertEqual((), verdict.reasons)
        self.refused('It cannot be in a CD drive', images.qcow2(), 'iso')

    def test_reason_has_the_advice(self):
        verdict = self.refused('Its disk_format is ami. Use an image of',
                               images.qcow2(), 'ami')
        self.assertIsNone(verdict.content)
        # The hardware does not depend on the content.
        self.assertEqual('lsilogic', verdict.bus)

    def test_every_reason_is_given(self):
        verdict = self.judge(images.qcow2(backing_file=b'/etc/shadow'),
                             'qcow2', vmrun_disk_bus='punched-cards')
        self.assertEqual(2, len(verdict.reasons))
        self.assertIn('backing_file', verdict.reasons[0])
        self.assertIn('punched-cards', verdict.reasons[1])
        self.assertEqual((None, None, None, False),
                         (verdict.guest, verdict.bus, verdict.bus_origin,
                          verdict.guest_is_known))

    def test_controller_of_the_disk(self):
        content = vmdks.image(vmdks.descriptor(
            adapter='ide', extra='ddb.uuid = "60 00"'))
        self.assertEqual('ide', self.judge(content, 'vmdk').bus)
        # The disk itself knows it better.
        self.assertEqual('ide', self.judge(content, 'vmdk',
                                           adapter='buslogic').bus)
        self.assertEqual('buslogic', self.judge(
            vmdks.image(), 'vmdk', adapter='buslogic').bus)
        self.assertEqual('buslogic', self.judge(
            hybrids.iso(), 'iso', adapter='buslogic').bus)

    def test_disk_type(self):
        zeros = bytes(units.Mi)
        for options in ({'disk_type': 'preallocated'},
                        {'vmware_disktype': 'thin'},
                        {'disk_type': 'sparse', 'vmware_disktype': 'thin'}):
            verdict = self.judge(zeros, 'vmdk', **options)
            self.assertEqual((), verdict.reasons)
            self.assertEqual('raw', verdict.content.format)
        for options in ({'disk_type': 'sparse'},
                        {'vmware_disktype': 'sparse', 'disk_type': 'thin'}):
            self.refused('content is zeros', zeros, 'vmdk', **options)

    def test_impossible_disk_type_is_reported_once(self):
        verdict = self.refused('vmware_disktype', vmdks.image(), 'vmdk',
                               vmware_disktype='punched-cards')
        self.assertEqual('vmdk', verdict.content.format)

    def test_unpacked_disk_is_removed(self):
        self.useFixture(fixtures.NestedTempfile())
        verdict = self.judge(images.tar([
            ('vm.ovf', images.ovf([('file1', 'disk.vmdk',
                                    'ovf:compression="gzip"')])),
            ('disk.vmdk', gzip.compress(vmdks.image()))]), 'vmdk', 'ova')
        self.assertEqual(((), units.Mi),
                         (verdict.reasons, verdict.content.size))
        self.assertEqual(['image'], os.listdir(self.folder))
        self.assertFalse(os.path.exists(verdict.content.unpacked_path))

    def test_disk_of_an_ova(self):
        content = images.tar([
            ('vm.ovf', images.ovf([('a', 'a.vmdk', ''), ('b', 'b.vmdk', '')],
                                  ['a', 'b'])),
            ('a.vmdk', vmdks.image()), ('b.vmdk', vmdks.image(sectors=4096))])
        self.refused('2 disks', content, 'vmdk', 'ova')
        verdict = self.judge(content, 'vmdk', 'ova', vmrun_ova_disk='b.vmdk')
        self.assertEqual(2 * units.Mi, verdict.content.size)
