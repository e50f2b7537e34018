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


import os

import fixtures
import testscenarios

from nova_vmrun import exception
from nova_vmrun.host import product
from tests.unit import base
from tests.unit import noises
from tests.unit import stubs

NOT_WORKSTATION = (255, (
    'Unable to connect to host.\nError: Service type '
    'VIX_SERVICEPROVIDER_VMWARE_WORKSTATION was specified, but not '
    'installed\n'))
NO_VMS = (0, 'Total running VMs: 0\n')


class FindTestCase(base.TestCase):

    def find(self, there, platform='linux', path='/home/bin:/usr/bin',
             **options):
        return product.find_program('vmrun', 'vmrun_path', platform=platform,
                                    path=path,
                                    is_executable=there.__contains__,
                                    **options)

    def test_option_takes_precedence(self):
        self.assertEqual('/opt/vmrun', self.find(
            ['/opt/vmrun', '/usr/bin/vmrun'], configured='/opt/vmrun'))

    def test_wrong_option_is_an_error(self):
        error = self.assertRaises(
            exception.InvalidConfiguration, self.find, ['/usr/bin/vmrun'],
            configured='/opt/vmrun')
        self.assertIn('/opt/vmrun', str(error))
        self.assertIn('vmrun_path', str(error))

    def test_path_is_searched_in_order(self):
        self.assertEqual('/home/bin/vmrun', self.find(
            ['/usr/bin/vmrun', '/home/bin/vmrun']))

    def test_beside_another_program(self):
        self.assertEqual('/opt/vmw/vmrun', self.find(
            ['/opt/vmw/vmrun', '/usr/bin/vmrun'], beside='/opt/vmw/vmware'))

    def test_default_folder_of_linux(self):
        self.assertEqual('/usr/bin/vmrun', self.find(
            ['/usr/bin/vmrun'], path='/home/bin'))

    def test_default_folder_of_fusion(self):
        there = '/Applications/VMware Fusion.app/Contents/Library/vmrun'
        self.assertEqual(there, self.find([there], platform='darwin'))

    def test_default_folders_of_windows(self):
        for folder in (
                'C:\\Program Files\\VMware\\VMware Workstation',
                'C:\\Program Files (x86)\\VMware\\VMware Workstation'):
            there = folder + '\\vmrun.exe'
            self.assertEqual(there, self.find(
                [there], platform='win32', path='C:\\Windows'))

    def test_windows_path(self):
        self.assertEqual('D:\\vm\\vmrun.exe', self.find(
            ['D:\\vm\\vmrun.exe'], platform='win32',
            path='C:\\Windows;D:\\vm\\'))

    def test_program_is_not_installed(self):
        error = self.assertRaises(exception.InvalidConfiguration, self.find,
                                  [])
        self.assertIn('/home/bin/vmrun', error.details)
        self.assertIn('vmrun_path', error.resolution)


class DetectTestCase(base.TestCase):
    """The programs and their output are made up."""

    def setUp(self):
        super().setUp()
        # One file stands for the programs, and no other is there.
        self.useFixture(fixtures.MockPatchObject(
            product, '_is_executable', lambda path: path == '/bin/sh'))
        self.conf = stubs.conf(vmrun_path='/bin/sh',
                               vdiskmanager_path='/bin/sh')

    def detect(self, *answers, platform='linux', **conf):
        for name, value in conf.items():
            setattr(self.conf, name, value)
        self.runner = stubs.ScriptedRunner(*answers)
        return product.detect(self.runner, self.conf, platform)

    def asked(self):
        return [call[2] for call in self.runner.calls if call[1] == '-T']

    def test_workstation(self):
        found = self.detect(NO_VMS)
        self.assertEqual(product.WORKSTATION, found.kind)
        self.assertEqual(['ws'], self.asked())

    def test_player_is_found_after_workstation(self):
        found = self.detect(NOT_WORKSTATION, NO_VMS)
        self.assertEqual(product.PLAYER, found.kind)
        self.assertEqual(['ws', 'player'], self.asked())

    def test_fusion_on_macos(self):
        found = self.detect(NO_VMS, platform='darwin')
        self.assertEqual(product.FUSION, found.kind)

    def test_configured_product_is_not_replaced(self):
        error = self.assertRaises(
            exception.InvalidConfiguration, self.detect, NOT_WORKSTATION,
            product='ws')
        self.assertIn('[vmrun] product', str(error))
        self.assertEqual(['ws'], self.asked())

    def test_product_does_not_work(self):
        error = self.assertRaises(
            exception.InvalidConfiguration, self.detect,
            (255, 'Error: Unknown error\n'))
        self.assertIn('Unknown error', str(error))
        self.assertIn('licence', error.resolution)

    def test_version_among_noise(self):
        self.conf.vmrun_path = '/bin/sh'
        self.useFixture(fixtures.MockPatchObject(
            product, 'find_program', lambda *args, **kwargs: '/bin/sh'))
        told = 'VMware Workstation 25.0.0 build-24995812\n'
        for answer in ((0, told, noises.LINUX), (0, noises.LINUX + told),
                       (1, '', noises.LINUX + told)):
            self.assertEqual((25, 0, 0),
                             self.detect(NO_VMS, answer).version, answer)

    def test_noise_is_not_a_refusal(self):
        found = self.detect((0, noises.MACOS + NO_VMS[1], noises.MACOS),
                            platform='darwin')
        self.assertEqual(product.FUSION, found.kind)

    def test_refusal_among_noise(self):
        found = self.detect((*NOT_WORKSTATION, noises.LINUX), NO_VMS)
        self.assertEqual(product.PLAYER, found.kind)
        error = self.assertRaises(
            exception.InvalidConfiguration, self.detect,
            (255, 'Error: Unknown error\n', noises.LINUX))
        self.assertNotIn('libaio', str(error))

    def test_unknown_version(self):
        found = self.detect(NO_VMS)
        self.assertIsNone(found.version)
        self.assertEqual('unknown', found.version_text)
        self.assertEqual(18, found.hardware_version)

    def test_vdiskmanager_may_be_missing(self):
        found = self.detect(NO_VMS, vdiskmanager_path=None)
        self.assertIsNone(found.vdiskmanager)


class VersionTestCase(testscenarios.TestWithScenarios, base.TestCase):

    scenarios = [
        (text.strip()[:40], {'text': text, 'version': version})
        for text, version in (
            ('VMware Workstation 17.6.4 build-24832109\n', (17, 6, 4)),
            ('VMware Workstation 6.5.4 build-246459 Release\n', (6, 5, 4)),
            ('VMware Player 17.5.2 build-23775571\n', (17, 5, 2)),
            ('\nVMware Fusion Information:\n'
             'VMware Fusion 13.5.0 build-22583790 Release\n', (13, 5, 0)),
            ('\nVMware Workstation Information:\n'
             'VMware Workstation 26.0.0 build-25388281 Release\n',
             (26, 0, 0)),
            ('/usr/bin/vmware: line 105: garbage\n'
             'VMware Workstation 25.0.0 build-24995812\n', (25, 0, 0)),
            ('VMware Workstation 25H2 build-24995812\n', (25, 0, 0)),
            ('VMware Fusion 26H1\n', (26, 0, 0)),
            ('command not found\n', None),
            # vmrun's own banner, with "build-" and without: VIX's version.
            ('vmrun version 1.17.0 build-24832109\n', None),
            ('vmrun version 1.17.0.24995812\n', None),
        )]

    def test_version(self):
        self.assertEqual(self.version, product.parse_version(self.text))


class HardwareVersionTestCase(base.TestCase):

    def test_hardware_version(self):
        for kind, version, hardware in (
                ('ws', (17, 6, 4), 20), ('ws', (25, 0, 0), 22),
                ('ws', (26, 0, 0), 22), ('ws', (16, 1, 0), 18),
                ('ws', (9, 0, 0), 10), ('player', (17, 0, 0), 20),
                ('fusion', (13, 5, 0), 20), ('fusion', (25, 0, 0), 22)):
            found = product.Product(kind, version, 'vmrun', None)
            self.assertEqual(hardware, found.hardware_version,
                             (kind, version))


class CapabilitiesTestCase(base.TestCase):

    def test_player_lacks_features(self):
        for kind, can in (('ws', True), ('fusion', True),
                          ('player', False)):
            found = product.Product(kind, (17, 0, 0), 'vmrun', None)
            self.assertEqual(
                [can] * 3, [found.can_pause, found.can_snapshot,
                            found.has_vnc_with_window],
                kind)

    def test_no_product_adds_disks_to_running_vms(self):
        for kind in ('ws', 'player', 'fusion'):
            self.assertFalse(product.Product(
                kind, (25, 0, 0), 'vmrun', None).can_attach_running)

    def test_fusion_lacks_lan_segments(self):
        for kind, has in (('ws', True), ('player', True), ('fusion', False)):
            self.assertEqual(has, product.Product(
                kind, (17, 0, 0), 'vmrun', None).has_lan_segments)


class FakeTestCase(base.TestCase):

    def program(self, text):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'vmrun')
        with open(path, 'w') as file:
            file.write(text)
        return path

    def test_wrapper_of_the_fakes(self):
        self.assertTrue(product.is_fake(self.program(
            '#!/bin/sh\nexec python3 /usr/share/fakes/fake_vmrun "$@"\n')))

    def test_other_programs(self):
        self.assertFalse(product.is_fake(self.program('\x7fELF')))
        self.assertFalse(product.is_fake('/nowhere/vmrun'))
