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
import os
import stat
import types

import fixtures
from oslo_serialization import jsonutils

from nova_vmrun import exception
from nova_vmrun.ops import guest_info
from tests.unit.ops import hosts
from tests.unit.ops import test_guest_networks
from tests.unit import stubs

UUID = hosts.UUID
LATEST = 'openstack/latest/'


class Metadata:
    """Stands for Nova's: the files of a config drive."""

    def __init__(self, user_data=None, vendor_data=None, **changes):
        self._files = [
            ('openstack/2012-08-10/meta_data.json', '{}'),
            (LATEST + 'meta_data.json', jsonutils.dumps(dict({
                'uuid': UUID, 'hostname': 'web.novalocal'}, **changes)))]
        if user_data is not None:
            self._files.append((LATEST + 'user_data', user_data))
        if vendor_data is not None:
            self._files.append((LATEST + 'vendor_data.json',
                                jsonutils.dumps(vendor_data)))

    def metadata_for_config_drive(self):
        yield from self._files


class GuestInfoTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.add_server()

    def info(self, use_guestinfo=False, use_machine_id=False):
        return guest_info.GuestInfo(
            stubs.conf(use_guestinfo=use_guestinfo,
                       use_machine_id=use_machine_id), self.layout)

    def written(self, metadata=None, **options):
        info = self.info(**options)
        info.write(types.SimpleNamespace(uuid=UUID, hostname='web'), metadata,
                   test_guest_networks.network_info())
        return info.load(UUID)

    def decoded(self, name, *args, **options):
        told = self.written(Metadata(*args, **options), use_guestinfo=True)
        text = told['guestinfo'].get(name)
        return text and gzip.decompress(base64.b64decode(text))

    def facts(self, **changes):
        return jsonutils.loads(self.decoded('metadata', **changes))

    def test_nothing_without_the_options(self):
        self.assertEqual({}, self.written())
        self.assertFalse(os.path.exists(self.layout.guest_info(UUID)))
        self.assertFalse(self.info().needs_metadata)

    def test_a_guest_that_cannot_learn_its_address(self):
        logger = self.useFixture(fixtures.FakeLogger())
        info = test_guest_networks.network_info()
        instance = types.SimpleNamespace(uuid=UUID, hostname='web')
        for details, metadata, options, count in (
                ({}, None, {}, 0),
                ({'network_type': 'local'}, Metadata(), {}, 0),
                ({'network_type': 'local'}, None, {'use_machine_id': True},
                 0),
                ({'network_type': 'local'}, None, {}, 1)):
            info[0]['details'] = details
            self.info(**options).write(instance, metadata, info)
            self.assertEqual(count, logger.output.count(
                'cannot learn its addresses 10.0.0.5, fd00::5'))

    def test_only_the_owner_may_read_it(self):
        self.written(use_machine_id=True)
        self.assertEqual(0o600, stat.S_IMODE(
            os.stat(self.layout.guest_info(UUID)).st_mode))

    def test_machine_id(self):
        self.assertEqual({'guestinfo': {'hostname': 'web'}, 'machine_id': (
            'fa:16:3e:00:00:01;10.0.0.5;255.255.255.0;10.0.0.1;10.0.0.255;'
            '10.0.0.53#')}, self.written(use_machine_id=True))

    def test_facts(self):
        facts = self.facts(
            public_keys={'one': 'ssh-rsa A\n', 'two': 'ssh-rsa B'},
            meta={'role': 'front'}, admin_pass='s3cret')
        self.assertEqual(
            (UUID, 'web.novalocal', 'ssh-rsa A\nssh-rsa B',
             {'role': 'front'}),
            tuple(facts[name] for name in (
                'instance-id', 'local-hostname', 'public-keys-data', 'meta')))
        self.assertEqual(
            ['10.0.0.5/24', 'fd00::5/64'],
            facts['network']['ethernets']['eth0']['addresses'])

    def test_the_password_is_not_for_every_process_in_the_guest(self):
        self.assertNotIn('s3cret', str(self.facts(admin_pass='s3cret')))

    def test_user_data(self):
        self.assertEqual(b'\x00x', self.decoded('userdata', b'\x00x'))
        self.assertIsNone(self.decoded('userdata'))

    def test_vendor_data_for_cloud_init(self):
        for told, expected in (
                ({'cloud-init': '#cloud-config'}, b'#cloud-config'),
                ({'mirror': 'http://mirror'}, None), ('text', b'text'),
                (['a'], None), (None, None)):
            self.assertEqual(expected, self.decoded(
                'vendordata', vendor_data=told), told)

    def test_long_user_data_are_refused_before_anything_is_made(self):
        instance = types.SimpleNamespace(
            user_data=base64.b64encode(os.urandom(49151)).decode())
        self.assertRaises(exception.InvalidInput,
                          self.info(use_guestinfo=True).check, instance)
        self.info().check(instance)
        instance.user_data = None
        self.info(use_guestinfo=True).check(instance)
