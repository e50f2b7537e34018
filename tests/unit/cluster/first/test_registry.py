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

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.cluster.first import registry
from tests.unit.cluster import base


class RegistryTestCase(base.FirstCase):

    def add(self, *nodes):
        with registry.change(self.layout, self.settings) as known:
            known.nodes.update((node.name, node) for node in nodes)

    def test_what_is_written_is_read(self):
        self.assertEqual({}, registry.load(self.layout).nodes)
        self.add(base.joined())
        self.assertEqual({'lab-2': base.joined()},
                         registry.load(self.layout).nodes)

    def test_who_is_known_may_log_in(self):
        self.add(base.joined())
        self.assertIn(base.KEYS[0], self.files.authorized_keys.read_text())
        with registry.change(self.layout, self.settings) as known:
            known.remove('lab-2')
        self.assertNotIn(base.KEYS[0], self.files.authorized_keys.read_text())
        revoked = self.files.revoked_keys.read_text()
        self.assertIn(base.KEYS[0] + '\n', revoked)
        self.assertIn(base.KEYS[1] + '\n', revoked)

    def test_addresses(self):
        self.add(base.joined())
        for address in ('192.0.2.7', '192.0.2.9'):
            registry.note_address(self.layout, self.settings, 'lab-2',
                                  address)
            self.assertEqual(address, registry.load(
                self.layout).node('lab-2').address)

    def test_an_address_that_is_known_changes_no_file(self):
        self.add(base.joined())
        before = self.files.registry.stat().st_ino
        registry.note_address(self.layout, self.settings, 'lab-2',
                              '192.0.2.7')
        self.assertEqual(before, self.files.registry.stat().st_ino)

    def test_a_failed_change_changes_nothing(self):
        def fail():
            with registry.change(self.layout, self.settings) as known:
                known.nodes['lab-2'] = base.joined()
                raise errors.AioError('no')

        self.assertRaises(errors.AioError, fail)
        self.assertEqual({}, registry.load(self.layout).nodes)
        self.assertEqual('', self.files.authorized_keys.read_text())

    def test_damage(self):
        for text in ('nonsense', '{}', '{"nodes": {"a": {"b": 1}}, '
                     '"revoked": []}'):
            self.files.registry.write_text(text)
            error = self.assertRaises(errors.AioError, registry.load,
                                      self.layout)
            self.assertIn('damaged', str(error))

    def test_unknown_nodes(self):
        self.add(base.joined())
        known = registry.load(self.layout)
        error = self.assertRaises(errors.AioError, known.node, 'x')
        self.assertIn('The nodes are: lab-2.', str(error))
        self.assertIsNone(known.by_token('x'))

    def test_ports_of_nodes_and_programs_are_avoided(self):
        known = registry.Registry({'lab-2': base.joined()})
        self.useFixture(fixtures.MockPatchObject(
            registry, '_is_free', lambda port: port != 20250))
        self.assertEqual(20300, known.free_range().first)

    def test_no_ports_are_left(self):
        self.useFixture(fixtures.MockPatchObject(
            registry, '_is_free', return_value=False))
        error = self.assertRaises(errors.AioError,
                                  registry.Registry().free_range)
        self.assertIn('no ports left', str(error))
