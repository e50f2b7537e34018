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

"""Ansible's collection openstack.cloud, and Ansible on a server over ssh."""

import json
import os
import pathlib
import re
import shutil
import sys

from tests.clients import base
from tests.e2e.cloud import control_plane
from tests.e2e.guest import images

_PLAYBOOKS = pathlib.Path(__file__).parent / 'ansible'
# The collection does not work with newer versions than this one.
_SDK = os.path.join(sys.prefix, 'sdk-of-ansible')
_RECAP = re.compile(r'^localhost +: ok=(\d+) +changed=(\d+) .*failed=0', re.M)


class AnsibleTestCase(base.ProgramCase):

    program = 'ansible-playbook'

    def test_playbook_changes_nothing_at_the_second_time(self):
        self.addCleanup(self.play, 'remove.yml')
        ok, changed = self.play('cloud.yml')
        self.assertGreaterEqual(changed, 13)
        server = self.cloud.compute.find_server('ansible')
        address, = (entry['addr'] for entry in
                    self.cloud.compute.get_server(server).addresses['vmnet8'])
        self.check_login(self.server_of(server), address)
        self.assertEqual((ok, 0), self.play('cloud.yml'))
        # The module of servers claims a change.
        self.assertEqual(1, self.play('refused.yml')[1])

    def play(self, name):
        """Run a playbook; return the counts of ok and of changed tasks."""
        properties = {**control_plane.CLOUD_HARDWARE, 'os_admin_user': 'root'}
        variables = {
            'cloud': base.CLOUD,
            'openstack': os.path.join(sys.prefix, 'bin', 'openstack'),
            'image_file': images.image('qcow2', 'cloud'),
            'cdrom_bus': properties.pop('hw_cdrom_bus'),
            'image_properties': properties,
            'password_file': os.path.join(self.folder, 'password'),
            'public_key_file': self.identity + '.pub'}
        printed = self.succeed(
            self.executable, '-e', json.dumps(variables),
            str(_PLAYBOOKS / name), ANSIBLE_LOCALHOST_WARNING='False',
            ANSIBLE_NOCOLOR='1', PYTHONPATH=_SDK)
        ok, changed = _RECAP.search(printed).groups()
        return int(ok), int(changed)

    def check_login(self, server, address):
        """Have Ansible run a command on the server, without Python there."""
        ansible = shutil.which('ansible', path=os.path.dirname(
            self.executable))
        server.console.wait_facts()
        printed = self.succeed(
            ansible, 'all', '--inventory', address + ',', '--user', 'root',
            '--private-key', self.identity,
            '--ssh-common-args', '-F %s' % self.plane.layout.ssh_config,
            '--module-name', 'ansible.builtin.raw', '--args', 'hostname',
            # Seconds until the guest's sshd says hello.
            ANSIBLE_TIMEOUT='300')
        self.assertIn('ansible.novalocal', printed)
