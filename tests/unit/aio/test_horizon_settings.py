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

import ast
import os
import runpy
import stat
import subprocess
import sys

from nova_vmrun.aio import horizon_settings
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio.services import horizon
from tests.unit.aio import base

# Prints the panels that Horizon has loaded.
_PANELS = '''
import django
from django import urls
import horizon
django.setup()
urls.get_resolver().url_patterns
for section in horizon.get_dashboards():
    for panel in section.get_panels():
        print(section.slug, panel.slug)
'''


class ValuesTestCase(base.TestCase):

    def values(self):
        return horizon_settings.values(self.layout, self.settings)

    def test_only_names_of_this_machine_are_answered(self):
        self.assertEqual(
            {'127.0.0.1', '[::1]', 'localhost'},
            set(self.values()['ALLOWED_HOSTS']))
        self.settings.dashboard_address = '10.1.2.3'
        self.assertIn('10.1.2.3', self.values()['ALLOWED_HOSTS'])
        self.settings.dashboard_address = 'fd00::1'
        self.assertIn('[fd00::1]', self.values()['ALLOWED_HOSTS'])
        self.assertNotIn('*', self.values()['ALLOWED_HOSTS'])

    def test_names_under_which_other_machines_reach_it(self):
        self.settings.listen = '192.0.2.7'
        self.assertLessEqual({'192.0.2.7', 'laptop', '127.0.0.1'},
                             set(self.values()['ALLOWED_HOSTS']))

    def test_names_are_unknown_if_all_addresses_are_served(self):
        self.settings.dashboard_address = '0.0.0.0'
        self.assertEqual(['*'], self.values()['ALLOWED_HOSTS'])

    def test_key_stays_and_is_private(self):
        key = self.values()['SECRET_KEY']
        self.assertLess(50, len(key))
        self.assertEqual(key, self.values()['SECRET_KEY'])
        path = self.layout.keys / 'horizon'
        self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))
        path.unlink()
        self.assertNotEqual(key, self.values()['SECRET_KEY'])

    def test_empty_key_is_replaced(self):
        (self.layout.keys / 'horizon').write_text('\n')
        self.assertLess(50, len(self.values()['SECRET_KEY']))

    def test_control_planes_have_cookies_of_their_own(self):
        first = self.values()['SESSION_COOKIE_NAME']
        self.settings.ports['horizon'] += 1
        self.assertNotEqual(first, self.values()['SESSION_COOKIE_NAME'])

    def test_backups_and_new_volumes_are_offered_with_cinder(self):
        for volumes in (False, True):
            self.settings.volumes = volumes
            values = self.values()
            self.assertIs(volumes, values['OPENSTACK_CINDER_FEATURES'][
                'enable_backup'])
            self.assertIs(not volumes, values['LAUNCH_INSTANCE_DEFAULTS'][
                'hide_create_volume'])
            self.assertFalse(values['LAUNCH_INSTANCE_DEFAULTS'][
                'create_volume'])

    def test_nothing_lies_outside_the_directory(self):
        for name in ('STATIC_ROOT', 'FILE_UPLOAD_TEMP_DIR'):
            self.assertTrue(self.values()[name].startswith(
                str(self.layout.root)), name)

    def test_keystone_is_asked_at_its_port(self):
        self.settings.ports['keystone'] = 21000
        self.assertEqual('http://127.0.0.1:21000/v3',
                         self.values()['OPENSTACK_KEYSTONE_URL'])


class RenderTestCase(base.TestCase):

    def test_values_are_literals_whatever_they_contain(self):
        wanted = {'A': '\'"\\\n%s{}; import os', 'B': ['x', ('y', 1)],
                  'C': {'d': True, 'e': None}, 'D': ''}
        tree = ast.parse(horizon_settings.render(wanted))
        self.assertEqual(wanted, {
            line.targets[0].id: ast.literal_eval(line.value)
            for line in tree.body})


class WriteTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        # Horizon's settings must be Python with any state directory.
        self.layout = aio_layout.Layout(str(self.layout.root) + "/it's (+)")
        self.layout.create()
        horizon_settings.write(self.layout, self.settings)

    def run_horizon(self, program):
        environment = dict(os.environ, **horizon.environment(self.layout))
        return subprocess.run(
            [sys.executable, '-P', '-c', program], env=environment,
            check=True, capture_output=True, text=True).stdout

    def test_key_is_closed_to_others(self):
        folder = self.layout.config_dir('horizon')
        self.assertEqual(0o700, stat.S_IMODE(folder.stat().st_mode))
        path = folder / 'local' / 'local_settings.py'
        self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))

    def test_own_settings_are_left_alone(self):
        own = horizon_settings.overrides(self.layout)
        own.write_text('SITE_BRANDING = "Mine"\n')
        horizon_settings.write(self.layout, self.settings)
        self.assertEqual({'SITE_BRANDING': 'Mine'}, {
            name: value for name, value in runpy.run_path(str(own)).items()
            if not name.startswith('_')})

    def test_horizon_reads_them_and_own_settings_win(self):
        horizon_settings.overrides(self.layout).write_text(
            'SITE_BRANDING = "Mine"\n')
        self.assertEqual(
            'Mine %s\n' % horizon_settings.static(self.layout),
            self.run_horizon(
                'from openstack_dashboard import settings as found\n'
                'print(found.SITE_BRANDING, found.STATIC_ROOT)'))

    def test_panels_that_cannot_work_are_gone(self):
        panels = self.run_horizon(_PANELS).splitlines()
        self.assertIn('project instances', panels)
        # These hide themselves from users while Cinder does not run.
        self.assertIn('project volumes', panels)
        for panel in ('routers', 'floating_ips', 'security_groups'):
            self.assertNotIn('project ' + panel, panels)
            self.assertNotIn('admin ' + panel, panels)
