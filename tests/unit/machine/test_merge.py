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

from nova_vmrun.formats import vmx
from nova_vmrun.machine import merge
from nova_vmrun.machine import model
from nova_vmrun.machine import render
from tests.unit.machine import base

FIRST = model.Nic('fa:16:3e:00:00:01', 'e1000', 'nat')
SECOND = model.Nic('fa:16:3e:00:00:02', 'e1000', 'bridged')
THIRD = model.Nic('fa:16:3e:00:00:03', 'e1000', 'custom', 'vmnet3')

# What VMware adds to a file at the first power-on.
ADDED = '''\
extendedConfigFile = "web.vmxf"
nvram = "web.nvram"
vmxstats.filename = "web.scoreboard"
numa.autosize.cookie = "20022"
pciBridge0.pciSlotNumber = "17"
pciBridge4.pciSlotNumber = "21"
scsi0.pciSlotNumber = "16"
sata0.pciSlotNumber = "35"
scsi0:0.redo = ""
ethernet0.pciSlotNumber = "32"
ethernet1.pciSlotNumber = "33"
svga.vramSize = "268435456"
vmci0.id = "-1878047655"
monitor.phys_bits_used = "45"
vmotion.checkpointFBSize = "4194304"
cleanShutdown = "TRUE"
softPowerOff = "FALSE"
something.nobody.knows = "x|0Ay"
'''


class MergeTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.server = base.make_server(nics=(FIRST, SECOND))
        self.pristine = vmx.parse(render.render(self.server))
        self.live = self._power_on(self.pristine)

    def _power_on(self, settings):
        """Makes of a file what VMware makes of it."""
        result = settings.copy()
        result.update(vmx.parse(ADDED))
        result['uuid.location'] = (
            '56 4d 99 99 99 99 99 99-99 99 99 99 99 99 99 99')
        return result

    def _rerender(self, previous='known', **changes):
        previous = self.pristine if previous == 'known' else previous
        server = dataclasses.replace(self.server, **changes)
        rendered, text = render.rerender(server, self.live, previous)
        return vmx.parse(rendered), vmx.parse(text)


class KeptTestCase(MergeTestCase):

    def test_nothing_changes_without_a_reason(self):
        for previous in ('known', None):
            self.assertEqual(self.live, self._rerender(previous)[1])

    def test_rendering_twice_changes_nothing(self):
        rendered, live = self._rerender(memory_mb=4096)
        again, text = render.rerender(
            dataclasses.replace(self.server, memory_mb=4096), live, rendered)
        self.assertEqual(live, vmx.parse(text))

    def test_rendered_keys_are_replaced_and_vmwares_are_kept(self):
        for previous in ('known', None):
            live = self._rerender(previous, memory_mb=4096, vcpus=4)[1]
            self.assertEqual(('4096', '4'),
                             (live['memsize'], live['numvcpus']))
            for key, value in vmx.parse(ADDED).items():
                self.assertEqual(value, live[key], key)

    def test_the_identity_is_kept(self):
        rendered, live = self._rerender(memory_mb=4096)
        for key in ('uuid.bios', 'uuid.location', 'uuid.action'):
            self.assertEqual(self.live[key], live[key])
        self.assertNotEqual(live['uuid.bios'], live['uuid.location'])
        self.assertEqual('keep', live['uuid.action'])

    def test_rendered_keys_that_no_longer_apply_are_dropped(self):
        server = dataclasses.replace(
            self.server, annotation='old', guestinfo={'a': 'b'},
            hardware=base.make_hardware(cores_per_socket=2,
                                        options={'video_ram_mb': 16}))
        previous = vmx.parse(render.render(server))
        live = self._power_on(previous)
        _, text = render.rerender(self.server, live, previous)
        found = vmx.parse(text)
        for key in ('annotation', 'cpuid.coresPerSocket', 'svga.autodetect',
                    'guestinfo.a'):
            self.assertNotIn(key, found)

    def test_without_the_rendered_file_the_table_identifies_our_keys(self):
        self.live['cpuid.coresPerSocket'] = '2'
        self.live['annotation'] = 'old'
        found = self._rerender(None)[1]
        self.assertNotIn('cpuid.coresPerSocket', found)
        self.assertNotIn('annotation', found)

    def test_variables_that_the_guest_has_stored_are_kept(self):
        self.live['guestinfo.local-ipv4'] = '10.0.0.1'
        self.assertEqual('10.0.0.1',
                         self._rerender()[1]['guestinfo.local-ipv4'])

    def test_kept_lines_follow_the_rendered_text(self):
        rendered, text = render.rerender(self.server, self.live,
                                         self.pristine)
        self.assertTrue(text.startswith(rendered))
        self.assertIn('# --- Kept from the previous file ---', text)

    def test_nothing_is_appended_to_a_file_that_vmware_has_not_read(self):
        rendered, text = render.rerender(self.server, self.pristine,
                                         self.pristine)
        self.assertEqual(rendered, text)

    def test_a_broken_location_is_not_kept(self):
        self.live['uuid.location'] = 'x"\n'
        self.assertEqual(self.pristine['uuid.location'],
                         self._rerender()[1]['uuid.location'])

    @hypothesis.given(
        strategies.dictionaries(
            strategies.from_regex(
                '(ethernet|scsi|sata|ide|serial|x)[0-3](:[0-3])?[.]'
                '(present|fileName|address|virtualDev|redo|y)',
                fullmatch=True),
            strategies.one_of(
                strategies.sampled_from(['TRUE', 'root.vmdk', FIRST.mac,
                                         SECOND.mac, 'pvscsi']),
                strategies.text(strategies.characters(codec='utf-8')))),
        strategies.booleans())
    def test_rendered_keys_are_right_in_any_file(self, settings, known):
        existing = vmx.Vmx(settings)
        rendered, text = render.rerender(
            self.server, existing, self.pristine if known else None)
        found = vmx.parse(text)
        for key, value in vmx.parse(rendered).items():
            self.assertEqual(value, found[key])
        for key in found:
            self.assertTrue(key in rendered or key in existing, key)
        macs = [value for key, value in found.items()
                if key.endswith('.address')]
        self.assertIn(FIRST.mac, macs)
        self.assertIn(SECOND.mac, macs)


class NicsTestCase(MergeTestCase):

    def _slots(self, settings):
        return {settings['ethernet%d.address' % n]: n for n in range(10)
                if 'ethernet%d.address' % n in settings}

    def test_keys_of_a_removed_nic_are_dropped(self):
        for previous in ('known', None):
            found = self._rerender(previous, nics=(SECOND,))[1]
            self.assertEqual({SECOND.mac: 1}, self._slots(found))
            self.assertEqual('33', found['ethernet1.pciSlotNumber'])
            self.assertEqual([], [key for key in found
                                  if key.startswith('ethernet0')])

    def test_nics_keep_their_slot_in_any_order(self):
        found = self._rerender(nics=(SECOND, FIRST))[1]
        self.assertEqual({FIRST.mac: 0, SECOND.mac: 1}, self._slots(found))
        self.assertEqual(self.live, found)

    def test_an_added_nic_takes_a_free_slot(self):
        found = self._rerender(nics=(THIRD, FIRST, SECOND))[1]
        self.assertEqual({FIRST.mac: 0, SECOND.mac: 1, THIRD.mac: 2},
                         self._slots(found))

    def test_a_nic_that_replaces_another_is_a_new_device(self):
        found = self._rerender(nics=(THIRD, SECOND))[1]
        self.assertEqual({THIRD.mac: 0, SECOND.mac: 1}, self._slots(found))
        self.assertNotIn('ethernet0.pciSlotNumber', found)
        self.assertEqual('33', found['ethernet1.pciSlotNumber'])

    def test_a_nic_of_another_model_gets_a_new_pci_slot(self):
        vmxnet3 = dataclasses.replace(FIRST, model='vmxnet3')
        found = self._rerender(nics=(vmxnet3, SECOND))[1]
        self.assertEqual('vmxnet3', found['ethernet0.virtualDev'])
        self.assertNotIn('ethernet0.pciSlotNumber', found)
        self.assertEqual('33', found['ethernet1.pciSlotNumber'])

    def test_generated_addresses(self):
        self.live['ethernet0.addressType'] = 'generated'
        del self.live['ethernet0.address']
        self.live['ethernet0.generatedAddress'] = FIRST.mac
        found = self._rerender(nics=(SECOND, FIRST))[1]
        self.assertEqual({FIRST.mac: 0, SECOND.mac: 1}, self._slots(found))

    def test_a_nic_that_a_person_has_added_is_kept(self):
        self.live['ethernet5.present'] = 'TRUE'
        self.live['ethernet5.connectionType'] = 'hostonly'
        self.live['ethernet5.pciSlotNumber'] = '40'
        found = self._rerender()[1]
        self.assertEqual('40', found['ethernet5.pciSlotNumber'])
        self.assertEqual('hostonly', found['ethernet5.connectionType'])

    def _add_in_the_window(self, slot, mac='00:0c:29:00:00:01'):
        name = 'ethernet%d.' % slot
        self.live.update({
            name + 'present': 'TRUE', name + 'connectionType': 'hostonly',
            name + 'addressType': 'generated', name + 'virtualDev': 'e1000',
            name + 'generatedAddress': mac,
            name + 'pciSlotNumber': str(38 + slot)})

    def test_a_new_nic_does_not_take_the_slot_of_another(self):
        self._add_in_the_window(2)
        for previous in ('known', None):
            found = self._rerender(previous, nics=(FIRST, SECOND, THIRD))[1]
            self.assertEqual({FIRST.mac: 0, SECOND.mac: 1, THIRD.mac: 3},
                             self._slots(found))
            for key, value in self.live.items():
                self.assertEqual(value, found[key])

    def test_a_pci_slot_that_does_not_fit_is_dropped(self):
        self.live['ethernet0.pciSlotNumber'] = '160'
        found = self._rerender()[1]
        self.assertNotIn('ethernet0.pciSlotNumber', found)
        self.assertEqual('33', found['ethernet1.pciSlotNumber'])

    def test_cd_drives_on_arm_move_to_bootable_nodes(self):
        cds = (model.Cdrom('a.iso', 'sata'), model.Cdrom('b.img', 'sata'))
        server = dataclasses.replace(
            self.server, family='arm', cdroms=cds,
            disks=(model.Disk('disk.iso', 'sata'),))
        for number, name, kind in (
                (0, 'a.iso', 'cdrom-image'), (1, 'b.img', 'CDROM-image'),
                (2, 'disk.iso', 'disk')):
            node = 'sata0:%d' % number
            self.live.update({
                node + '.present': 'TRUE', node + '.fileName': name,
                node + '.deviceType': kind})
        for family, nodes in (('arm', [None, None]),
                              ('linux', ['sata0:0', 'sata0:1'])):
            kept = merge.keep_places(
                dataclasses.replace(server, family=family), self.live)
            self.assertEqual(nodes, [cd.node for cd in kept.cdroms])
            self.assertEqual('sata0:2', kept.disks[0].node)

    def test_nics_that_others_have_added_use_slots(self):
        for slot in range(2, 10):
            self._add_in_the_window(slot, '00:0c:29:00:00:%02x' % slot)
        self.assertEqual(self.live, self._rerender()[1])
        error = self.assertRaises(model.InvalidMachine, self._rerender,
                                  nics=(FIRST, SECOND, THIRD))
        self.assertIn('cannot have 11', str(error))
        self.assertIn('8 were added in the VMware window', str(error))

    def test_a_removed_nic_frees_its_slot(self):
        self._add_in_the_window(2)
        found = self._rerender(nics=(SECOND, THIRD))[1]
        self.assertEqual({SECOND.mac: 1, THIRD.mac: 0}, self._slots(found))
        self.assertEqual('40', found['ethernet2.pciSlotNumber'])


class DisksTestCase(MergeTestCase):

    def setUp(self):
        super().setUp()
        self.server = base.make_server(
            disks=(model.Disk('root.vmdk', 'lsilogic'),
                   model.Disk('/vm/swap.vmdk', 'lsilogic'),
                   model.Disk('volume.vmdk', 'lsilogic')))
        self.pristine = vmx.parse(render.render(self.server))
        self.live = self._power_on(self.pristine)

    def _disks(self, *names):
        return tuple(model.Disk(name, 'lsilogic') for name in names)

    def test_snapshot_of_a_disk_in_another_folder(self):
        """VMware makes it beside the .vmx; the disk itself is older."""
        path = '/fast/server/root.vmdk'
        self.live['scsi0:0.fileName'] = 'root-000001.vmdk'
        for disk, expected in (
                (model.Disk(path, 'lsilogic'), 'root-000001.vmdk'),
                (model.Disk(path, 'lsilogic', is_independent=True), path),
                (model.Disk('/fast/server/swap.vmdk', 'lsilogic'),
                 '/fast/server/swap.vmdk')):
            kept = merge.keep_places(
                dataclasses.replace(self.server, disks=(disk,)), self.live,
                '/vm')
            self.assertEqual(expected, kept.disks[0].path)

    def test_detaching_moves_no_other_disk(self):
        for previous in ('known', None):
            found = self._rerender(
                previous, disks=self._disks('root.vmdk', 'volume.vmdk'))[1]
            self.assertEqual('volume.vmdk', found['scsi0:2.fileName'])
            self.assertNotIn('scsi0:1.present', found)

    def test_paths_are_compared_as_vmware_reads_them(self):
        for written in ('swap.vmdk', './swap.vmdk', '/vm/swap.vmdk'):
            self.live['scsi0:1.fileName'] = written
            server = dataclasses.replace(self.server, disks=self._disks(
                'swap.vmdk', '/vm/root.vmdk'))
            kept = merge.keep_places(server, self.live, '/vm')
            self.assertEqual(['scsi0:1', 'scsi0:0'],
                             [disk.node for disk in kept.disks])

    def test_a_disk_with_a_snapshot_keeps_its_file(self):
        self.live['scsi0:0.fileName'] = 'root-000002.vmdk'
        rendered, found = self._rerender()
        self.assertEqual('root-000002.vmdk', found['scsi0:0.fileName'])
        self.assertEqual('root-000002.vmdk', rendered['scsi0:0.fileName'])

    def test_another_bus_means_another_node(self):
        found = self._rerender(
            disks=(model.Disk('root.vmdk', 'pvscsi'),))[1]
        self.assertEqual('pvscsi', found['scsi0.virtualDev'])
        self.assertEqual('root.vmdk', found['scsi0:0.fileName'])
        self.assertNotIn('scsi0.pciSlotNumber', found)
        self.assertNotIn('scsi0:1.present', found)

    def test_a_requested_node_is_not_changed(self):
        disk = model.Disk('root.vmdk', 'lsilogic', 'scsi0:5')
        found = self._rerender(disks=(disk,))[1]
        self.assertEqual('root.vmdk', found['scsi0:5.fileName'])
        self.assertNotIn('scsi0:0.fileName', found)

    def test_keys_of_a_removed_drive_are_dropped(self):
        self.live['sata0:0.allowGuestConnectionControl'] = 'FALSE'
        for previous in ('known', None):
            found = self._rerender(previous, cdroms=())[1]
            self.assertEqual([], [key for key in found
                                  if key.startswith('sata0')])

    def test_redo_belongs_to_the_file(self):
        self.assertIn('scsi0:0.redo', self._rerender()[1])
        found = self._rerender(disks=self._disks('other.vmdk'))[1]
        self.assertEqual('other.vmdk', found['scsi0:0.fileName'])
        self.assertNotIn('scsi0:0.redo', found)


class EditsTestCase(base.TestCase):
    """Somebody changed a file by hand since it was rendered."""

    def keep(self, rendered, existing, former):
        rendered, existing, former = map(vmx.Vmx, (rendered, existing,
                                                   former))
        return merge.keep_edits(
            merge.merge(rendered, existing, former), rendered, existing,
            former)

    def test_a_setting(self):
        for rendered, expected in (('1', '2'), ('3', '3')):
            self.assertEqual(
                {'a': expected},
                self.keep({'a': rendered}, {'A': '2'}, {'a': '1'}))

    def test_a_line_that_was_removed_comes_back(self):
        self.assertEqual({'a': '1'}, self.keep({'a': '1'}, {}, {'a': '1'}))

    def test_a_setting_that_is_no_longer_rendered(self):
        self.assertEqual({}, self.keep({}, {'a': '2'}, {'a': '1'}))

    def test_a_setting_that_was_added_before_nova_wanted_it(self):
        self.assertEqual({'a': '1'}, self.keep({'a': '1'}, {'a': '2'}, {}))

    def test_a_drive_is_ejected(self):
        drive = {'ide1:0.present': 'TRUE', 'ide1:0.fileName': 'cd0.iso',
                 'ide1:0.startConnected': 'TRUE'}
        ejected = dict(drive, **{'ide1:0.startConnected': 'FALSE'})
        self.assertEqual(ejected, self.keep(drive, ejected, drive))
        other = dict(drive, **{'ide1:0.fileName': 'cd1.iso'})
        self.assertEqual(other, self.keep(other, ejected, drive))

    def test_volumes_are_novas_with_their_controllers(self):
        rendered = {'scsi3.virtualDev': 'pvscsi',
                    'scsi3:0.fileName': '/volumes/a.vmdk',
                    'scsi3:0.mode': 'independent-persistent',
                    'scsi0:0.fileName': 'root.vmdk'}
        edited = {'scsi3.virtualDev': 'lsilogic',
                  'scsi3:0.fileName': '/volumes/b.vmdk',
                  'scsi3:0.mode': 'persistent',
                  'scsi0:0.fileName': 'other.vmdk'}
        self.assertEqual(
            dict(rendered, **{'scsi0:0.fileName': 'other.vmdk'}),
            self.keep(rendered, edited, rendered))

    def test_adapters_serial_ports_and_the_display_are_novas(self):
        for key in ('ethernet0.vnet', 'serial0.fileName',
                    'RemoteDisplay.vnc.port'):
            self.assertEqual({key: '1'}, self.keep({key: '1'}, {key: '2'},
                                                   {key: '1'}))
