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

from tests.unit.fakes_qemu import plans

CD = {'sata0.present': 'TRUE', 'sata0:1.present': 'TRUE',
      'sata0:1.deviceType': 'cdrom-image', 'sata0:1.fileName': 'cd.iso'}


class ControllersTest(plans.PlanTest):

    def _driver(self, controller, kind, **environ):
        devices = self.devices(plans.disk_on(controller, kind), **environ)
        return devices[controller]['driver']

    def test_native(self):
        for controller, kind, driver in (
                ('scsi0', 'pvscsi', 'pvscsi'),
                ('scsi0', 'lsisas1068', 'mptsas1068'),
                ('scsi0', 'lsilogic', 'lsi53c895a'),
                ('scsi0', '', 'lsi53c895a'),
                ('scsi1', 'buslogic', 'lsi53c895a'),
                ('sata0', '', 'ich9-ahci'),
                ('sata0', 'ahci', 'ich9-ahci'),
                ('nvme0', '', 'nvme')):
            self.assertEqual(driver, self._driver(controller, kind))

    def test_substituted_controllers_are_noted(self):
        plan = self.plan(plans.disk_on('scsi0', 'lsilogic'))

        self.assertEqual(['scsi0.virtualDev = "lsilogic": the guest gets '
                          'lsi53c895a instead.'], plan.notes)
        self.assertEqual([], self.plan(plans.DISK).notes)

    def test_exact_gives_nothing_instead(self):
        for kind in ('lsilogic', 'buslogic', ''):
            self.assertUnsupported('scsi0.virtualDev',
                                   plans.disk_on('scsi0', kind),
                                   QEMU_HARDWARE='exact')
        for kind in ('pvscsi', 'lsisas1068'):
            plan = self.plan(plans.disk_on('scsi0', kind),
                             QEMU_HARDWARE='exact')
            self.assertEqual([], plan.notes)

    def test_cloud(self):
        for controller, kind in (('scsi0', 'lsilogic'),
                                 ('scsi0', 'lsisas1068'), ('sata0', '')):
            self.assertEqual('pvscsi', self._driver(
                controller, kind, QEMU_HARDWARE='cloud'))
        self.assertEqual('nvme', self._driver('nvme0', '',
                                              QEMU_HARDWARE='cloud'))

    def test_sata_drives_of_a_cloud_are_scsi_drives(self):
        devices = self.devices({**plans.disk_on('sata0'), **CD},
                               QEMU_HARDWARE='cloud')

        self.assertEqual('scsi-hd', devices['sata0-0']['driver'])
        self.assertEqual('scsi-cd', devices['sata0-1']['driver'])
        self.assertEqual(1, devices['sata0-1']['scsi-id'])

    def test_shared_bus_is_refused(self):
        self.assertUnsupported('scsi0.sharedBus',
                               {**plans.DISK, 'scsi0.sharedBus': 'virtual'})

    def test_controllers_in_the_order_of_nodes(self):
        keys = {**plans.disk_on('scsi1', 'pvscsi', name='b.vmdk'),
                **plans.DISK, **plans.disk_on('nvme0', name='c.vmdk')}

        found = [e.node for e in self.plan(keys).exports]

        self.assertEqual(['nvme0:0', 'scsi0:0', 'scsi1:0'], found)


class DrivesTest(plans.PlanTest):

    def test_scsi_disk(self):
        disk = self.devices({**plans.disk_on('scsi1', 'pvscsi', 15)})[
            'scsi1-15']

        self.assertEqual('scsi-hd', disk['driver'])
        self.assertEqual('scsi1.0', disk['bus'])
        self.assertEqual((0, 15, 0), (disk['channel'], disk['scsi-id'],
                                      disk['lun']))
        self.assertEqual('disk-scsi1-15', disk['drive'])

    def test_ide_disk(self):
        disk = self.devices(plans.disk_on('ide1', unit=1))['ide1-1']

        self.assertEqual(('ide-hd', 'ide.1', 1),
                         (disk['driver'], disk['bus'], disk['unit']))

    def test_sata_disk(self):
        disk = self.devices(plans.disk_on('sata0', unit=5))['sata0-5']

        self.assertEqual(('ide-hd', 'sata0.5'),
                         (disk['driver'], disk['bus']))

    def test_nvme_disk(self):
        disk = self.devices(plans.disk_on('nvme0', unit=2))['nvme0-2']

        self.assertEqual(('nvme-ns', 'nvme0', 3),
                         (disk['driver'], disk['bus'], disk['nsid']))

    def test_units_that_the_controller_lacks(self):
        self.assertUnsupported('sata0:6.present',
                               plans.disk_on('sata0', unit=6))
        self.assertUnsupported('scsi0:8.present',
                               plans.disk_on('scsi0', 'lsisas1068', 8))

    def test_sas_disks_have_addresses(self):
        keys = {**plans.disk_on('scsi0', 'lsisas1068', 0),
                **plans.disk_on('scsi0', 'lsisas1068', 1, 'b.vmdk')}

        devices = self.devices(keys)

        self.assertEqual(1, devices['scsi0-1']['wwn']
                         - devices['scsi0-0']['wwn'])

    def test_disk_comes_from_its_server(self):
        plan = self.plan(plans.DISK)
        node = self.values(plan.argv({}), '-blockdev')[0]

        self.assertEqual('nbd', node['file']['driver'])
        self.assertEqual('/run/vm/disk-scsi0-0.sock',
                         node['file']['server']['path'])
        self.assertEqual([self.folder + '/disk.vmdk'],
                         [e.path for e in plan.exports])

    def test_nonpersistent_disk_is_thrown_away(self):
        for mode, thrown in (('persistent', False),
                             ('independent-persistent', False),
                             ('nonpersistent', True),
                             ('independent-nonpersistent', True)):
            plan = self.plan({**plans.DISK, 'scsi0:0.mode': mode})
            self.assertEqual(thrown, plan.exports[0].throw_away)

    def test_disks_of_the_host_are_refused(self):
        self.assertUnsupported(
            'scsi0:0.deviceType',
            {**plans.DISK, 'scsi0:0.deviceType': 'rawDisk'})

    def test_ssd(self):
        devices = self.devices({**plans.DISK, 'scsi0:0.virtualSSD': '1'})

        self.assertEqual(1, devices['scsi0-0']['rotation_rate'])

    def test_cd_image(self):
        open(self.folder + '/cd.iso', 'w').close()

        argv = self.argv(CD)

        node, = self.values(argv, '-blockdev')
        self.assertEqual(self.folder + '/cd.iso', node['file']['filename'])
        self.assertTrue(node['read-only'])
        self.assertEqual('cd-sata0-1',
                         self.devices(CD)['sata0-1']['drive'])

    def test_drive_without_a_cd(self):
        open(self.folder + '/cd.iso', 'w').close()
        for keys in ({'sata0:1.startConnected': 'FALSE'},
                     {'sata0:1.deviceType': 'cdrom-raw',
                      'sata0:1.fileName': 'auto detect'},
                     {'sata0:1.fileName': 'missing.iso'}):
            device = self.devices({**CD, **keys})['sata0-1']
            self.assertEqual('ide-cd', device['driver'])
            self.assertNotIn('drive', device)

    def test_cd_drive_of_the_host_is_refused(self):
        self.assertUnsupported('sata0:1.fileName', {
            **CD, 'sata0:1.deviceType': 'cdrom-raw',
            'sata0:1.fileName': '/dev/sr0'})


class BootOrderTest(plans.PlanTest):

    KEYS = {**plans.DISK, **CD, **plans.disk_on('scsi0', 'pvscsi', 1, 'b'),
            'floppy0.present': 'TRUE',
            'floppy0.startConnected': 'FALSE', **plans.nic(0, 'vmxnet3')}

    def _order(self, **keys):
        argv = self.argv({**self.KEYS, **keys})
        found = {d['bootindex']: d['id']
                 for d in self.values(argv, '-device') if 'bootindex' in d}
        for value in self.values(argv, '-global'):
            name, _, index = value.partition('=')
            self.assertEqual('isa-fdc.bootindexA', name)
            found[int(index)] = 'floppy0'
        return [found[index] for index in sorted(found)]

    def test_cd_that_the_firmware_on_arm_does_not_see(self):
        for unit, boots in ((0, False), (1, True)):
            keys = plans.disk_on('sata0', unit=unit, name='x.iso')
            keys['sata0:%d.deviceType' % unit] = 'cdrom-image'
            found = self.devices(keys, HOST_ARCH='arm64')
            self.assertEqual(boots, 'bootindex' in found['sata0-%d' % unit])

    def test_default(self):
        self.assertEqual(['floppy0', 'scsi0-0', 'scsi0-1', 'sata0-1'],
                         self._order())

    def test_as_said(self):
        self.assertEqual(['sata0-1', 'scsi0-0', 'scsi0-1', 'floppy0'],
                         self._order(**{'bios.bootOrder': 'cdrom,hdd'}))

    def test_disks_as_said(self):
        self.assertEqual(['floppy0', 'scsi0-1', 'scsi0-0', 'sata0-1'],
                         self._order(**{'bios.hddOrder': 'scsi0:1'}))

    def test_allowed_kinds(self):
        self.assertEqual(['sata0-1', 'floppy0', 'scsi0-0', 'scsi0-1'],
                         self._order(**{'bios.bootOrder': 'allow:cd,fd'}))


class FirmwareTest(plans.PlanTest):

    def setUp(self):
        super().setUp()
        for name in ('OVMF_CODE_4M.fd', 'OVMF_VARS_4M.fd'):
            open('%s/%s' % (self.folder, name), 'w').close()

    def _argv(self, keys, **environ):
        return self.argv({**keys, 'firmware': 'efi', 'nvram': 'vm.nvram'},
                         QEMU_FIRMWARE=self.folder, **environ)

    def test_bios_needs_none(self):
        plan = self.plan(plans.DISK)

        self.assertIsNone(plan.variables())
        self.assertNotIn('pflash', ' '.join(plan.argv({})))

    def test_uefi_keeps_its_variables_in_the_nvram(self):
        argv = self._argv(plans.disk_on('sata0'))

        nodes = {node['node-name']: node
                 for node in self.values(argv, '-blockdev')}
        self.assertEqual(
            self.folder + '/vm.nvram',
            nodes['firmware-variables']['file']['filename'])
        self.assertTrue(nodes['firmware-code']['read-only'])
        machine, = self.values(argv, '-machine')
        self.assertIn('pflash0=firmware-code', machine)

    def test_uefi_boots_from_no_other_scsi_controller(self):
        for kind in ('pvscsi', 'lsisas1068', 'lsilogic'):
            argv = self._argv(plans.disk_on('scsi0', kind))
            drivers = [d['driver'] for d in self.values(argv, '-device')]
            self.assertIn('virtio-scsi-pci', drivers)

    def test_exact_uefi_has_what_is_said(self):
        argv = self._argv(plans.disk_on('scsi0', 'pvscsi'),
                          QEMU_HARDWARE='exact')

        self.assertIn('pvscsi', [d['driver']
                                 for d in self.values(argv, '-device')])
