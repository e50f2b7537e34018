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

import fixtures
from oslo_config import cfg

from nova_vmrun.aio import isolation
from tests.unit.aio import base


class EnvironmentTestCase(base.TestCase):

    def environment(self, **environ):
        return isolation.environment(self.layout, environ)

    def test_variables_that_programs_need_are_kept(self):
        kept = self.environment(PATH='/bin', HOME='/home/me', DISPLAY=':0')
        self.assertEqual(('/bin', '/home/me', ':0'),
                         (kept['PATH'], kept['HOME'], kept['DISPLAY']))

    def test_variables_of_other_programs_are_removed(self):
        for name in ('OS_DATABASE__CONNECTION', 'OS_CLOUD', 'PYTHONPATH',
                     'PYTHONSTARTUP', 'LC_ALL', 'LANGUAGE',
                     'REQUESTS_CA_BUNDLE', 'NETRC', 'SNAP_COMMON'):
            self.assertNotIn(name, self.environment(**{name: 'x'}))

    def test_files_and_messages_do_not_depend_on_the_caller(self):
        kept = self.environment(LANG='de_DE.ISO-8859-1')
        self.assertEqual(('C.UTF-8', '1'), (kept['LANG'],
                                            kept['PYTHONUTF8']))

    def test_threads_share_freed_memory(self):
        self.assertEqual('2', self.environment(MALLOC_ARENA_MAX='64')
                         ['MALLOC_ARENA_MAX'])

    def test_glance_downloads_through_the_proxy(self):
        kept = self.environment(http_proxy='http://proxy',
                                no_proxy='example.org')
        self.assertEqual('http://proxy', kept['http_proxy'])
        self.assertEqual('example.org,127.0.0.1', kept['no_proxy'])

    def test_other_services_do_not_know_the_proxy(self):
        for service, known in (('glance', True), ('nova', False)):
            with fixtures.EnvironmentVariable('http_proxy', 'http://proxy'):
                isolation.restrict(service)
                self.assertEqual(known, 'http_proxy' in os.environ)

    def test_entry_points_are_cached_in_the_state_directory(self):
        self.assertEqual(str(self.layout.cache),
                         self.environment(XDG_CACHE_HOME='/home/me/.cache')
                         ['XDG_CACHE_HOME'])


class OwnFilesTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        home = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.EnvironmentVariable('HOME', home))
        for path in ('.nova/nova.conf', '.nova/nova.conf.d/other.conf',
                     '.nova/nova-compute.conf.d/other.conf'):
            path = os.path.join(home, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w') as file:
                file.write('[DEFAULT]\nhost = elsewhere\n')
        with open(os.path.join(home, 'policy.yaml'), 'w') as file:
            file.write('{}')
        self.patch(cfg, '_get_config_dirs', cfg._get_config_dirs)

    def parse(self):
        conf = cfg.ConfigOpts()
        conf.register_opt(cfg.StrOpt('host', default='own'))
        conf([], project='nova', prog='nova-compute')
        return conf

    def test_files_in_the_home_folder_would_count(self):
        self.assertEqual('elsewhere', self.parse().host)
        self.assertIsNotNone(self.parse().find_file('policy.yaml'))

    def test_they_do_not_count_any_more(self):
        isolation.read_own_files_only()
        self.assertEqual('own', self.parse().host)
        self.assertIsNone(self.parse().find_file('policy.yaml'))
