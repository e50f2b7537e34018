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


import pathlib
import stat

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.aio import vmware
from nova_vmrun.host import product
from tests.unit.aio import base

_INSTALL = """
import pathlib, sys
folder = pathlib.Path(sys.argv[1])
folder.mkdir(exist_ok=True)
(folder / 'vmrun').write_text('fake')
"""


class ChooseTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.bin = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.EnvironmentVariable('PATH', str(self.bin)))
        self.patch(product, '_KNOWN_FOLDERS', {'linux': ()})
        self.source = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.patch(vmware, 'fakes_source', lambda: self.source)
        self.write_install(_INSTALL)

    def write_install(self, text):
        (self.source / 'install').write_text(text)

    def make_vmrun(self, name='vmrun'):
        path = self.bin / name
        path.write_text('#!/bin/sh\n')
        path.chmod(0o755)
        return str(path)

    def choose(self):
        return vmware.choose(self.layout, self.settings)

    def test_vmware_is_taken_where_it_is_installed(self):
        path = self.make_vmrun()
        programs = self.choose()
        self.assertEqual((path, False), (programs.vmrun, programs.fake))
        self.assertEqual('VMware: %s' % path, programs.describe())

    def test_without_it_the_fake_stands_in_and_says_so(self):
        programs = self.choose()
        self.assertTrue(programs.fake)
        self.assertEqual('fake', pathlib.Path(programs.vmrun).read_text())
        self.assertIn('the fake vmrun stands in', programs.describe())

    def test_description_of_the_fake_names_the_engine(self):
        self.settings.knobs = {vmware.ENGINE: vmware.QEMU}
        told = self.choose().describe()
        self.assertIn('with QEMU as its machines', told)
        self.assertEqual(told, vmware.describe(self.layout, self.settings))

    def test_description_of_vmware(self):
        path = self.make_vmrun()
        self.choose()
        self.assertEqual('VMware: %s' % path,
                         vmware.describe(self.layout, self.settings))

    def test_description_without_vmware(self):
        self.assertIn('vmrun is not installed',
                      vmware.describe(self.layout, self.settings))

    def test_fake_can_be_asked_for(self):
        self.make_vmrun()
        self.settings.fake = True
        self.assertTrue(self.choose().fake)

    def test_fake_on_path_is_not_taken_for_vmware(self):
        fake = self.bin / 'vmrun'
        fake.write_text('#!/bin/sh\nexec python3 /fakes/fake_vmrun "$@"\n')
        fake.chmod(0o755)
        self.assertTrue(self.choose().fake)

    def test_vmware_that_was_installed_meanwhile_ends_the_fakes(self):
        self.choose()
        self.assertTrue(self.layout.fakes.exists())
        self.make_vmrun()
        self.assertFalse(self.choose().fake)
        self.assertFalse(self.layout.fakes.exists())

    def test_path_that_is_named_is_taken(self):
        self.make_vmrun()
        self.settings.vmrun_path = self.make_vmrun('other')
        self.assertEqual(self.settings.vmrun_path, self.choose().vmrun)

    def test_path_that_is_no_program_is_refused(self):
        self.make_vmrun()
        self.settings.vmrun_path = '/nowhere/vmrun'
        error = self.assertRaises(errors.AioError, self.choose)
        self.assertIn('/nowhere/vmrun is no program', error.brief)

    def test_fakes_that_do_not_install_say_why(self):
        self.write_install('import sys; sys.exit("no room")')
        error = self.assertRaises(errors.AioError, self.choose)
        self.assertEqual('no room', error.details)

    def test_state_of_the_fakes_is_closed_to_others(self):
        self.choose()
        self.assertEqual(
            0o700, stat.S_IMODE(self.layout.fake_state.stat().st_mode))


class EngineTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.installed = {'qemu-system-x86_64', 'qemu-nbd'}
        self.patch(vmware.shutil, 'which', lambda name: (
            name if name in self.installed else None))
        self.patch(vmware.system, '_here', vmware.system.of('linux'))
        self.patch(vmware.platform, 'machine', lambda: 'x86_64')

    def test_qemu_is_taken_where_it_is_installed(self):
        self.assertEqual(vmware.QEMU, vmware.default_engine())

    def test_no_qemu_without_qemu_nbd(self):
        self.installed.remove('qemu-nbd')
        self.assertEqual(vmware.PLAIN, vmware.default_engine())

    def test_no_qemu_on_another_processor(self):
        self.patch(vmware.platform, 'machine', lambda: 'aarch64')
        self.assertEqual(vmware.PLAIN, vmware.default_engine())


class SourceTestCase(base.TestCase):

    def test_checkout_has_the_fakes(self):
        source = vmware.fakes_source()
        self.assertTrue((source / 'install').is_file())
