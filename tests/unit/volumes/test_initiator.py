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
import stat

import fixtures

from nova_vmrun.host import files
from nova_vmrun.server import layout
from nova_vmrun.volumes import initiator
from tests.unit import base


class InitiatorTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.layout = layout.Layout(
            self.useFixture(fixtures.TempDir()).path, '_base')

    def test_it_is_kept(self):
        name = initiator.name(self.layout)
        self.assertRegex(
            name, r'^iqn\.2010-10\.org\.openstack:nova-vmrun-[0-9a-f]{12}$')
        self.assertEqual(name, initiator.name(self.layout))
        folder = os.path.dirname(self.layout.initiator())
        self.assertEqual(0o700, stat.S_IMODE(os.stat(folder).st_mode))

    def test_two_processes_that_make_one_at_once(self):
        real, found = files.create_atomically, []

        def create(path, content):
            with fixtures.MockPatchObject(files, 'create_atomically', real):
                found.append(initiator.name(self.layout))
            real(path, content)

        with fixtures.MockPatchObject(files, 'create_atomically', create):
            found.append(initiator.name(self.layout))
        self.assertEqual([initiator.name(self.layout)] * 2, found)

    def test_an_operator_may_choose_it(self):
        initiator.name(self.layout)
        files.write_atomically(self.layout.initiator(),
                               'iqn.1993-08.org.debian:01:abc\n')
        self.assertEqual('iqn.1993-08.org.debian:01:abc',
                         initiator.name(self.layout))

    def test_a_malformed_one_is_replaced(self):
        initiator.name(self.layout)
        for text in ('', 'iqn.x', 'iqn.1993-08.a b', b'\xff\xff'):
            files.write_atomically(self.layout.initiator(), text)
            self.assertIn('nova-vmrun', initiator.name(self.layout))
