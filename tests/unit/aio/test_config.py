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


import configparser
import os
import stat

import fixtures
from oslo_config import cfg
from testtools import matchers

from nova_vmrun.aio import config
from nova_vmrun.aio import errors
from nova_vmrun.aio.services import glance
from nova_vmrun.aio.services import keystone
from nova_vmrun.aio.services import neutron
from nova_vmrun.aio.services import nova
from nova_vmrun.aio import vmware
from tests.unit.aio import base


class RenderTestCase(base.TestCase):

    def read(self, sections, name, group='DEFAULT'):
        config.write(self.layout, 'nova', 'nova.conf', sections)
        conf = cfg.ConfigOpts()
        conf.register_opts([cfg.StrOpt(name)],
                           group=None if group == 'DEFAULT' else group)
        conf([], default_config_files=[
            str(self.layout.config_dir('nova') / file)
            for file in ('nova.conf', config.LOCAL_CONF)])
        return conf[name] if group == 'DEFAULT' else conf[group][name]

    def test_value_arrives_as_it_is(self):
        self.assertEqual('a$b ${c}', self.read(
            {'DEFAULT': {'colour': 'a$b ${c}'}}, 'colour'))

    def test_no_value_leaves_the_default(self):
        self.assertIsNone(self.read({'vmrun': {'colour': None}}, 'colour',
                                    'vmrun'))

    def test_local_conf_wins_and_is_never_overwritten(self):
        config.write(self.layout, 'nova', 'nova.conf', {})
        local = self.layout.config_dir('nova') / config.LOCAL_CONF
        local.write_text('[DEFAULT]\ncolour = mine\n')
        self.assertEqual('mine', self.read(
            {'DEFAULT': {'colour': 'theirs'}}, 'colour'))

    def test_nobody_else_can_read_it(self):
        config.write(self.layout, 'nova', 'nova.conf', {})
        path = self.layout.config_dir('nova') / 'nova.conf'
        self.assertEqual(0o600, stat.S_IMODE(os.stat(path).st_mode))


class DataFileTestCase(base.TestCase):

    def test_file_of_an_installed_wheel_is_found(self):
        path = config.data_file('nova', 'etc/nova/api-paste.ini')
        with open(path) as stream:
            self.assertIn('[composite:', stream.read())

    def test_missing_file_says_where_was_looked(self):
        error = self.assertRaises(errors.AioError, config.data_file,
                                  'nova', 'etc/nova/nothing.ini')
        self.assertIn('/etc/nova/nothing.ini', str(error))

    def test_environment_that_paste_cannot_read(self):
        prefix = os.path.join(self.useFixture(fixtures.TempDir()).path,
                              '100%')
        os.mkdir(prefix)
        with open(os.path.join(prefix, 'own.ini'), 'w'):
            self.useFixture(fixtures.MonkeyPatch('sys.prefix', prefix))
        error = self.assertRaises(errors.AioError, config.data_file,
                                  'nova', 'own.ini')
        self.assertIn('has a percent sign', str(error))


class ServicesTestCase(base.TestCase):
    """The files of the services, as oslo.config would see them."""

    def write(self, module, name, **extra):
        module.write_config(self.layout, self.settings, self.passwords,
                            **extra)
        return self.parse(module.PROJECT, name)

    def parse(self, project, name):
        parser = configparser.RawConfigParser(strict=True)
        parser.read(self.layout.config_dir(project) / name)
        return parser

    def test_every_file_stays_in_the_state_directory(self):
        programs = vmware.Programs('/opt/vmrun', None, False)
        for conf in (self.write(keystone, 'keystone.conf'),
                     self.write(glance, 'glance-api.conf'),
                     self.write(neutron, 'neutron.conf'),
                     self.write(nova, 'nova.conf', vmware=programs),
                     self.parse('placement', 'placement.conf')):
            for section in [conf.default_section, *conf.sections()]:
                for name, value in conf[section].items():
                    if (value.startswith('/') and name != 'vmrun_path'
                            and not value.endswith('.ini')):
                        self.assertThat(value, matchers.StartsWith(
                            str(self.layout.root)))

    def test_receipt_keys_do_not_go_to_etc(self):
        conf = self.write(keystone, 'keystone.conf')
        self.assertEqual(conf['fernet_tokens']['key_repository'],
                         conf['fernet_receipts']['key_repository'])

    def test_ports_are_the_chosen_ones(self):
        self.settings.ports['keystone'] = 21001
        conf = self.write(glance, 'glance-api.conf')
        self.assertEqual('http://127.0.0.1:21001/v3',
                         conf['keystone_authtoken']['auth_url'])

    def test_each_service_has_its_own_password(self):
        conf = self.write(neutron, 'neutron.conf')
        self.assertEqual('secret-of-neutron',
                         conf['keystone_authtoken']['password'])

    def test_nova_runs_our_driver_and_the_programs_that_were_found(self):
        conf = self.write(nova, 'nova.conf', vmware=vmware.Programs(
            '/opt/vmrun', '/opt/vdiskmanager', True))
        self.assertEqual('nova_vmrun.VmrunDriver',
                         conf['DEFAULT']['compute_driver'])
        self.assertEqual('/opt/vmrun', conf['vmrun']['vmrun_path'])
        self.assertEqual('/opt/vdiskmanager',
                         conf['vmrun']['vdiskmanager_path'])

    def test_host_keeps_its_name_when_the_laptop_changes_its_own(self):
        conf = self.write(nova, 'nova.conf')
        self.assertEqual('laptop', conf['DEFAULT']['host'])

    def test_reason_of_a_failure_is_not_hidden_by_a_second_try(self):
        conf = self.write(nova, 'nova.conf')
        self.assertEqual('1', conf['scheduler']['max_attempts'])

    def test_a_server_can_be_resized_on_the_only_host(self):
        conf = self.write(nova, 'nova.conf')
        self.assertEqual('True',
                         conf['DEFAULT']['allow_resize_to_same_host'])

    def test_nova_waits_no_minutes_when_it_stops(self):
        conf = self.write(nova, 'nova.conf')
        self.assertEqual('3', conf['DEFAULT']['manager_shutdown_timeout'])
