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

import re
import subprocess
import sys

from oslo_config import cfg
import testscenarios

from nova_vmrun import conf
from tests.unit import base

# Numbers that count something, which no unit goes with.
_COUNTS = frozenset(['retry_count', 'max_concurrent_operations'])


class EachOptionTestCase(testscenarios.TestWithScenarios, base.TestCase):

    scenarios = [(opt.name, {'opt': opt}) for opt in conf.ALL_OPTS]

    def test_help(self):
        help_text = self.opt.help.strip()
        self.assertGreater(len(help_text), 40)
        summary = help_text.partition('\n\n')[0]
        self.assertRegex(summary, r'\.$')

    def test_numbers_have_units(self):
        if isinstance(self.opt, (cfg.IntOpt, cfg.FloatOpt)) and (
                self.opt.name not in _COUNTS):
            self.assertRegex(self.opt.help,
                             '(?i)seconds|bytes|[MG]iB|percent')

    def test_others_have_possible_values(self):
        if not isinstance(self.opt, (cfg.IntOpt, cfg.FloatOpt)):
            self.assertTrue('Possible values:' in self.opt.help or
                            getattr(self.opt.type, 'choices', None))

    def test_related_options_are_there(self):
        _, _, related = self.opt.help.partition('Related options:')
        names = {opt.name for opt in conf.ALL_OPTS}
        for name in re.findall(r'^\* ``([a-z0-9_]+)``', related, re.M):
            self.assertIn(name, names)
            self.assertNotEqual(self.opt.name, name)

    def test_the_default_is_one_that_is_allowed(self):
        self.assertEqual(self.opt.default, self.read())

    def test_timeouts_are_not_too_large_for_the_system(self):
        """More than 2147483 s fit into no wait of the system."""
        if re.search('_timeout$|_seconds$|_interval$', self.opt.name):
            self.assertLess(self.opt.type.max, 2147483)

    def read(self):
        settings = cfg.ConfigOpts()
        conf.register_opts(settings)
        settings([], default_config_files=[])
        return settings.vmrun[self.opt.name]


class CachePrefixTestCase(base.TestCase):

    def set(self, value):
        settings = cfg.ConfigOpts()
        conf.register_opts(settings)
        # The group, and what is overridden in it, is shared.
        self.addCleanup(settings.clear_override, 'cache_prefix', 'vmrun')
        settings.set_override('cache_prefix', value, group='vmrun')

    def test_it_is_a_part_of_a_name_and_no_path(self):
        self.set('node-1.2_')
        for value in ('../', 'a/b', '/', 'a b', 'x' * 101, 'a\n', '"'):
            self.assertRaises(ValueError, self.set, value)


class ReadTestCase(base.TestCase):

    def read(self, text):
        """Returns the options of a nova.conf."""
        path = self.useFixture(base.fixtures.TempDir()).path + '/nova.conf'
        with open(path, 'w') as file:
            file.write(text)
        settings = cfg.ConfigOpts()
        conf.register_opts(settings)
        settings([], default_config_files=[path])
        return settings.vmrun

    def test_names_of_the_predecessor(self):
        vmrun = self.read('[vix]\nshow_gui = True\n'
                          'default_guestos = ubuntu-64\n')
        self.assertEqual((True, 'ubuntu-64'),
                         (vmrun.show_gui, vmrun.default_guestos))

    def test_our_own_names_win(self):
        vmrun = self.read('[vix]\nshow_gui = True\n'
                          '[vmrun]\nshow_gui = False\n')
        self.assertFalse(vmrun.show_gui)

    def test_mappings(self):
        vmrun = self.read(
            '[vmrun]\nvmnet_mappings = physnet1:vmnet8,physnet1.7:bridged\n')
        self.assertEqual({'physnet1': 'vmnet8', 'physnet1.7': 'bridged'},
                         vmrun.vmnet_mappings)

    def test_values_out_of_range(self):
        for line in ('product = esx', 'start_timeout = 0', 'retry_count = -1',
                     'vnc_port_range = 5900', 'vnc_port_range = 5900-5910',
                     'max_concurrent_operations = 0'):
            vmrun = self.read('[vmrun]\n%s\n' % line)
            self.assertRaises(cfg.ConfigFileValueError, getattr, vmrun,
                              line.partition(' ')[0])

    def test_port_ranges(self):
        self.assertEqual(range(5900, 5903), conf.port_range('5900:5902'))
        self.assertEqual(range(80, 81), conf.port_range('80:80'))
        for text in ('5902:5900', '00:10', '65535:65536', '5900:x', '5900:',
                     ':5900', ':'):
            self.assertRaises(ValueError, conf.port_range, text)


class GeneratorTestCase(base.TestCase):

    def test_oslo_config_generator_prints_each_option(self):
        result = subprocess.run(
            [sys.executable, '-m', 'oslo_config.generator', '--namespace',
             'nova_vmrun'], stdout=subprocess.PIPE, text=True, check=True)
        printed = re.findall(r'^#(\w+) =', result.stdout, re.M)
        self.assertEqual(sorted(opt.name for opt in conf.ALL_OPTS),
                         sorted(printed))
        self.assertIn('[vmrun]', result.stdout.splitlines())
        self.assertIn('# Deprecated group/name - [vix]/show_gui',
                      result.stdout)
