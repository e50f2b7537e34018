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

import dataclasses

import hypothesis
from hypothesis import strategies

from nova_vmrun.machine import model
from nova_vmrun.machine import placement
from tests.unit.machine import base


def _place(disks=(), cdroms=(), nics=()):
    return placement.place(base.make_machine(
        disks=tuple(model.Disk('d%d' % n, *_bus(disk))
                    for n, disk in enumerate(disks)),
        cdroms=tuple(model.Cdrom('c%d' % n, *_bus(cdrom))
                     for n, cdrom in enumerate(cdroms)),
        nics=tuple(model.Nic('fa:16:3e:00:00:%02x' % n, 'e1000', 'nat',
                             slot=slot) for n, slot in enumerate(nics))))


def _bus(spec):
    bus, _, node = spec.partition('@')
    return bus, node or None


class PlaceTestCase(base.TestCase):

    def test_a_typical_server(self):
        placed = _place(['lsilogic', 'lsilogic'], ['sata'], [None, None])
        self.assertEqual(('scsi0:0', 'scsi0:1'), placed.disks)
        self.assertEqual(('sata0:0',), placed.cdroms)
        self.assertEqual((0, 1), placed.nics)
        self.assertEqual((('sata0', None), ('scsi0', 'lsilogic')),
                         placed.controllers)

    def test_the_first_cd_on_arm(self):
        placed = placement.place(base.make_machine(
            family='arm', disks=(model.Disk('d', 'sata'),),
            cdroms=tuple(model.Cdrom(name, 'sata') for name in 'ab')))
        self.assertEqual(('sata0:0',), placed.disks)
        self.assertEqual(('sata0:1', 'sata0:2'), placed.cdroms)
        placed = placement.place(base.make_machine(
            family='arm', cdroms=(model.Cdrom('a', 'sata'),)))
        self.assertEqual(('sata0:1',), placed.cdroms)

    def test_scsi_unit_seven_is_the_controller(self):
        placed = _place(['pvscsi'] * 16)
        self.assertEqual('scsi0:6', placed.disks[6])
        self.assertEqual('scsi0:8', placed.disks[7])
        self.assertEqual('scsi1:0', placed.disks[15])

    def test_scsi_models_do_not_share_a_controller(self):
        placed = _place(['lsilogic', 'pvscsi', 'lsilogic'])
        self.assertEqual(('scsi0:0', 'scsi1:0', 'scsi0:1'), placed.disks)
        self.assertEqual((('scsi0', 'lsilogic'), ('scsi1', 'pvscsi')),
                         placed.controllers)

    def test_ide_has_no_controller_key(self):
        placed = _place(['ide'], ['ide'])
        self.assertEqual(('ide0:0',), placed.disks)
        self.assertEqual(('ide1:0',), placed.cdroms)
        self.assertEqual((), placed.controllers)

    def test_disks_come_before_drives(self):
        placed = _place(['sata', 'sata'], ['sata'])
        self.assertEqual(('sata0:0', 'sata0:1'), placed.disks)
        self.assertEqual(('sata0:2',), placed.cdroms)

    def test_a_full_bus(self):
        for bus, fits in (('ide', 4), ('lsilogic', 60), ('sata', 120),
                          ('nvme', 60)):
            self.assertEqual(fits, len(set(_place([bus] * fits).disks)))
            error = self.assertRaises(model.InvalidMachine, _place,
                                      [bus] * (fits + 1))
            self.assertIn('The %s bus is full' % bus, str(error))

    def test_disks_and_drives_share_a_bus(self):
        _place(['ide'] * 2, ['ide'] * 2)
        self.assertRaises(model.InvalidMachine, _place,
                          ['ide'] * 2, ['ide'] * 3)

    def test_a_claimed_node_is_reserved(self):
        placed = _place(['lsilogic', 'lsilogic@scsi0:0', 'lsilogic'])
        self.assertEqual(('scsi0:1', 'scsi0:0', 'scsi0:2'), placed.disks)

    def test_a_claimed_controller_keeps_its_model(self):
        placed = _place(['lsilogic', 'pvscsi@scsi0:3'])
        self.assertEqual(('scsi1:0', 'scsi0:3'), placed.disks)

    def test_impossible_claims(self):
        for disks in (['sata@scsi0:0'], ['lsilogic@scsi0:7'],
                      ['lsilogic@scsi4:0'], ['ide@ide2:0'], ['ide@ide0:2'],
                      ['nvme@nvme0:15'], ['sata@sata0:30'],
                      ['lsilogic@x'], ['lsilogic@scsi0:0'] * 2,
                      ['lsilogic@scsi0:0', 'pvscsi@scsi0:1']):
            self.assertRaises(model.InvalidMachine, _place, disks)

    def test_nics_take_free_slots(self):
        self.assertEqual((0, 2, 1), _place(nics=[None, 2, None]).nics)

    def test_two_nics_cannot_have_the_same_slot(self):
        self.assertRaises(model.InvalidMachine, _place, nics=[1, 1])
        self.assertRaises(model.InvalidMachine, _place, nics=[10])

    @hypothesis.given(
        strategies.lists(strategies.sampled_from(model.BUSES), max_size=12),
        strategies.lists(strategies.sampled_from(model.CDROM_BUSES),
                         max_size=5))
    def test_every_device_has_its_own_node(self, disks, cdroms):
        try:
            placed = _place(disks, cdroms)
        except model.InvalidMachine:
            return
        nodes = placed.disks + placed.cdroms
        self.assertEqual(len(nodes), len(set(nodes)))
        models = dict(placed.controllers)
        for node, bus in zip(nodes, disks + cdroms):
            controller = node.partition(':')[0]
            if bus in model.SCSI_BUSES:
                self.assertEqual(bus, models[controller])
            elif bus != 'ide':
                self.assertIsNone(models[controller])

    def test_attaching_moves_no_other_device(self):
        before = base.make_machine(
            disks=(model.Disk('a', 'sata'), model.Disk('b', 'pvscsi')))
        after = dataclasses.replace(
            before, disks=before.disks + (model.Disk('c', 'sata'),))
        self.assertEqual(placement.place(before).disks,
                         placement.place(after).disks[:2])


class VolumeNodeTestCase(base.TestCase):

    def find(self, bus='pvscsi', volumes=None, others=('scsi0:0', 'sata0:0')):
        return placement.find_volume_node(bus, volumes or {}, others)

    def test_the_last_controller(self):
        self.assertEqual('scsi3:0', self.find())
        self.assertEqual('sata3:0', self.find('sata'))
        self.assertEqual('nvme3:0', self.find('nvme'))

    def test_the_first_free_unit(self):
        self.assertEqual('scsi3:1', self.find(
            volumes={'scsi3:0': 'pvscsi', 'scsi3:2': 'pvscsi'}))

    def test_the_controller_itself_has_a_unit(self):
        volumes = {'scsi3:%d' % unit: 'pvscsi' for unit in range(7)}
        self.assertEqual('scsi3:8', self.find(volumes=volumes))

    def test_a_controller_of_other_devices_is_passed_over(self):
        self.assertEqual('scsi2:0', self.find(others=['scsi3:5']))

    def test_a_controller_has_one_model(self):
        self.assertEqual('scsi2:0', self.find(
            volumes={'scsi3:0': 'lsilogic'}))

    def test_the_bus_is_full(self):
        volumes = {}
        for _ in range(45):
            volumes[self.find(volumes=volumes)] = 'pvscsi'
        self.assertRaises(model.InvalidMachine, self.find, volumes=volumes)
