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

from nova_vmrun.host import paths
from nova_vmrun import system
from tests.unit import base


class CanonicalTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = os.path.realpath(
            self.useFixture(fixtures.TempDir()).path)

    def test_links_are_resolved(self):
        target = os.path.join(self.folder, 'target')
        os.mkdir(target)
        link = os.path.join(self.folder, 'link')
        os.symlink(target, link)
        self.assertEqual(paths.canonical(os.path.join(target, 'a.vmx')),
                         paths.canonical(os.path.join(link, '.', 'a.vmx')))

    def test_case_matters_on_linux_only(self):
        lower, upper = (os.path.join(self.folder, name)
                        for name in ('a.vmx', 'A.VMX'))
        for platform, is_equal in (('linux', False), (system.MACOS, True)):
            with system.pretend(system.of(platform)):
                self.assertEqual(
                    is_equal, paths.canonical(lower) == paths.canonical(upper))

    def test_accents_on_macos(self):
        with system.pretend(system.of(system.MACOS)):
            self.assertEqual(paths.canonical('/vms/b\u00fcro.vmx'),
                             paths.canonical('/vms/bu\u0308ro.vmx'))


class TextTestCase(base.TestCase):

    def test_what_a_descriptor_can_hold(self):
        for path in ('/vms', "/My drive's: \u00fc"):
            self.assertTrue(paths.fits_descriptor(path))
        for path in ('/v"ms', '/v\nms', '/v\x7fms', '/v\udc80ms'):
            self.assertFalse(paths.fits_descriptor(path))

    def test_inside(self):
        for path in ('/vms', '/vms/a', '/vms/a/b'):
            self.assertTrue(paths.is_inside(path, '/vms'))
        for path in ('/', '/vms2', '/vm', '/other/vms'):
            self.assertFalse(paths.is_inside(path, '/vms'))
        self.assertTrue(paths.is_inside('/vms', '/'))
