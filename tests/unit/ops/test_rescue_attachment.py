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

"""Unit tests for the changes to a VM while its server is in rescue."""

import dataclasses

from nova_vmrun import exception
from nova_vmrun.machine import model
from nova_vmrun.ops import rescue_attachment
from nova_vmrun.server import disks
from tests.unit import base
from tests.unit.machine import base as machines

_CONFIG_DRIVE = dataclasses.replace(disks.config_drive('sata'), path='drive')
_RESCUE_DRIVE = dataclasses.replace(disks.rescue_config_drive('sata'),
                                    path='rescue-drive')


class AttachTestCase(base.TestCase):

    def attach(self, device, bus, config_drive=_CONFIG_DRIVE,
               rescue_config_drive=_RESCUE_DRIVE):
        server = machines.make_machine(
            disks=(model.Disk('root', 'sata'), model.Disk('swap', 'sata')),
            cdroms=(model.Cdrom('installer', 'sata'),
                    model.Cdrom('drive', 'sata')), floppy='floppy')
        medium = dataclasses.replace(
            disks.rescue(disks.Device(device), bus), path='medium')
        return rescue_attachment.attach(server, medium, config_drive,
                                        rescue_config_drive)

    def test_disk_takes_the_first_place(self):
        server = self.attach('disk', 'sata')
        self.assertEqual(
            [('medium', 'sata0:0'), ('root', 'sata0:1'), ('swap', 'sata0:2')],
            [(disk.path, disk.node) for disk in server.disks])

    def test_disk_on_another_bus(self):
        server = self.attach('disk', 'ide')
        self.assertEqual(
            [('ide', 'ide0:0'), ('sata', 'sata0:0'), ('sata', 'sata0:1')],
            [(disk.bus, disk.node) for disk in server.disks])

    def test_disk_needs_no_other_boot_order(self):
        hardware = self.attach('disk', 'sata').hardware
        self.assertNotIn('rescue', hardware.origins.values())

    def test_config_drive_of_the_rescue_replaces_that_of_the_server(self):
        server = self.attach('disk', 'ide')
        self.assertEqual(
            [('installer', 'sata0:2'), ('rescue-drive', 'sata0:3')],
            [(cdrom.path, cdrom.node) for cdrom in server.cdroms])

    def test_without_another_config_drive_the_server_keeps_its_own(self):
        for options in ({'rescue_config_drive': None},
                        {'config_drive': None}):
            server = self.attach('disk', 'sata', **options)
            self.assertEqual(['installer', 'drive'],
                             [cdrom.path for cdrom in server.cdroms])

    def test_cd_is_booted_before_the_disk(self):
        server = self.attach('cdrom', 'ide')
        self.assertEqual(
            [('medium', 'ide1:0'), ('installer', 'sata0:2'),
             ('rescue-drive', 'sata0:3')],
            [(cdrom.path, cdrom.node) for cdrom in server.cdroms])
        self.assertEqual(('cdrom', 'hdd', 'floppy'),
                         server.hardware.boot_order)
        self.assertEqual('rescue', server.hardware.origins['boot_order'])
        self.assertEqual(['root', 'swap'],
                         [disk.path for disk in server.disks])

    def test_floppy_replaces_that_of_the_server(self):
        server = self.attach('floppy', None)
        self.assertEqual('medium', server.floppy)
        self.assertEqual(('floppy', 'hdd', 'cdrom'),
                         server.hardware.boot_order)
        self.assertEqual('floppy', self.attach('disk', 'ide').floppy)

    def test_medium_whose_bus_is_not_recorded(self):
        for device in ('disk', 'cdrom'):
            error = self.assertRaises(exception.VmIncomplete, self.attach,
                                      device, None)
            self.assertIn('medium', error.brief)
            self.assertIn('rescue it again', error.resolution)
