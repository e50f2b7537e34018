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

import pathlib
import re

import fixtures

from tests.tempest import run
from tests.unit import base

_SOURCES = {
    'api/compute/admin/test_new.py': "wait_until='SSHABLE'",
    'api/compute/servers/test_create.py': 'remote_client.RemoteClient(ip)',
    'api/compute/servers/test_list.py': 'list_servers()',
    'api/compute/base.py': 'CONF.validation.run_validation',
    'api/image/test_images.py': 'CONF.validation.run_validation',
    'scenario/test_stamp.py': 'self.create_timestamp(ip)',
}


class LoginsTestCase(base.TestCase):

    def test_every_module_whose_tests_log_in_is_selected(self):
        package = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path) / 'tempest'
        for name, source in _SOURCES.items():
            (package / name).parent.mkdir(parents=True, exist_ok=True)
            (package / name).write_text(source)
        regexes = run.with_logins(package)
        names = ['tempest.%s.A.test_one' % name.removesuffix('.py').replace(
            '/', '.') for name in _SOURCES]
        self.assertEqual(
            ['tempest.api.compute.admin.test_new.A.test_one',
             'tempest.api.compute.servers.test_create.A.test_one',
             'tempest.scenario.test_stamp.A.test_one'],
            [name for name in names
             if any(re.search(regex, name) for regex in regexes)])
        self.assertFalse(any(re.search(
            regex, 'tempest.scenario.test_stamp_pattern.A.test_one')
            for regex in regexes))
