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

"""The DevStack plugin, with stand-ins for DevStack's functions."""

import os
import pathlib
import subprocess

import fixtures

from tests.unit import base

ROOT = pathlib.Path(__file__).parents[2]
PLUGIN = ROOT / 'devstack'
FUNCTIONS = pathlib.Path(__file__).with_name('devstack_functions.sh')


class PluginTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.work = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.variables = {
            'ENABLED_SERVICES': 'n-cpu,neutron-api', 'VIRT_DRIVER': 'vmrun',
            'NOVA_VMRUN_DIR': str(ROOT), 'NOVA_VMRUN_FAKE': 'True',
            'NOVA_VMRUN_HOSTS': 'one,two'}

    def run_phase(self, *phase):
        return subprocess.run(
            ['bash', str(FUNCTIONS), *phase], capture_output=True, text=True,
            timeout=60, env={
                'PATH': os.environ['PATH'], 'WORK': str(self.work),
                'CALLS': str(self.work / 'calls'), 'PLUGIN': str(PLUGIN),
                **self.variables})

    def lines(self, name):
        path = self.work / name
        return path.read_text().splitlines() if path.exists() else []

    def test_package_is_installed(self):
        self.assertEqual(0, self.run_phase('stack', 'install').returncode)
        self.assertIn('setup_develop %s' % ROOT, self.lines('calls'))
        self.assertIn('define_plugin nova-vmrun', self.lines('calls'))

    def test_compute_host_and_neutron_are_configured(self):
        self.variables['NOVA_VMRUN_VMNET_MAPPINGS'] = 'public:vmnet8'
        done = self.run_phase('stack', 'post-config')
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        fakes = self.work / 'data' / 'nova-vmrun-fakes'
        self.assertEqual({
            'DEFAULT/compute_driver = nova_vmrun.VmrunDriver',
            'vnc/enabled = True',
            'vmrun/vmnet_mappings = public:vmnet8',
            'vmrun/vmrun_path = %s/vmrun' % fakes,
            'vmrun/vdiskmanager_path = %s/vmware-vdiskmanager' % fakes,
        }, set(self.lines('nova.conf')))
        self.assertTrue(os.access(fakes / 'vmrun', os.X_OK))
        self.assertEqual(['ml2_vmrun/hosts = one,two'],
                         self.lines('ml2_conf.ini'))

    def test_our_mechanism_driver_comes_first(self):
        self.run_phase('stack', 'install')
        self.assertIn('mechanism drivers: vmrun,ovn', self.lines('calls'))

    def test_compute_host_alone_leaves_neutron_alone(self):
        self.variables['ENABLED_SERVICES'] = 'n-cpu'
        self.run_phase('stack', 'post-config')
        self.assertEqual([], self.lines('ml2_conf.ini'))
        self.assertIn('mechanism drivers: ovn', self.lines('calls'))

    def test_controller_alone_gets_no_driver(self):
        self.variables.update(ENABLED_SERVICES='neutron-api',
                              VIRT_DRIVER='libvirt')
        self.assertEqual(0, self.run_phase('stack', 'pre-install').returncode)
        self.run_phase('stack', 'post-config')
        self.assertEqual([], self.lines('nova.conf'))
        self.assertEqual(['ml2_vmrun/hosts = one,two'],
                         self.lines('ml2_conf.ini'))

    def test_another_hypervisor_is_refused_early(self):
        self.variables['VIRT_DRIVER'] = 'libvirt'
        done = self.run_phase('stack', 'pre-install')
        self.assertEqual(1, done.returncode)
        self.assertIn('Set VIRT_DRIVER=vmrun in local.conf', done.stderr)

    def test_missing_vmware_is_refused_early(self):
        self.variables['NOVA_VMRUN_FAKE'] = 'False'
        done = self.run_phase('stack', 'pre-install')
        self.assertEqual(1, done.returncode)
        self.assertIn('vmrun is not in PATH.', done.stderr)

    def test_clean_removes_the_fakes(self):
        self.run_phase('stack', 'post-config')
        self.assertEqual(0, self.run_phase('clean').returncode)
        self.assertFalse((self.work / 'data' / 'nova-vmrun-fakes').exists())

    def test_unstack_leaves_everything(self):
        """VMs go on, and may be found again."""
        self.run_phase('stack', 'post-config')
        self.assertEqual(0, self.run_phase('unstack').returncode)
        self.assertTrue((self.work / 'data' / 'nova-vmrun-fakes').exists())
