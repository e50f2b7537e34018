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

from nova import policies
import yaml

from nova_vmrun.aio.services import neutron
from nova_vmrun.aio.services import nova
from tests.unit.aio import base


class ConfigTestCase(base.TestCase):

    def config(self, service, name):
        service.write_config(self.layout, self.settings, self.passwords)
        found = configparser.ConfigParser(interpolation=None)
        found.read(self.layout.config_dir(service.PROJECT) / name)
        return found

    def nova(self):
        return self.config(nova, nova.CONFIG)

    def test_servers_stay_off_after_a_power_cut_unless_asked_for(self):
        for wanted in (False, True):
            self.settings.resume_servers = wanted
            self.assertEqual(str(wanted), self.nova()['DEFAULT'][
                'resume_guests_state_on_host_boot'])

    def test_nothing_of_nova_lies_outside_the_directory(self):
        options = self.nova()
        for section, option in (('compute', 'provider_config_location'),
                                ('oslo_policy', 'policy_file'),
                                ('DEFAULT', 'state_path'),
                                ('oslo_concurrency', 'lock_path')):
            self.assertTrue(options[section][option].startswith(
                str(self.layout.root)), option)

    def test_what_is_not_offered_is_refused_by_rules_that_nova_knows(self):
        path = self.nova()['oslo_policy']['policy_file']
        with open(path) as file:
            rules = yaml.safe_load(file)
        known = {rule.name for rule in policies.list_rules()}
        self.assertEqual(set(), set(rules) - known)
        self.assertEqual('!', rules['os_compute_api:os-evacuate'])

    def test_routers_are_not_offered(self):
        options = self.config(neutron, neutron.CONFIG)
        self.assertEqual('', options['DEFAULT']['service_plugins'])
