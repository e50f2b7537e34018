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


class ValuesTestCase(base.LintTestCase):

    def test_missing_keys(self):
        self.check([('error', 'guestOS')], {'guestOS': None})

    def test_kinds(self):
        for key, value, severity in (
                ('memsize', '66', 'error'), ('numvcpus', '0', 'error'),
                ('numvcpus', 'two', 'warning'),
                ('cpuid.coresPerSocket', '2', 'error'),
                ('vhv.enable', 'yes', 'warning'),
                ('firmware', 'uefi', 'error'),
                ('firmware', 'EFI', 'warning'),
                ('uuid.bios', '42', 'warning'),
                ('ethernet0.generatedAddress', 'x', 'warning'),
                ('ethernet0.address', 'x', 'error'),
                ('ethernet0.virtualDev', 'rtl8139', 'error'),
                ('scsi0.virtualDev', 'megaraid', 'error'),
                ('serial0.fileType', 'x', 'error'),
                ('sound.virtualDev', 'adlib', 'warning'),
                ('powerType.suspend', 'x', 'warning'),
                ('guestOS', 'beos', 'error'), ('foo', '1', 'warning')):
            self.check([(severity, key)], {key: value})

    def test_correct_values(self):
        self.check([], {'vhv.enable': 'true', 'firmware': 'bios',
                        'uuid.bios': '00 11 22 33 44 55 66 77-88 99 aa bb '
                        'cc dd ee ff', 'numvcpus': '4',
                        'cpuid.coresPerSocket': '2', 'nvram': 'x',
                        'checkpoint.vmState': '',
                        'powerType.suspend': 'preset'})

    def test_an_encrypted_vm(self):
        """What is missing is among what cannot be read."""
        for key in ('encryption.data', 'encryption.keySafe'):
            self.check([], {'guestOS': None, 'config.version': None,
                            'virtualHW.version': None, key: 'x'})
