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

import testscenarios

from nova_vmrun import exception
from nova_vmrun.volumes import connection
from tests.unit import base

ID = '6ca404f3-d844-4169-bb96-bc792f37de98'
OTHER = '11111111-d844-4169-bb96-bc792f37de98'


def info(kind='local', serial=ID, **data):
    """Return a connection_info as Nova passes it."""
    return {'driver_volume_type': kind, 'serial': serial, 'data': data}


class ParseTestCase(base.TestCase):

    def test_what_cinder_says(self):
        found = connection.parse(
            info('iscsi', target_lun=1, access_mode='rw', encrypted=False),
            is_boot=True)
        self.assertEqual((ID, 'iscsi', 1, True),
                         (found.id, found.type, found.data['target_lun'],
                          found.is_boot))

    def test_the_id_is_written_in_one_way(self):
        for text in (ID.upper(), ID.replace('-', ''), '{%s}' % ID):
            self.assertEqual(ID, connection.parse(info(serial=text)).id)

    def test_the_id_may_be_in_the_data(self):
        self.assertEqual(OTHER, connection.parse(
            info(serial=None, volume_id=OTHER)).id)

    def test_passwords_are_not_shown(self):
        found = connection.parse(info(auth_password='secret'))
        self.assertNotIn('secret', repr(found))

    def test_the_size(self):
        self.assertIsNone(connection.parse(info()).size_gb)
        self.assertEqual(3, connection.parse(info(size=3)).size_gb)
        for size in (0, -1, True, '1', 1.5):
            self.assertRaises(exception.InvalidInput, getattr,
                              connection.parse(info(size=size)), 'size_gb')


class RefusedTestCase(testscenarios.TestWithScenarios, base.TestCase):

    scenarios = [(str(number), {'info': found, 'word': word})
                 for number, (found, word) in enumerate((
                     (None, 'mapping'), ('text', 'mapping'),
                     ({'driver_volume_type': 'local'}, 'data'),
                     (dict(info(), data=['a']), 'data'),
                     (dict(info(), data={1: 2}), 'data'),
                     (info(serial=None), 'serial'),
                     (info(serial='../../etc'), 'serial'),
                     (info(serial=7), 'serial'),
                     (info(None), 'driver_volume_type'),
                     (info('a b'), 'driver_volume_type'),
                     (info('x' * 99), 'driver_volume_type'),
                     (info(encrypted=True), 'encrypted'),
                     (info(encrypted='True'), 'encrypted'),
                     (info(access_mode='ro'), "'ro'"),
                     (info(access_mode=['rw']), 'access mode')))]

    def test_in_words(self):
        error = self.assertRaises(exception.InvalidInput, connection.parse,
                                  self.info)
        self.assertIn(self.word, str(error))
        self.assertTrue(error.resolution)


class VolumeIdTestCase(base.TestCase):

    def test_nothing_else_is_checked(self):
        self.assertEqual(ID, connection.volume_id(
            info(None, access_mode='ro')))
        self.assertEqual(ID, connection.volume_id({'serial': ID}))

    def test_there_may_be_none(self):
        for found in (None, [], {}, info(serial='x')):
            self.assertIsNone(connection.volume_id(found))
