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
import subprocess
import sys

import yaml

from nova_vmrun.aio import client
from tests.unit.aio import base


class EnvironmentTestCase(base.TestCase):

    def environment(self, **environ):
        environ.setdefault('PATH', '/usr/bin')
        return client.environment(self.layout, self.settings, self.passwords,
                                  environ=environ)

    def test_it_logs_the_administrator_in(self):
        variables = self.environment()
        self.assertEqual('http://127.0.0.1:5000/v3',
                         variables['OS_AUTH_URL'])
        self.assertEqual('secret-of-admin', variables['OS_PASSWORD'])
        self.assertEqual('admin', variables['OS_PROJECT_NAME'])

    def test_ordinary_user(self):
        variables = client.environment(
            self.layout, self.settings, self.passwords,
            environ={'PATH': '/usr/bin'}, user=client.User.DEMO)
        self.assertEqual(
            ('demo', 'demo', 'secret-of-demo'),
            tuple(variables['OS_' + name] for name in (
                'USERNAME', 'PROJECT_NAME', 'PASSWORD')))

    def test_fakes_are_found_after_the_programs_of_the_system(self):
        self.layout.fakes.mkdir()
        self.settings.knobs = {'FAKE_VMRUN_ENGINE': 'qemu'}
        variables = self.environment()
        self.assertEqual('qemu', variables['FAKE_VMRUN_ENGINE'])
        path = variables['PATH'].split(os.pathsep)
        self.assertEqual(('/usr/bin', str(self.layout.fakes)),
                         (path[0], path[-1]))
        self.assertEqual(str(self.layout.fake_state),
                         variables['FAKE_VMRUN_STATE'])

    def test_vmware_needs_no_variables(self):
        self.assertNotIn('FAKE_VMRUN_STATE', self.environment())

    def test_requests_to_this_machine_pass_by_the_proxy(self):
        variables = self.environment(no_proxy='example.org')
        self.assertEqual('example.org,127.0.0.1', variables['no_proxy'])

    def test_other_address_that_services_listen_on(self):
        self.settings.listen = '192.0.2.7'
        variables = self.environment()
        self.assertEqual(
            ('https://192.0.2.7:5000/v3', str(self.layout.ca),
             '127.0.0.1,192.0.2.7'),
            tuple(variables[name] for name in (
                'OS_AUTH_URL', 'OS_CACERT', 'no_proxy')))
        self.settings.listen_insecure = True
        variables = self.environment()
        self.assertEqual('http://192.0.2.7:5000/v3',
                         variables['OS_AUTH_URL'])
        self.assertNotIn('OS_CACERT', variables)

    def test_again_adds_nothing(self):
        self.layout.fakes.mkdir()
        once = self.environment(no_proxy='example.org')
        again = self.environment(PATH=once['PATH'],
                                 no_proxy=once['no_proxy'])
        self.assertNotIn('PATH', again)
        self.assertEqual(once['no_proxy'], again['no_proxy'])


class ByFileTestCase(base.TestCase):

    def test_no_password(self):
        variables = client.environment_by_file(
            self.layout, self.settings, environ={'PATH': '/usr/bin'})
        self.assertEqual(
            (str(self.layout.clouds), 'nova-vmrun'),
            (variables['OS_CLIENT_CONFIG_FILE'], variables['OS_CLOUD']))
        self.assertNotIn('OS_PASSWORD', variables)
        self.assertEqual('nova-vmrun-demo', client.environment_by_file(
            self.layout, self.settings, environ={},
            user=client.User.DEMO)['OS_CLOUD'])
        self.assertIn('127.0.0.1', variables['no_proxy'])
        self.assertTrue(variables['PATH'].startswith('/usr/bin:'))


class FilesTestCase(base.TestCase):

    def source(self, **environ):
        """What a shell has after it has read openrc."""
        client.write_files(self.layout, self.settings, self.passwords)
        printed = subprocess.run(
            ['sh', '-c', '. "$1"; env', 'sh', self.layout.openrc],
            env=environ, check=True, capture_output=True, text=True).stdout
        return dict(line.split('=', 1) for line in printed.splitlines())

    def test_shell_reads_the_password_as_it_is(self):
        self.passwords['admin'] = 'a\'b "c" $HOME `d`'
        variables = self.source(PATH=os.environ['PATH'])
        self.assertEqual(self.passwords['admin'], variables['OS_PASSWORD'])

    def test_file_for_the_ordinary_user(self):
        client.write_files(self.layout, self.settings, self.passwords)
        self.assertIn('secret-of-demo', self.layout.openrc_demo.read_text())
        self.assertNotIn('secret-of-admin',
                         self.layout.openrc_demo.read_text())

    def test_path_of_the_shell_that_reads_it_is_added_to(self):
        self.layout.fakes.mkdir()
        self.patch(os, 'environ', {'PATH': sys.prefix + '/bin'})
        variables = self.source(PATH='/usr/bin:/bin')
        self.assertEqual(
            ['/usr/bin', '/bin', sys.prefix + '/bin', str(self.layout.fakes)],
            variables['PATH'].split(':'))

    def test_clouds_yaml_says_the_same(self):
        client.write_files(self.layout, self.settings, self.passwords)
        cloud = yaml.safe_load(self.layout.clouds.read_text())
        self.assertEqual(
            {'nova-vmrun': 'secret-of-admin',
             'nova-vmrun-demo': 'secret-of-demo'},
            {name: each['auth']['password']
             for name, each in cloud['clouds'].items()})

    def test_clouds_yaml_names_the_authority(self):
        self.settings.listen = '192.0.2.7'
        client.write_files(self.layout, self.settings, self.passwords)
        cloud = yaml.safe_load(self.layout.clouds.read_text())
        for each in cloud['clouds'].values():
            self.assertEqual(
                ('https://192.0.2.7:5000/v3', str(self.layout.ca)),
                (each['auth']['auth_url'], each['cacert']))

    def test_nobody_else_can_read_them(self):
        client.write_files(self.layout, self.settings, self.passwords)
        for path in (self.layout.openrc, self.layout.openrc_demo,
                     self.layout.clouds):
            self.assertEqual(0o600, path.stat().st_mode & 0o777)
