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


from oslo_config import cfg

from nova_vmrun.conf import cinder_backend
from tests.unit import base


class OptionsTestCase(base.TestCase):

    def test_help(self):
        for option in cinder_backend.OPTS:
            summary, _, rest = option.help.strip().partition('\n\n')
            self.assertRegex(summary, r'\.$')
            self.assertIn('Possible values:', rest)

    def test_the_listed_options_are_all(self):
        (group, options), = cinder_backend.list_opts()
        self.assertEqual('backend_defaults', group.name)
        self.assertEqual(cinder_backend.OPTS, options)

    def test_names_that_no_other_driver_has(self):
        """All back ends share [backend_defaults]."""
        for option in cinder_backend.OPTS:
            self.assertTrue(option.name.startswith('vmrun_'), option.name)

    def test_defaults(self):
        conf = cfg.ConfigOpts()
        conf.register_opt(cfg.StrOpt('state_path', default='/var/lib/cinder'))
        conf.register_opts(cinder_backend.OPTS, group='files')
        self.assertEqual(('/var/lib/cinder/vmrun-volumes', []),
                         (conf.files.vmrun_volume_folder,
                          conf.files.vmrun_hosts))
