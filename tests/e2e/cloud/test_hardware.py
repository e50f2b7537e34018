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

"""Hardware that images ask for, in guests that have all drivers."""

import os

import testtools

from tests.e2e.cloud import base
from tests.e2e.guest import console

#: What the image asks for, and the driver that its guest then needs.
CONTROLLERS = (
    ({'hw_scsi_model': 'lsisas1068'}, 'mptsas'),
    ({'hw_disk_bus': 'sata'}, 'ahci'),
    ({'hw_disk_bus': 'ide'}, 'ata_piix'),
    ({'vmrun_disk_bus': 'nvme'}, 'nvme'),
)


class HardwareTest(base.CloudCase):

    @testtools.testcase.attr('sample')
    def test_image_that_asks_for_nothing(self):
        server, facts = self.boot(self.plane.image(kernel='full'))

        self.assertEqual('sym53c8xx', console.root_disk(facts)['driver'])
        self.assertEqual(['e1000'], [nic['driver'] for nic in facts['nics']])
        self.assertEqual([('config-2', 'ahci')], [
            (cd['label'], cd['driver']) for cd in facts['cds']])
        log = (server.folder / 'vmware.log').read_text()
        self.assertIn('scsi0.virtualDev = "lsilogic": the guest gets '
                      'lsi53c895a instead.', log)

    def test_controllers(self):
        with self.plane.knobs(QEMU_HARDWARE='exact'):
            servers = [self.create(self.plane.image(kernel='full', **asked))
                       for asked, _ in CONTROLLERS]
            for server in servers:
                server.wait('ACTIVE')
            found = [console.root_disk(server.console.wait_facts())['driver']
                     for server in servers]

        self.assertEqual([driver for _, driver in CONTROLLERS], found)

    def test_uefi(self):
        if not os.path.exists('/usr/share/OVMF'):
            self.skipTest('ovmf is not installed')
        _, facts = self.boot(self.plane.image(
            kernel='full', hw_firmware_type='uefi', hw_disk_bus='sata'))

        self.assertEqual(('efi', 'ahci'), (
            facts['firmware'], console.root_disk(facts)['driver']))
