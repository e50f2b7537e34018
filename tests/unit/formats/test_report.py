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

from nova_vmrun.formats import report
from nova_vmrun.formats import vmx
from nova_vmrun.machine import render
from tests.unit.machine import base


class GroupedTestCase(base.TestCase):

    def test_groups_keep_the_order_of_the_file(self):
        settings = vmx.parse(
            'memsize = "64"\nfoo = "1"\ndisplayName = "web"\n'
            'numvcpus = "2"\n')
        self.assertEqual(
            [('Identity', 'displayName', 'web'),
             ('CPU and memory', 'memsize', '64'),
             ('CPU and memory', 'numvcpus', '2'), ('Unknown', 'foo', '1')],
            report.grouped(settings))

    def test_secrets_are_masked(self):
        for key in ('guestinfo.userdata', 'GuestInfo.anything', 'machine.id',
                    'RemoteDisplay.vnc.password', 'RemoteDisplay.vnc.key',
                    'encryption.keySafe', 'dataFileKey'):
            self.assertEqual('***', report.masked(key, 'x'))
            self.assertEqual('', report.masked(key, ''))
        self.assertEqual('x', report.masked('displayName', 'x'))


class ExplainTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.text = render.render(base.make_server(
            {'os_distro': 'ubuntu', 'hw_vif_model': 'e1000'},
            guestinfo={'userdata': 'c2VjcmV0'}))
        self.live = vmx.parse(self.text)

    def _explain(self, key, rendered='own'):
        rendered = self.text if rendered == 'own' else rendered
        for found, value, phrase in report.explain(self.live, rendered):
            if found == key:
                return value, phrase

    def test_why_an_e1000(self):
        self.assertEqual(
            ('e1000', 'image property hw_vif_model=e1000'),
            self._explain('ethernet0.virtualDev'))

    def test_origins(self):
        self.live['uuid.location'] = '00'
        self.live['vmci0.id'] = '1'
        self.live['foo'] = '1'
        for key, phrase in (
                ('memsize', 'flavor'), ('guestOS', 'image property os_distro'),
                ('scsi0.virtualDev', 'default of linux guests'),
                ('ethernet0.address', 'network port'),
                ('msg.autoAnswer', 'template linux'),
                ('vmci0.id', 'written by VMware'),
                ('foo', 'added since it was rendered')):
            self.assertEqual(phrase, self._explain(key)[1], key)
        self.assertIn('changed since it was rendered (server: 78 56',
                      self._explain('uuid.location')[1])

    def test_secrets_are_masked(self):
        self.assertEqual(('***', 'server'),
                         self._explain('guestinfo.userdata'))
        self.live['guestinfo.userdata'] = 'b3RoZXI='
        value, phrase = self._explain('guestinfo.userdata')
        self.assertEqual(
            ('***', 'changed since it was rendered (server: ***)'),
            (value, phrase))

    def test_without_the_rendered_copy(self):
        self.live['vmci0.id'] = '1'
        self.live['foo'] = '1'
        self.assertIn('nova-vmrun', self._explain('memsize', None)[1])
        self.assertEqual('written by VMware',
                         self._explain('vmci0.id', None)[1])
        self.assertEqual('unknown', self._explain('foo', None)[1])

    def test_a_rendered_text_is_recognised(self):
        self.assertTrue(report.has_origins(self.text))
        self.assertFalse(report.has_origins(vmx.dump(self.live)))


class DiffTestCase(base.TestCase):

    def _diff(self, before, after):
        return [(change.kind, change.key, change.before, change.after,
                 change.by) for change in report.diff(vmx.parse(before),
                                                      vmx.parse(after))]

    def test_changes(self):
        self.assertEqual(
            [('changed', 'memsize', '64', '128', 'unknown'),
             ('removed', 'numvcpus', '2', None, 'unknown'),
             ('added', 'vmci0.id', None, '1', 'written by VMware')],
            self._diff('memsize = "64"\nnumvcpus = "2"\nfoo = "1"',
                       'vmci0.id = "1"\nFOO = "1"\nMEMSIZE = "128"'))

    def test_secrets_are_masked(self):
        self.assertEqual(
            [('changed', 'machine.id', '***', '***', 'unknown')],
            self._diff('machine.id = "a"', 'machine.id = "b"'))

    def test_no_difference(self):
        self.assertEqual([], self._diff('a = "1"', 'A = 1 # same'))
