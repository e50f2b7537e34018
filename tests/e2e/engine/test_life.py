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

import os
import re
import socket
import struct
import subprocess
import zlib

from tests.contract import ports
from tests.e2e.engine import vms
from tests.e2e.guest import console
from tests.e2e.guest import images


# Seconds.
_PAUSE = 5


class LifeTest(vms.EngineCase):
    """Power operations, as the guest sees them."""

    def _booted(self, **keys):
        vm = self.vm({**vms.disk_keys(), **keys}, images.image(kernel='cloud'))
        self.facts = vm.boot()
        return vm

    def test_boot_is_what_the_vmx_says(self):
        vnc_port = ports.free()
        vm = self._booted(numvcpus='2', **{
            'cpuid.coresPerSocket': '2', 'guestinfo.greeting': 'he|22llo',
            'machine.id': 'some text',
            'uuid.bios': '33 22 11 00 55 44 77 66-88 99 aa bb cc dd ee ff',
            'serial1.present': 'TRUE', 'serial1.fileType': 'pipe',
            'serial1.fileName': 'pipe', 'vmci0.present': 'TRUE',
            'RemoteDisplay.vnc.enabled': 'TRUE',
            'RemoteDisplay.vnc.ip': '127.0.0.1',
            'RemoteDisplay.vnc.port': str(vnc_port)})

        self.assertEqual((2, 1, 'bios'), (
            self.facts['cpus'], self.facts['sockets'],
            self.facts['firmware']))
        self.assertTrue(180000 < self.facts['memory_kb'] < 256 * 1024)
        dmi = self.facts['dmi']
        self.assertEqual(('VMware, Inc.', 'VMware7,1'),
                         (dmi['sys_vendor'], dmi['product_name']))
        self.assertEqual('00112233-4455-6677-8899-aabbccddeeff',
                         dmi['product_uuid'])
        self.assertEqual({'guestinfo.greeting': 'he"llo',
                          'machine.id': 'some text'},
                         self.facts['guestinfo'])
        self.assertEqual([vm.path], self.running())
        self._check_screen(vm)
        self._check_vnc(vm, vnc_port)
        self._check_pipe(vm)
        # What the guest does without is told.
        self.assertTrue(re.search(r'QEMU: vmci0\.present = "TRUE"',
                                  vm.log()))

    def _check_screen(self, vm):
        path = os.path.join(self.folder, 'screen.png')
        self.vmrun('-gu', 'root', '-gp', 'secret', 'captureScreen', vm.path,
                   path)
        self.assertTrue(_colours(path) > 1)

    def _check_vnc(self, vm, port):
        with socket.create_connection(('127.0.0.1', port),
                                      vms.COMMAND) as sock:
            self.assertEqual(b'RFB 003.008\n', sock.recv(12))
        self.assertIn('Started VNC server, listening at 127.0.0.1:%d' % port,
                      vm.log())

    def _check_pipe(self, vm):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(1)
            sock.connect(vm.file('pipe'))
            said = []
            self.wait_for('an answer on the pipe',
                          lambda: self._ask(sock, said))

    def _ask(self, sock, said):
        """Ask again: what came before the guest's shell is lost."""
        # The answer is not in the question, which is echoed.
        sock.sendall(b'\necho $((6 * 7)) apples\n')
        try:
            said.append(sock.recv(4096))
        except TimeoutError:
            return False
        return b'42 apples' in b''.join(said)

    def test_stop_and_start_keep_the_disk(self):
        iso = self.config_drive('write a/b some "text"\n')
        vm = self._booted(**vms.cd_keys('ide1:0', iso))
        self.assertEqual(('the-name', 'the-id'), (
            self.facts['hostname'], self.facts['instance_id']))
        self.assertEqual(['config-2'],
                         [cd['label'] for cd in self.facts['cds']])
        vm.run('stop', 'soft')
        vm.console.wait_word('down')
        self.assertEqual([], self.running())
        self.assertEqual([], self.processes(vm.folder))
        self.assertEqual('TRUE', vm.config()['softPowerOff'])

        vm.change({'ide1:0.present': 'FALSE'})
        facts = vm.boot()
        self.assertEqual((2, {'a/b': 'some "text"'}, []), (
            console.boots(facts), console.files(facts), facts['cds']))
        vm.run('stop', 'hard')
        self.assertEqual([], self.processes(vm.folder))
        self.assertEqual('FALSE', vm.config()['softPowerOff'])

    def test_reset_keeps_the_process(self):
        vm = self._booted()
        pid = vm.pid()

        vm.run('reset', 'hard')
        facts = vm.console.wait_facts(2)
        self.assertEqual(2, console.boots(facts))
        self.assertNotIn('down', [w for w, _ in vm.console.lines()])

        self.wait_for('Tools', lambda: self._tools(vm) == 'running')
        vm.run('reset', 'soft')
        facts = vm.console.wait_facts(3)
        self.assertEqual(3, console.boots(facts))
        vm.console.wait_word('down')
        self.assertEqual(pid, vm.pid())
        os.kill(pid, 0)

    def _tools(self, vm):
        done = subprocess.run(
            [self._programs + '/vmrun', 'checkToolsState', vm.path],
            env=self._environ, stdout=subprocess.PIPE, text=True,
            check=False)
        return done.stdout.strip()

    def test_pause_and_suspend(self):
        vm = self._booted()
        vm.console.wait_tick()
        vm.run('pause')
        before = vm.console.ticks()[-1]
        # Nothing tells that something does not happen; 5 s are five ticks.
        self.assertRaises(console.Silent, vm.console.wait_tick, before,
                          _PAUSE)
        vm.run('unpause')
        # Its clock has not gone on meanwhile.
        after = self._next_tick(vm, before)
        self.assertTrue(after < before + _PAUSE, (before, after))

        self._suspend_and_resume(vm)
        self.assertEqual([], [n for n in os.listdir(vm.folder)
                              if n.endswith('.vmss')])

        # A paused machine that was suspended runs when it is resumed.
        vm.run('pause')
        self._suspend_and_resume(vm)
        self.assertEqual(1, len(vm.console.all_facts()))

    def _next_tick(self, vm, before):
        """Wait until the guest has ticked; return its first tick."""
        vm.console.wait_tick(before)
        return min(tick for tick in vm.console.ticks() if tick > before)

    def _suspend_and_resume(self, vm):
        """Check that the guest goes on where it was."""
        vm.run('suspend', 'hard')
        self.assertEqual([], self.processes(vm.folder))
        self.assertTrue(vm.config()['checkpoint.vmState'].endswith('.vmss'))
        before = vm.console.ticks()[-1]
        vm.start()
        vm.console.wait_tick(before)

    def test_machine_that_cannot_be_saved_goes_on(self):
        vm = self.vm(vms.disk_keys('nvme0', ''), images.image(kernel='cloud'))
        vm.boot()
        before = vm.console.wait_tick()

        vm.run('suspend', 'hard', code=255)

        self.assertIn('non-migratable device', vm.log())
        vm.console.wait_tick(before)
        self.assertEqual([vm.path], self.running())

    def test_live_snapshot_and_revert(self):
        vm = self._booted()
        taken = vm.console.wait_tick()
        vm.run('snapshot', 'one')
        # The guest has ticked while vmrun came to take it.
        later = vm.console.wait_tick(vm.console.ticks()[-1] + 5)
        self.assertIn('-000001.vmdk', vm.config()['scsi0:0.fileName'])
        vm.run('stop', 'soft')
        vm.console.wait_word('down')
        # The disk goes on after a snapshot.
        self.assertEqual(2, console.boots(vm.boot()))
        vm.run('stop', 'hard')
        vm.run('revertToSnapshot', 'one')
        self.assertTrue(vm.config()['checkpoint.vmState'].endswith('.vmsn'))

        ticks = len(vm.console.ticks())
        vm.start()
        self.wait_for('a tick', lambda: len(vm.console.ticks()) > ticks)
        uptime = vm.console.ticks()[ticks]

        self.assertTrue(taken <= uptime < later, (taken, uptime, later))
        self.assertEqual(2, len(vm.console.all_facts()))

    def test_snapshot_when_off_brings_the_disk_back(self):
        vm = self._booted()
        vm.run('stop', 'soft')
        vm.run('snapshot', 'off')
        self.assertEqual(2, console.boots(vm.boot()))
        vm.run('stop', 'soft')
        vm.run('revertToSnapshot', 'off')

        self.assertEqual(2, console.boots(vm.boot()))

    def test_killed_process_is_a_crash_that_leaves_nothing(self):
        vm = self._booted()
        vm.kill()

        self.wait_for('end of all processes',
                      lambda: not self.processes(vm.folder))
        self.assertEqual([], self.running())
        self.assertEqual('FALSE', vm.config()['cleanShutdown'])
        self.assertEqual(2, console.boots(vm.boot()))

    def test_guest_that_turns_itself_off(self):
        iso = self.config_drive('poweroff 1\n')
        vm = self._booted(**vms.cd_keys('ide1:0', iso))
        vm.console.wait_word('down')

        self.wait_for('power-off', lambda: not self.running())
        self.assertEqual(('TRUE', 'TRUE'), (
            vm.config()['cleanShutdown'], vm.config()['softPowerOff']))

    def test_guest_that_ignores_the_power_button(self):
        self._environ['FAKE_VMRUN_STOP_TIMEOUT'] = '3'
        iso = self.config_drive('ignore-power-button\n')
        vm = self._booted(**vms.cd_keys('ide1:0', iso))

        output = vm.run('stop', 'soft', code=255)

        self.assertTrue(output.startswith('Error: '), output)
        self.assertEqual([vm.path], self.running())

    def test_vnc_on_a_taken_port_is_no_failure(self):
        with socket.socket() as taken:
            taken.bind(('127.0.0.1', 0))
            taken.listen(1)
            port = taken.getsockname()[1]
            vm = self.vm({**vms.disk_keys(),
                          'RemoteDisplay.vnc.enabled': 'TRUE',
                          'RemoteDisplay.vnc.ip': '127.0.0.1',
                          'RemoteDisplay.vnc.port': str(port)},
                         images.image(kernel='cloud'))
            vm.start()

        self.assertIn('Failed to start VNC server', vm.log())
        self.assertEqual([vm.path], self.running())


def _colours(path):
    """Return how many colours a PNG of eight bits a sample has."""
    with open(path, 'rb') as f:
        data = f.read()
    assert data.startswith(b'\x89PNG\r\n\x1a\n'), data[:20]
    width, height, depth, kind = struct.unpack('>IIBB', data[16:26])
    assert (depth, kind) == (8, 2), (depth, kind)
    pixels, at = b'', 8
    while at < len(data):
        length, name = struct.unpack('>I4s', data[at:at + 8])
        if name == b'IDAT':
            pixels += data[at + 8:at + 8 + length]
        at += 12 + length
    rows = zlib.decompress(pixels)
    assert len(rows) == height * (width * 3 + 1)
    return len(set(rows[1:]))
