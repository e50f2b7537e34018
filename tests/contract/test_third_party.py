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

"""Unmodified programs and libraries of others, with the fakes.

They are not requirements of the project. ``pip install -r
tests/contract/third-party.txt`` brings the versions that were tried; a test
whose program is not there is skipped.
"""

import importlib.util
import os
import shutil
import subprocess
import sys

from tests.contract import base

_PRELUDE = """
import sys
vmx, folder = sys.argv[1:]
def check(answer, wanted=''):
    text = answer if isinstance(answer, str) else ''.join(
        a.decode() if isinstance(a, bytes) else a for a in answer or [])
    assert wanted in text and 'Error' not in text, text
"""

_PYVMRUN = _PRELUDE + """
import shutil
from pyvmrun.pyvmrun import PyVmrun
PyVmrun.setVmrunPath(shutil.which('vmrun'))
vm = PyVmrun(vmx, 'user', 'secret', product='ws')
check(vm.snapshot('off'))
check(vm.listSnapshots(), 'Total snapshots: 1')
check(vm.do('start', 'nogui'))
check(vm.pause())
check(vm.unpause())
check(vm.createDirectoryInGuest('/tmp/d'))
check(vm.listDirectoryInGuest('/tmp'), 'd')
assert not vm.fileExistsInGuest('/tmp/none')
check(vm.captureScreen(folder + '/screen.png'))
check(vm.suspend())
check(vm.do('start', 'nogui'))
check(vm.reset())
check(vm.stop('hard'))
check(vm.revertToSnapshot('off'))
check(vm.deleteSnapshot('off'))
"""

_PACKED = _PRELUDE + """
import vmrunPacked
vm = vmrunPacked.Pack(vmx, userName='user', passWord='secret')
check(vm.snapshot('off'))
check(vm.list_snap_shots(), 'off')
check(vm.start())
check(vm.list_processes_in_guest(), 'pid=1,')
check(vm.copy_file_from_host_to_guest(vmx, '/tmp/copy'))
check(vm.file_exists_in_guest('/tmp/copy'), 'The file exists.')
check(vm.pause())
check(vm.unpause())
vm.suspend()
check(vm.start())
vm.stop(hard=True)
check(vm.revert_to_snap_shot('off'))
check(vm.delete_snapshot('off'))
"""

_FUSION = _PRELUDE + """
import shutil
from vmware_fusion_py.vmware import VMware
vm = VMware(shutil.which('vmrun'), 'fusion', guest_user='user',
            guest_password='secret', vm_path=vmx)
def done(result, wanted=''):
    assert result['return_code'] == 0 and wanted in result['output'], result
done(vm.add_network_adapter('nat'))
done(vm.list_network_adapters(), 'vmnet8')
done(vm.snapshot('off'))
done(vm.clone(folder + '/clone/clone.vmx', 'linked', 'off', 'a clone'))
done(vm.start(nogui=True))
done(vm.list(), vmx)
done(vm.check_tools_state(), 'running')
done(vm.get_guest_ip_address(wait=True), '.')
assert '1' in vm.list_processes_in_guest()['processes']
done(vm.run_script_in_guest('/bin/sh', 'exit 0'))
done(vm.write_variable('guestVar', 'a', 'b'))
done(vm.read_variable('guestVar', 'a'), 'b')
done(vm.list_host_networks(), 'vmnet8')
done(vm.pause())
done(vm.unpause())
done(vm.suspend())
done(vm.start(nogui=True))
done(vm.stop(hard=True))
done(vm.list_snapshots(show_tree=True), 'off')
done(vm.delete_vm(vm_path=folder + '/clone/clone.vmx'))
done(vm.delete_vm())
"""

#: Commands of mech, and the output they must have.
_MECH = (
    ('up', 'VM was already started on'), ('status', 'VMware Tools running'),
    ('ps', 'pid=1,'), ('snapshot save one', 'Snapshot one taken'),
    ('snapshot list', 'Total snapshots: 1'), ('pause', 'Paused'),
    ('resume', 'VM resumed on'), ('suspend', 'Suspended'),
    ('global-status', 'Total running VMs: 0'), ('resume', 'started on'),
    ('snapshot delete one', 'Snapshot one deleted'), ('stop', 'Stopped'),
    ('destroy -f', 'Deleting'))


@base.fakes_only
class ThirdPartyTest(base.ContractCase):

    def require(self, module):
        if importlib.util.find_spec(module) is None:
            self.skipTest('%s is not installed: pip install -r '
                          'tests/contract/third-party.txt' % module)

    def python(self, *arguments, **kwargs):
        env = dict(self.environment(), HOME=self.folder, **{
            'FAKE_VMRUN_DISPLAY': '1'})
        done = subprocess.run(
            [sys.executable, *arguments], env=env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=base.TIMEOUT, **kwargs)
        self.assertEqual(0, done.returncode, done.stdout)
        return done.stdout

    def run_script(self, text):
        machine = self.make_vm()
        script = self.path('script.py')
        with open(script, 'w') as f:
            f.write(text)
        self.python(script, machine.vmx, self.folder)
        self.assertEqual([], self.list())
        return machine

    def test_pyvmrun(self):
        self.require('pyvmrun')
        machine = self.run_script(_PYVMRUN)
        self.assertTrue(os.path.exists(self.path('screen.png')))
        self.says('Total snapshots: 0\n', 'listSnapshots', machine.vmx)

    def test_vmrunpacked(self):
        self.require('vmrunPacked')
        machine = self.run_script(_PACKED)
        self.says('Total snapshots: 0\n', 'listSnapshots', machine.vmx)

    def test_vmware_fusion_py(self):
        self.require('vmware_fusion_py')
        self.use_product('fusion')
        machine = self.run_script(_FUSION)
        self.assertFalse(os.path.exists(machine.vmx))

    def test_mech(self):
        """A program like Vagrant; its box is unpacked beforehand."""
        self.require('mech')
        machine = self.make_vm('box', ethernet0__present='TRUE',
                               ethernet0__connectionType='nat')
        there = self.path('project')
        os.mkdir(there)
        shutil.copytree(machine.folder, os.path.join(there, '.mech'))
        with open(os.path.join(there, '.mech', 'metadata.json'), 'w') as f:
            f.write('{"provider": "vmware_desktop"}')
        self.python('-m', 'mech', 'init', 'me/box',
                    'http://localhost/box.json', cwd=there)
        for words, wanted in _MECH:
            said = self.python('-m', 'mech', *words.split(), cwd=there)
            self.assertIn(wanted, said)
        self.assertFalse(os.path.exists(os.path.join(there, '.mech')))
