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

import email
import json

from nova_vmrun.formats import guestos
from nova_vmrun.machine import vendor_data
from tests.unit import base

OURS = vendor_data.CLOUD_CONFIG
THEIRS = '#cloud-config\nntp: {}\n# \xe4\n'


def added(found):
    return json.loads(vendor_data.add(json.dumps(found).encode()))


class VendorDataTestCase(base.TestCase):

    def check_parts(self, text, *expected):
        message = email.message_from_string(text)
        self.assertEqual(list(expected), [
            part.get_payload(decode=True).decode()
            for part in message.walk() if not part.is_multipart()])

    def test_alone(self):
        self.assertEqual({'cloud-init': OURS}, added({}))
        self.assertEqual({'cloud-init': OURS, 'x': 1}, added({'x': 1}))
        self.assertEqual(OURS, added(''))
        self.assertEqual({'cloud-init': OURS},
                         json.loads(vendor_data.add(b'')))

    def test_it_comes_after_the_operators(self):
        found = added({'cloud-init': THEIRS, 'x': 1})
        self.assertEqual(1, found['x'])
        self.check_parts(found['cloud-init'], THEIRS, OURS)
        self.check_parts(added(THEIRS), THEIRS, OURS)
        self.check_parts(added([THEIRS, '#!/bin/sh']),
                         THEIRS, '#!/bin/sh', OURS)

    def test_an_operators_message_of_several_parts(self):
        inner = added([THEIRS, '#!/bin/sh'])
        self.check_parts(added(inner),
                         THEIRS, '#!/bin/sh', OURS, OURS)

    def test_the_same_data_always_gives_the_same_text(self):
        self.assertEqual(added([THEIRS]), added([THEIRS]))

    def test_what_cannot_be_extended(self):
        for found in ({'cloud-init': {'a': 1}}, [1], 5,
                      {'cloud-init': [None]}):
            self.assertRaises(ValueError, added, found)
        self.assertRaises(ValueError, vendor_data.add, b'{')

    def test_guests(self):
        for name, suits in (('debian12-64', True), ('otherlinux-64', True),
                            ('arm-debian12-64', True),
                            ('windows11-64', False),
                            ('freeBSD14-64', False)):
            self.assertIs(suits, vendor_data.suits(guestos.find(name)), name)
