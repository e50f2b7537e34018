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
import testtools

from nova_vmrun.ml2 import conf as ml2_conf


class Ml2ConfTestCase(testtools.TestCase):

    def test_every_option_is_listed(self):
        conf = cfg.ConfigOpts()
        ml2_conf.register_opts(conf)
        listed = {(group.name, opt.dest)
                  for group, opts in ml2_conf.list_opts() for opt in opts}
        self.assertEqual({('ml2_vmrun', dest) for dest in conf.ml2_vmrun},
                         listed)

    def test_hosts(self):
        conf = cfg.ConfigOpts()
        ml2_conf.register_opts(conf)
        self.assertEqual(['*'], conf.ml2_vmrun.hosts)
