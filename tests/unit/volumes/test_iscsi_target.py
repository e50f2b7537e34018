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

import uuid

import testscenarios

from nova_vmrun import exception
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import iscsi_target
from tests.unit import base

_CHAP = {'auth_method': 'CHAP', 'auth_username': 'u', 'auth_password': 'p'}


def volume(**changes):
    data = {'target_portal': '192.0.2.1:3260', 'target_lun': 1,
            'target_iqn': 'iqn.2010-10.org.openstack:volume-1', **changes}
    return connection.parse({'driver_volume_type': 'iscsi', 'data': data,
                             'serial': str(uuid.uuid4())})


class ParseTestCase(base.TestCase):

    def test_without_authentication(self):
        self.assertEqual(
            iscsi_target.Target('192.0.2.1:3260',
                                'iqn.2010-10.org.openstack:volume-1', 1),
            iscsi_target.parse(volume()))

    def test_chap(self):
        target = iscsi_target.parse(volume(**_CHAP))
        self.assertEqual(('u', 'p'), (target.user, target.password))

    def test_user_without_method(self):
        target = iscsi_target.parse(volume(
            auth_username='u', auth_password='p'))
        self.assertEqual('u', target.user)

    def test_the_password_is_in_no_log(self):
        target = iscsi_target.parse(volume(
            **dict(_CHAP, auth_password='password')))
        self.assertNotIn('password=', repr(target))
        self.assertNotIn("'password'", repr(target))

    def test_ipv6_and_names(self):
        for portal in ('[2001:db8::1]:3260', 'san-1.example.org:3260'):
            self.assertEqual(portal, iscsi_target.parse(
                volume(target_portal=portal)).portal)

    def test_quotes_and_commas_are_for_qemu_to_escape(self):
        text = 'a,b="c\'{}'
        target = iscsi_target.parse(volume(
            target_iqn=text, auth_method='CHAP', auth_username=text,
            auth_password=text))
        self.assertEqual((text, text, text),
                         (target.iqn, target.user, target.password))


class RefusedTestCase(testscenarios.WithScenarios, base.TestCase):

    scenarios = [
        (name, dict(changes=changes, field=list(changes)[0]))
        for name, changes in (
            ('no portal', {'target_portal': None}),
            ('portal without port', {'target_portal': '192.0.2.1'}),
            ('portal with options', {'target_portal': '192.0.2.1:3260,1'}),
            ('port 0', {'target_portal': '192.0.2.1:0'}),
            ('port that is too large', {'target_portal': '192.0.2.1:65536'}),
            ('portal with a line', {'target_portal': '192.0.2.1:3260\n'}),
            ('portal that is a list', {'target_portal': ['192.0.2.1:3260']}),
            ('no name', {'target_iqn': ''}),
            ('name with a zero', {'target_iqn': 'iqn.a\0TargetName=iqn.b'}),
            ('name with a line', {'target_iqn': 'iqn.a\niqn.b'}),
            ('name with a space', {'target_iqn': 'iqn.a b'}),
            ('name with half a character', {'target_iqn': 'iqn.\ud800'}),
            ('name that is too long', {'target_iqn': 'i' * 224}),
            ('no LUN', {'target_lun': None}),
            ('LUN in a text', {'target_lun': '1'}),
            ('LUN that is a truth value', {'target_lun': True}),
            ('negative LUN', {'target_lun': -1}),
            ('LUN that is too large', {'target_lun': 16384}),
            ('method', {'auth_method': 'SRP'}),
            ('no user', {'auth_username': None, 'auth_method': 'CHAP'}),
            ('user with a zero', dict(
                {'auth_username': 'u\0x'}, auth_method='CHAP',
                auth_password='p')),
            ('no password', {'auth_password': None, 'auth_username': 'u'}),
            ('password with a line', {
                'auth_password': 'p\nx', 'auth_username': 'u'}),
            ('password that is too long', {
                'auth_password': 'p' * 256, 'auth_username': 'u'}),
        )]

    def test_it_is_refused(self):
        error = self.assertRaises(exception.InvalidInput, iscsi_target.parse,
                                  volume(**self.changes))
        self.assertIn(self.field, error.details)
        self.assertTrue(error.resolution)

    def test_the_password_is_not_in_the_error(self):
        if self.field != 'auth_password':
            return
        error = self.assertRaises(exception.InvalidInput, iscsi_target.parse,
                                  volume(**self.changes))
        self.assertNotIn(repr(self.changes['auth_password'])[:5], str(error))
