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

import base64
import gzip
import json
import os

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.machine import guest_info
from tests.unit import base


class VariablesTestCase(base.TestCase):

    def decoded(self, found, name):
        self.assertEqual('gzip+base64', found[name + '.encoding'])
        return gzip.decompress(base64.b64decode(found[name]))

    def test_each_arrives_unchanged(self):
        metadata = {'instance-id': 'i', 'local-hostname': 'a "b" |22\n'}
        user_data = b'#!/bin/sh\n\x00\xff"'
        found = guest_info.variables(metadata, user_data, b'#cloud-config')
        self.assertEqual(metadata, json.loads(self.decoded(found,
                                                           'metadata')))
        self.assertEqual(user_data, self.decoded(found, 'userdata'))
        self.assertEqual(b'#cloud-config', self.decoded(found, 'vendordata'))
        for value in found.values():
            # No character that a .vmx would have to escape.
            self.assertEqual(value, vmx.quote(value).strip('"'))

    def test_missing_data_is_left_out(self):
        for nothing in (None, b''):
            self.assertEqual({'metadata', 'metadata.encoding'},
                             set(guest_info.variables({}, nothing, nothing)))

    def test_equal_data_gives_equal_text(self):
        """Else each hard reboot would change the .vmx."""
        self.assertEqual(guest_info.variables({'b': 1, 'a': 2}, b'x'),
                         guest_info.variables({'a': 2, 'b': 1}, b'x'))

    def test_limit(self):
        fits = os.urandom(48 * 1024)
        self.assertGreater(len(guest_info.encode('userdata', fits[:-64])),
                           65000)
        error = self.assertRaises(exception.InvalidInput,
                                  guest_info.encode, 'userdata', fits)
        self.assertIn('guestinfo.userdata', error.brief)
        self.assertIn('use_guestinfo', error.resolution)

    def test_compressible_data_may_be_longer(self):
        text = b'runcmd: [true]\n' * 10000
        self.assertEqual(text, gzip.decompress(base64.b64decode(
            guest_info.encode('userdata', text))))


class DevicesTestCase(base.TestCase):

    def test_only_the_devices_change(self):
        before = guest_info.variables({'instance-id': 'i'}, b'user data')
        after = guest_info.with_devices(before, [{'mac': 'm'}])
        self.assertEqual(
            guest_info.variables({'instance-id': 'i',
                                  'devices': [{'mac': 'm'}]}, b'user data'),
            after)
        self.assertEqual(before, guest_info.with_devices(after, []))

    def test_too_many_of_them(self):
        before = guest_info.variables({'instance-id': 'i'})
        self.assertRaises(
            exception.InvalidInput, guest_info.with_devices, before,
            [{'tags': [os.urandom(50000).hex()]}])
