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

import hypothesis

from nova_vmrun import exception
from nova_vmrun.formats import vmsd
from tests.unit.machine import base

# As Workstation 17.6 writes it, with the first snapshot on top.
TWO = b'''.encoding = "UTF-8"
snapshot.lastUID = "3"
snapshot.current = "3"
snapshot0.uid = "1"
snapshot0.filename = "web-Snapshot1.vmsn"
snapshot0.displayName = "before |22update|22"
snapshot0.createTimeHigh = "412345"
snapshot0.createTimeLow = "-12345678"
snapshot0.numDisks = "2"
snapshot0.disk0.fileName = "root.vmdk"
snapshot0.disk0.node = "scsi0:0"
snapshot0.disk1.fileName = "swap.vmdk"
snapshot0.disk1.node = "scsi0:1"
snapshot.numSnapshots = "2"
snapshot1.uid = "3"
snapshot1.parent = "1"
snapshot1.displayName = "mine"
snapshot1.type = "1"
snapshot1.numDisks = "1"
snapshot1.disk0.fileName = "root-000001.vmdk"
snapshot1.disk0.node = "SCSI0:0"
'''


class VmsdTestCase(base.TestCase):

    def test_snapshots_and_the_files_that_they_keep(self):
        self.assertEqual(
            [vmsd.Snapshot('before "update"', {'scsi0:0': 'root.vmdk',
                                               'scsi0:1': 'swap.vmdk'}),
             vmsd.Snapshot('mine', {'scsi0:0': 'root-000001.vmdk'})],
            vmsd.parse(TWO))

    def test_a_file_that_vmware_has_emptied(self):
        self.assertEqual([], vmsd.parse(b''))

    def test_invalid_and_absurd_numbers(self):
        for number in ('x', '-1', '0'):
            self.assertEqual([], vmsd.parse(
                b'snapshot.numSnapshots = "%s"' % number.encode()))
        self.assertGreater(2000, len(vmsd.parse(
            b'snapshot.numSnapshots = "99999999999"')))

    @hypothesis.given(base.hostile)
    def test_only_invalid_vmx_is_raised(self, text):
        try:
            vmsd.parse(b'snapshot.numSnapshots = "2"\n' +
                       text.encode('utf-8', 'surrogatepass'))
        except exception.InvalidVmx as error:
            self.assertNotEqual('', error.brief)
