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

"""Life cycles of VMs, as known clients run them.

The code is ours; the order of arguments, the regular expressions and the
tricks are those of the clients that the classes are named after. Real clients
are in test_third_party.
"""

import os
import re
import shutil
import socket

from tests.contract import base
from tests.contract import ports
from tests.contract import vmx

LOGIN = ('-gu', 'docker', '-gp', 'tcuser')


class ClientCase(base.ContractCase):

    def call(self, *words, rc=0, program='vmrun', **kwargs):
        """Run a tool as the client does and return the lines of its output."""
        result = self.run_tool(program, *words, **kwargs)
        self.assertEqual(rc, result.rc, result)
        return result.out.splitlines()

    def is_running(self, machine):
        """Find a VM in the list by its real path, as all clients do."""
        return os.path.realpath(machine.vmx) in self.call('list')[1:]


@base.fakes_only
class PackerTest(ClientCase):
    """vmware-iso: a disk, a vmx, a boot over VNC, a compacted result."""

    VERSION = re.compile(r'(?i)VMware [a-z0-9-]+ (\d+\.\d+\.\d+)')

    def test_packer_builds_a_machine(self):
        version = self.run_tool('vmware-vmx', '-v')
        self.assertTrue(self.VERSION.search(version.err), version)
        machine = self.written_machine()
        self.call('-c', '-s', '40000M', '-a', 'lsilogic', '-t', '1',
                  machine.path('disk.vmdk'), program='vmware-vdiskmanager')
        self.call('-T', 'ws', 'start', machine.vmx, 'nogui')
        with socket.create_connection(('127.0.0.1', self.port)) as viewer:
            self.assertEqual(b'RFB 003.008\n', viewer.recv(12))
        self.assertTrue(self.is_running(machine))
        self.call('-T', 'ws', 'stop', machine.vmx, 'hard')
        self.assertFalse(self.is_running(machine))
        self.assertEqual([], [name for name in machine.files()
                              if name.endswith('.lck')])
        for switch in ('-d', '-k'):
            self.call(switch, machine.path('disk.vmdk'),
                      program='vmware-vdiskmanager')
        self.cloned(machine)

    def written_machine(self):
        """Write the keys in lower case and in order, one without quotes."""
        self.port = ports.free()
        machine = self.make_vm(disk=False)
        keys = dict(vmx.minimal('vm'), **{
            'RemoteDisplay.vnc.enabled': 'TRUE',
            'RemoteDisplay.vnc.ip': '127.0.0.1',
            'RemoteDisplay.vnc.port': str(self.port)})
        machine.write({key.lower(): keys[key]
                       for key in sorted(keys, key=str.lower)})
        machine.append('scsi0:0.virtualSSD = 1\n')
        return machine

    def cloned(self, machine):
        """vmware-vmx: a linked clone of a snapshot, its name a word apart."""
        self.call('-T', 'ws', 'snapshot', machine.vmx, 'packer')
        clone = vmx.VM(self, self.path('clone'), 'clone')
        self.call('-T', 'ws', 'clone', machine.vmx, clone.vmx, 'linked',
                  '-snapshot', 'packer')
        self.call('-T', 'ws', 'start', clone.vmx, 'nogui')
        self.assertTrue(self.is_running(clone))


@base.fakes_only
class PackerVmxTest(ClientCase):
    """vmware-vmx with "linked" and "attach_snapshot": a source of its own.

    The calls are those of the builder, in its order: clone, boot over VNC,
    wait, stop, defragment and shrink each disk, take the final snapshot.
    """

    DISK = re.compile(r'(?i)^(scsi|sata|ide|nvme)\d:\d{1,2}\.filename')

    def test_packer_builds_from_a_linked_source(self):
        source = self.make_vm('source')
        self.call('-T', 'ws', 'snapshot', source.vmx, 'clean')
        before = self.content(source)
        machine = vmx.VM(self, self.path('output'), 'built')
        self.call('-T', 'ws', 'clone', source.vmx, machine.vmx, 'linked',
                  '-snapshot', 'clean')
        disks = self.disks(machine)
        self.assertEqual(1, len(disks))
        self.configure(machine)
        self.boot(machine)
        self.finish(machine, disks)
        # It boots again, and the source is unchanged.
        self.call('-T', 'ws', 'start', machine.vmx, 'nogui')
        self.call('-T', 'ws', 'stop', machine.vmx, 'hard')
        self.assertEqual(before, self.content(source))

    def disks(self, machine):
        """Find the disks as the builder does, beside the .vmx."""
        found = [machine.path(value) for key, value in
                 vmx.read(machine.vmx).items()
                 if self.DISK.match(key) and value.endswith('.vmdk')]
        for path in found:
            self.assertTrue(os.path.exists(path), path)
        return found

    def configure(self, machine):
        """Write what it writes: all keys in lower case, and in order."""
        self.port = ports.free()
        keys = vmx.read(machine.vmx)
        for key in [key for key in keys if key.startswith('sound.')]:
            del keys[key]
        keys.update({
            'displayname': 'built', 'extendedconfigfile': 'built.vmxf',
            'msg.autoanswer': 'true', 'uuid.action': 'create',
            'remotedisplay.vnc.enabled': 'TRUE',
            'remotedisplay.vnc.ip': '127.0.0.1',
            'remotedisplay.vnc.port': str(self.port)})
        machine.write(dict(sorted(keys.items())))

    def boot(self, machine):
        self.call('-T', 'ws', 'start', machine.vmx, 'nogui')
        with socket.create_connection(('127.0.0.1', self.port)) as viewer:
            self.assertEqual(b'RFB 003.008\n', viewer.recv(12))
        self.assertTrue(self.is_running(machine))
        self.call('-T', 'ws', 'stop', machine.vmx, 'hard')
        self.assertFalse(self.is_running(machine))
        self.assertEqual([], [name for name in machine.files()
                              if name.endswith('.lck')])

    def finish(self, machine, disks):
        """Keep the files of a VM alone, compact the disks, clean the keys."""
        for name in machine.files():
            if os.path.splitext(name)[1] not in (
                    '.nvram', '.vmdk', '.vmsd', '.vmx', '.vmxf'):
                os.remove(machine.path(name))
        for disk in disks:
            for switch in ('-d', '-k'):
                self.call(switch, disk, program='vmware-vdiskmanager')
        keys = vmx.read(machine.vmx)
        for key in ('remotedisplay.vnc.enabled', 'remotedisplay.vnc.ip',
                    'remotedisplay.vnc.port'):
            keys[key] = '' if key != 'remotedisplay.vnc.enabled' else 'FALSE'
        machine.write(dict(sorted(keys.items())))
        self.call('-T', 'ws', 'snapshot', machine.vmx, 'final')
        self.assertEqual(['Total snapshots: 1', 'final'],
                         self.call('-T', 'ws', 'listSnapshots', machine.vmx))

    def content(self, machine):
        """Read all disks of a VM."""
        found = {}
        for name in machine.files():
            if name.endswith('.vmdk'):
                with open(machine.path(name), 'rb') as f:
                    found[name] = f.read()
        return found


@base.fakes_only
class DockerMachineTest(ClientCase):
    """No -T, and arguments that the commands do not have."""

    def test_docker_machine_lives_and_dies(self):
        machine = self.make_vm(disk=False)
        machine.write(vmx.minimal('vm'))
        self.call('-c', '-t', '0', '-s', '20000MB', '-a', 'lsilogic',
                  machine.path('disk.vmdk'), program='vmware-vdiskmanager')
        self.call('start', machine.vmx, 'nogui')
        self.assertTrue(self.is_running(machine))
        self.provision(machine)
        self.call('suspend', machine.vmx, 'nogui')
        self.assertFalse(self.is_running(machine))
        self.call('start', machine.vmx, 'nogui')
        self.call('reset', machine.vmx, 'nogui')
        self.call('stop', machine.vmx, 'hard nogui')
        self.call('deleteVM', machine.vmx, 'nogui')
        self.assertFalse(os.path.exists(machine.vmx))

    def provision(self, machine):
        keys = self.path('userdata.tar')
        with open(keys, 'w') as f:
            f.write('keys')
        there = '/home/docker/userdata.tar'
        self.call(*LOGIN, 'createDirectoryInGuest', machine.vmx,
                  os.path.dirname(there))
        self.call(*LOGIN, 'CopyFileFromHostToGuest', machine.vmx, keys,
                  there)
        self.assertEqual(['The file exists.'], self.call(
            *LOGIN, 'fileExistsInGuest', machine.vmx, there))
        self.call(*LOGIN, 'runScriptInGuest', machine.vmx, '/bin/sh',
                  'test -f ' + there)
        self.call('enableSharedFolders', machine.vmx)
        self.call('addSharedFolder', machine.vmx, 'Users', self.folder)


@base.fakes_only
class VagrantTest(ClientCase):
    """A box copied or cloned, an address, a soft stop, then a hard one."""

    def test_vagrant_up_and_destroy(self):
        box = self.make_vm('box', ethernet0__present='TRUE',
                           ethernet0__connectionType='nat')
        self.call('snapshot', box.vmx, 'vagrant')
        machine = vmx.VM(self, self.path('machine'), 'machine')
        self.call('clone', box.vmx, machine.vmx, 'linked',
                  '-snapshot=vagrant', '-cloneName=machine')
        machine.set(uuid__action='create', ethernet0__generatedAddress=None,
                    ethernet0__generatedAddressOffset=None)
        self.call('start', machine.vmx, 'nogui')
        address = self.call('getGuestIPAddress', machine.vmx, '-wait')
        self.assertRegex(address[0], r'\A\d+(\.\d+){3}\Z')
        self.assertEqual(['running'], self.call('checkToolsState',
                                                machine.vmx))
        self.stopped(machine)
        self.call('deleteVM', machine.vmx)
        shutil.rmtree(machine.folder, True)
        self.assertEqual(['Total snapshots: 1', 'vagrant'],
                         self.call('listSnapshots', box.vmx))

    def stopped(self, machine):
        self.knobs.update(STOP_SOFT='hang', STOP_TIMEOUT='0.2')
        self.call('stop', machine.vmx, 'soft', rc=255)
        self.assertTrue(self.is_running(machine))
        self.call('stop', machine.vmx, 'hard')
        self.assertFalse(self.is_running(machine))


@base.fakes_only
class SandboxTest(ClientCase):
    """One machine, reverted to a live snapshot before each analysis."""

    def test_sandbox_reverts_and_starts_again(self):
        machine = self.running_vm()
        self.call('snapshot', machine.vmx, 'clean')
        self.call('stop', machine.vmx, 'hard')
        for _ in range(2):
            self.call('revertToSnapshot', machine.vmx, 'clean')
            self.call('start', machine.vmx, 'nogui')
            self.assertTrue(self.is_running(machine))
            self.call('stop', machine.vmx, 'hard')


@base.fakes_only
class LibvirtTest(ClientCase):
    """The state from the list, the id from the log."""

    def test_libvirt_reads_the_list_and_the_log(self):
        machine = self.make_vm()
        self.knobs['DISPLAY'] = '1'
        self.call('-T', 'ws', 'start', machine.vmx)
        with open(machine.path('vmware.log')) as f:
            pid = re.search(r' pid=(\d+) ', f.readline())
        os.kill(int(pid.group(1)), 0)
        self.call('-T', 'ws', 'pause', machine.vmx)
        self.assertTrue(self.is_running(machine))
        self.call('-T', 'ws', 'unpause', machine.vmx)
        self.call('-T', 'ws', 'stop', machine.vmx, 'soft')
        self.assertFalse(self.is_running(machine))
