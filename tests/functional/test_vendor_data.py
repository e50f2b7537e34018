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

"""What cloud-init makes of our vendor data and an operator's."""

import json
import os

import fixtures

from nova_vmrun.machine import vendor_data
from tests.functional import cloud_init
from tests.unit import base

THEIRS = '''\
#cloud-config
ntp: {enabled: true}
packages: [chrony, tmux]
runcmd: [date]
'''
SCRIPT = '#!/bin/sh\necho \xe4\n'


class MergeTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        cloud_init.fetch_or_skip(self)

    def merge(self, found):
        folder = self.useFixture(fixtures.TempDir()).path
        added = json.loads(vendor_data.add(json.dumps(found).encode()))
        with open(os.path.join(folder, 'vendordata'), 'w') as file:
            file.write(added['cloud-init'])
        return cloud_init.read('merged', folder, [])

    def test_ours_alone(self):
        merged = self.merge({})
        self.assertEqual(['qemu-guest-agent'], merged['packages'])
        file, = merged['write_files']
        self.assertEqual('/etc/systemd/system/qemu-guest-agent.service',
                         file['path'])
        self.assertIn('--method=isa-serial --path=/dev/ttyS1',
                      file['content'])
        self.assertEqual(['systemctl', 'daemon-reload'], merged['runcmd'][0])

    def test_both(self):
        inner = json.loads(vendor_data.add(json.dumps(
            {'cloud-init': [SCRIPT]}).encode()))['cloud-init']
        for theirs in (THEIRS, [SCRIPT, THEIRS], [THEIRS, inner]):
            merged = self.merge({'cloud-init': theirs})
            self.assertEqual({'enabled': True}, merged['ntp'])
            self.assertEqual(['chrony', 'tmux', 'qemu-guest-agent'],
                             merged['packages'][:3])
            self.assertEqual('date', merged['runcmd'][0])
            self.assertIn(['systemctl', 'daemon-reload'], merged['runcmd'])
