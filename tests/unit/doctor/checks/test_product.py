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
import os

import fixtures

from nova_vmrun.doctor.checks import product as checks
from nova_vmrun.doctor import facts
from nova_vmrun.doctor import finding
from nova_vmrun.host import product
from tests.unit.doctor import hosts


class ProductTestCase(hosts.TestCase):

    def found(self, **changes):
        return dataclasses.replace(hosts.WORKSTATION, **changes)

    def test_no_vmware(self):
        self.assert_wrong('vmrun was not found', 'aio demo --fake',
                          'product', vmrun=None, found=None)

    def test_no_vmware_on_a_mac(self):
        self.assert_wrong('vmrun was not found', 'Install VMware Fusion',
                          'product', platform='darwin', vmrun=None,
                          found=None)

    def test_vmrun_that_refuses(self):
        self.assert_wrong(
            'does not work', 'accept its licence', 'product', found=None,
            refusal=('/usr/bin/vmrun does not work as ws.',
                     'Start it once and accept its licence.'))

    def test_old_version(self):
        self.assert_wrong(
            'VMware Workstation 15.5.7 (/usr/bin/vmrun) is too old',
            'version 16', 'product',
            found=self.found(version=product.Version(15, 5, 7)))

    def test_version_that_needs_a_licence(self):
        old = self.found(version=product.Version(17, 5, 2))
        self.assert_warning('needs a licence key', 'Update to 17.6.2',
                            'product', found=old)
        self.assertEqual([], self.problems('product', found=old,
                                           has_licence_file=True))

    def test_unknown_version(self):
        self.assert_warning('does not say which version', 'vmware -v',
                            'product', found=self.found(version=None))

    def test_no_vdiskmanager(self):
        self.assert_warning('cannot be resized', 'vdiskmanager_path',
                            'product', found=self.found(vdiskmanager=None))

    def test_every_product_is_known(self):
        for kind in (product.WORKSTATION, product.PLAYER, product.FUSION):
            found = self.found(kind=kind, version=product.Version(26, 0, 0))
            self.assertEqual([], self.problems('product', found=found))

    def test_the_fake_needs_no_licence(self):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'vmrun')
        with open(path, 'w') as file:
            file.write('exec fake_vmrun')
        found, = checks.check(facts.Product(
            'linux', path, self.found(vmrun=path,
                                      version=product.Version(17, 0, 0))))
        self.assertIs(finding.State.OK, found.state)
        self.assertIn('stands in for VMware', found.text)
