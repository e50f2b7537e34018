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

"""The Ansible role makes a compute node, and changes nothing the next time."""

import configparser
import getpass
import json
import os
import pathlib
import re
import stat
import subprocess
import sys
import unittest

import testtools

from tests.functional.loading import environments

ROLES = environments.ROOT / 'contrib' / 'ansible' / 'roles'
SITE = environments.ROOT / 'contrib' / 'ansible' / 'site.yml'
STAND_IN = pathlib.Path(__file__).with_name('systemd.py')
PLAYBOOK = pathlib.Path(sys.prefix, 'bin', 'ansible-playbook')
RECAP = re.compile(r'^localhost +: ok=(\d+) +changed=(\d+) ', re.M)
CLOUD_CONF = """\
[DEFAULT]
transport_url = rabbit://nova:bus-secret@cloud.example.com:5672/
log_dir = /var/log/kolla/nova

[database]
connection = mysql+pymysql://nova:database-secret@cloud.example.com/nova
max_pool_size = 1

[placement]
password = placement-secret

[api_database]
connection = mysql+pymysql://nova:database-secret@cloud.example.com/nova_api
"""


def missing():
    """Return what is not installed, or None."""
    if not PLAYBOOK.exists():
        return 'ansible-core is not installed: there is no %s' % PLAYBOOK
    return environments.missing()


@unittest.skipIf(missing(), missing())
class RoleTestCase(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.environment = self.useFixture(environments.Environment())
        self.folder = self.environment.path
        self.state = self.folder / 'systemd'
        self.state.mkdir()
        programs = self.folder / 'programs'
        programs.mkdir()
        for name in ('systemctl', 'loginctl'):
            self.write_program(programs / name, '"%s" "%s" %s "$@"' % (
                STAND_IN, self.state, name))
        # As "python -m venv" would have made it.
        bin_folder = self.environment.python.parent
        (bin_folder / 'activate').touch()
        self.write_program(bin_folder / 'pip', '-m pip "$@"',
                           python=self.environment.python)
        self.path = '%s:%s' % (programs, os.environ['PATH'])
        self.cloud_conf = self.folder / 'kolla-nova.conf'
        self.cloud_conf.write_text(CLOUD_CONF)
        self.config = self.folder / '.config' / 'nova-vmrun'
        self.managed = self.folder / 'managed'
        manage = programs / 'nova-manage'
        # The first time, it finds a host.
        manage.write_text(
            '#!/bin/sh\n[ -e "%(managed)s" ] ||'
            ' echo "Creating host mapping for compute host workstation1"\n'
            'echo "$@" >>"%(managed)s"\n' % {'managed': self.managed})
        manage.chmod(0o755)
        self.variables = {
            'nova_vmrun_discover_host': 'localhost',
            'nova_vmrun_discover_command': [str(manage)],
            'nova_vmrun_user': getpass.getuser(),
            'nova_vmrun_home': str(self.folder),
            'nova_vmrun_venv': str(self.environment.prefix),
            'nova_vmrun_package': str(self.folder / 'nova-vmrun.whl'),
            'nova_vmrun_system_packages': False,
            'nova_vmrun_service': True,
            'nova_vmrun_host': 'workstation1',
            'nova_vmrun_my_ip': '192.0.2.7',
            'nova_vmrun_vmnet_mappings': {'physnet1': 'vmnet8'},
            'nova_vmrun_options': {'vmrun': {'show_gui': True}},
            'nova_vmrun_cloud_config': str(self.cloud_conf)}

    def write_program(self, path, words, python=sys.executable):
        path.write_text('#!/bin/sh\nexec "%s" %s\n' % (python, words))
        path.chmod(0o755)

    def build_wheel(self):
        checkout = self.folder / 'checkout'
        environments.copy_checkout(checkout)
        environments.run(
            sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps',
            '--no-index', '--no-build-isolation', '--wheel-dir', self.folder,
            checkout, env=dict(os.environ, PBR_VERSION='0.0.1'))
        wheel, = self.folder.glob('*.whl')
        return wheel

    def run_playbook(self):
        # The path of the roles, no colours, and none of the user's settings.
        return subprocess.run(
            [PLAYBOOK, '--inventory', 'workstations,', '--connection',
             'local', '-e', json.dumps({
                 'ansible_python_interpreter': sys.executable,
                 **self.variables}), self.playbook()],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=environments.TIMEOUT, cwd=self.folder, env={
                'PATH': self.path, 'LC_ALL': 'C.UTF-8',
                'HOME': str(self.folder), 'ANSIBLE_NOCOLOR': '1',
                'ANSIBLE_HOME': str(self.folder / 'ansible'),
                'ANSIBLE_ROLES_PATH': str(ROLES),
                'PIP_NO_INDEX': '1', 'PIP_DISABLE_PIP_VERSION_CHECK': '1',
                'PIP_ROOT_USER_ACTION': 'ignore'})

    def playbook(self):
        """Return our site.yml, for this machine."""
        path = self.folder / 'site.yml'
        path.write_text(SITE.read_text().replace(
            'hosts: workstations', 'hosts: localhost'))
        return path

    def play(self):
        """Run the playbook; return what it printed and how much changed."""
        done = self.run_playbook()
        self.assertEqual(0, done.returncode, done.stdout)
        return done.stdout, int(RECAP.search(done.stdout).group(2))

    def calls(self):
        path = self.state / 'calls'
        return path.read_text().splitlines() if path.exists() else []

    def discoveries(self):
        return self.managed.read_text().splitlines()

    def read(self, name):
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string((self.config / name).read_text())
        return parser

    def test_second_run_changes_nothing(self):
        self.variables['nova_vmrun_package'] = str(self.build_wheel())
        printed, changed = self.play()
        self.assertGreaterEqual(changed, 9)
        self.assertNotIn('secret', printed)
        self.assertIn('VMware: vmrun was not found', printed)
        self.assertEqual(
            {'enable-linger', 'start nova-compute-vmrun',
             'enable nova-compute-vmrun', 'restart nova-compute-vmrun'},
            set(self.calls()))
        self.check_files()
        self.check_program()
        self.assertEqual(['cell_v2 discover_hosts --verbose'],
                         self.discoveries())

        self.assertEqual(0, self.play()[1])

    def check_files(self):
        cloud = self.read('cloud.conf')
        self.assertEqual(['placement'], cloud.sections())
        self.assertIn('bus-secret', cloud['DEFAULT']['transport_url'])
        node = self.read('nova-vmrun.conf')
        self.assertEqual('nova_vmrun.VmrunDriver',
                         node['DEFAULT']['compute_driver'])
        self.assertEqual('physnet1:vmnet8', node['vmrun']['vmnet_mappings'])
        self.assertEqual('True', node['vmrun']['show_gui'])
        for name in ('cloud.conf', 'nova-vmrun.conf'):
            self.assertEqual(0o600, stat.S_IMODE(
                (self.config / name).stat().st_mode))

    def check_program(self):
        """Nova reads the files as they are meant."""
        printed = self.environment.run(
            'python', '-c',
            'import sys\n'
            'from nova import config\n'
            'import nova.conf\n'
            'config.parse_args(sys.argv)\n'
            'print(nova.conf.CONF.host, nova.conf.CONF.my_ip,'
            ' nova.conf.CONF.instances_path, nova.conf.CONF.log_dir)',
            '--config-file', self.config / 'cloud.conf',
            '--config-file', self.config / 'nova-vmrun.conf')
        state = self.folder / '.local' / 'state' / 'nova-vmrun-compute'
        self.assertEqual('workstation1 192.0.2.7 %s %s' % (
            state / 'instances', state), printed.splitlines()[-1])
        unit = self.folder / '.config' / 'systemd' / 'user'
        self.assertIn('KillMode=process', (
            unit / 'nova-compute-vmrun.service').read_text())
        self.assertIn('ExecStart="%s/bin/nova-compute"' % (
            self.environment.prefix), (
                unit / 'nova-compute-vmrun.service.d' / 'paths.conf'
            ).read_text())

    def test_address_of_the_loopback_is_refused(self):
        self.variables['nova_vmrun_my_ip'] = '127.0.0.1'
        done = self.run_playbook()
        self.assertEqual(2, done.returncode)
        self.assertIn('Set nova_vmrun_my_ip to an address', done.stdout)
        self.assertFalse(self.config.exists())
