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

from tests.unit.formats.lint import base


class FilesTestCase(base.LintTestCase):

    DISK = {'ide0:0.present': 'TRUE', 'ide0:0.fileName': 'a.vmdk'}

    def test_missing_files(self):
        self.check([('error', 'ide0:0.fileName')], self.DISK,
                   exists=lambda path: False)
        asked = []
        self.check([], self.DISK,
                   exists=lambda path: asked.append(path) or True)
        self.assertEqual(['a.vmdk'], asked)

    def test_files_that_are_not_needed(self):
        for settings in (
                dict(self.DISK, **{'ide0:0.present': 'FALSE'}),
                dict(self.DISK, **{'ide0:0.deviceType': 'cdrom-raw'}),
                dict(self.DISK, **{'ide0:0.autodetect': 'TRUE'}),
                {'floppy0.present': 'TRUE', 'floppy0.fileType': 'device',
                 'floppy0.fileName': 'A:'},
                {'serial0.present': 'TRUE', 'serial0.fileName': 'x.log'}):
            self.check([], settings, exists=lambda path: False)

    def test_drives_and_ports_of_the_host(self):
        for device_type in ('cdrom-raw', 'CDROM-RAW', 'atapi-cdrom',
                            'scsi-passthru'):
            for name in (None, '', 'D:', '/dev/cdrom', 'auto detect',
                         'emptyBackingString'):
                self.check([], {'ide1:0.present': 'TRUE',
                                'ide1:0.deviceType': device_type,
                                'ide1:0.fileName': name},
                           exists=lambda path: False)
        for settings in (
                {'serial0.present': 'TRUE'},
                {'serial0.present': 'TRUE', 'serial0.fileType': 'thinprint'},
                {'serial0.present': 'TRUE', 'serial0.fileName': 'COM1',
                 'serial0.fileType': 'device'},
                {'serial0.present': 'TRUE', 'serial0.fileType': 'file',
                 'serial0.startConnected': 'FALSE'},
                {'floppy0.present': 'TRUE'},
                {'floppy0.present': 'TRUE', 'floppy0.fileType': 'file',
                 'floppy0.fileName': 'a.flp',
                 'floppy0.startConnected': 'FALSE'},
                {'floppy0.present': 'TRUE', 'floppy0.clientDevice': 'TRUE',
                 'floppy0.fileType': 'file'}):
            self.check([], settings, exists=lambda path: False)

    def test_empty_drives_of_vsphere(self):
        for name in ('emptyBackingString', '', None, 'auto detect'):
            self.check([], {'ide1:0.present': 'TRUE',
                            'ide1:0.deviceType': 'cdrom-image',
                            'ide1:0.fileName': name},
                       exists=lambda path: False)

    def test_files_that_vmware_can_do_without(self):
        """It asks, or starts the VM with an empty drive or port."""
        cd = {'ide1:0.present': 'TRUE', 'ide1:0.deviceType': 'cdrom-image',
              'ide1:0.fileName': 'a.iso'}
        self.check([('warning', 'ide1:0.fileName')], cd,
                   exists=lambda path: False)
        self.check([], dict(cd, **{'ide1:0.startConnected': 'FALSE'}),
                   exists=lambda path: False)
        for kind in ('file', 'pipe', 'network'):
            self.check([('warning', 'serial0.fileName')], {
                'serial0.present': 'TRUE', 'serial0.fileType': kind})
        self.check([('warning', 'floppy0.fileName')], {
            'floppy0.present': 'TRUE', 'floppy0.fileType': 'file',
            'floppy0.fileName': 'a.flp'}, exists=lambda path: False)

    def test_the_name_of_a_pipe(self):
        for name, found in (
                ('/i/agent', []), ('/' + 'x' * 102, []),
                ('/' + 'x' * 103, [('warning', 'serial1.fileName')]),
                ('\\\\.\\pipe\\' + 'x' * 200, [])):
            self.check(found, {'serial1.present': 'TRUE',
                               'serial1.fileType': 'pipe',
                               'serial1.fileName': name})

    def test_a_disk_that_was_moved_to_another_bus(self):
        """Keys of its former place are not an error."""
        self.check([], {
            'scsi0.present': 'FALSE', 'scsi0.virtualDev': 'pvscsi',
            'scsi0:0.present': 'FALSE', 'scsi0:0.fileName': 'gone.vmdk',
            'scsi0:1.fileName': 'gone too.vmdk',
            'sata0.present': 'TRUE', 'sata0:0.present': 'TRUE',
            'sata0:0.fileName': 'a.vmdk'},
            exists=lambda path: path == 'a.vmdk')
