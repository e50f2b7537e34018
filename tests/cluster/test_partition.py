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


"""A node that is cut off, and not dead, while its servers are evacuated.

Two nodes share a folder. The guest writes to its disk all the time, so the
disk shows whether two VMs have ever written to it.
"""

import os
import signal
import subprocess

from nova_vmrun.server import vm_process
import psutil

from tests.cluster import base
from tests.cluster import evacuations
from tests.cluster import writer

_SIZE_MB = 16
# Seconds: Nova's own are 10 and 60.
_REPORTS = {('DEFAULT', 'report_interval'): '3'}


class PartitionTestCase(evacuations.TestCase):

    @classmethod
    def make_cluster(cls) -> base.Cluster:
        return base.Cluster(
            shared=('n1', 'n2'), cut_off=('n1',),
            local_conf=evacuations.SOON_DOWN,
            changes=_REPORTS, knobs={'FAKE_VMRUN_ENGINE': 'qemu',
                                     'FAKE_VMRUN_NET': 'user'})

    def setUp(self) -> None:
        super().setUp()
        self.network = self.nodes['n1'].network
        assert self.network
        self.addCleanup(self.network.mend)
        image = self.upload_image(_SIZE_MB, writer.boot_sector(),
                                  hw_scsi_model='vmpvscsi')
        # A VM of its own tells a machine which locks are not its own.
        self.other = self.boot(image, host='n2', name='other')
        self.server = self.boot(image, host='n1')
        self.disk = (self.nodes['n1'].instances / self.server.id /
                     'root.vmdk')
        self.wait_for_writes(1)

    def writes(self) -> list[int]:
        """Return which start of the server has written each sector."""
        return writer.starts(self.disk, self.folder / 'copy')

    def wait_for_writes(self, start: int) -> None:
        """Wait until the VM of one start has written, and writes on."""
        before = self.writes()
        self.wait_until(
            lambda: len(self.writes()) > len(before) + 3 and
            self.writes()[-1] == start, 'start %d writes' % start)

    def check_writes(self, starts: int) -> None:
        """Check that one VM has written after the other."""
        found = self.writes()
        self.assertEqual(sorted(found), found)
        self.assertEqual(set(range(1, starts + 1)), set(found))

    def cut_off(self) -> None:
        """Cut n1 off, and wait until Nova has noticed."""
        ports = {each.raddr.port for each in psutil.Process(
            self.nodes['n1'].compute.pid).net_connections('tcp')
            if each.raddr}
        # It has no other way to the control plane.
        self.assertEqual(set(), ports & set(self.settings.ports.values()))
        self.assertNotEqual(set(), ports)
        self.network.cut()
        self.addCleanup(self.force_down, False)
        self.wait_until(lambda: self.service().state == 'down',
                        'Nova has lost n1')

    def qemu(self) -> int:
        """Return the process of the server's VM on n1."""
        identity = vm_process.identity(
            str(self.disk.parent / (self.server.id + '.vmx')))
        assert identity
        return identity[0]

    def cut_power(self) -> None:
        pid = self.qemu()
        os.kill(pid, signal.SIGKILL)
        self.wait_until(lambda: not psutil.pid_exists(pid) or
                        psutil.Process(pid).status() == 'zombie',
                        'the VM on n1 is off')

    def refuse(self, *words: str) -> None:
        """Check that an evacuation is refused, and changes nothing."""
        error = self.refused_evacuation(self.server)
        for word in words:
            self.assertIn(word, error)
        self.check_runs_on('n1', self.server)
        self.check_writes(1)

    def reconnect(self) -> None:
        """Let n1 reach the others again, and restart its nova-compute."""
        node = self.nodes['n1']
        self.network.mend()
        self.wait_until(
            lambda: ('n1', self.server.id) not in self.where_it_runs(),
            'n1 runs no VM of the server')
        node.compute.kill()
        node.compute.start()
        self.wait_until(node.compute.has_started, 'n1 runs')
        self.force_down(False)
        self.start_nodes()

    def test_its_power_is_cut_after_all(self) -> None:
        self.cut_off()
        self.refuse('host n1 may still write to its disks',
                    'nova-vmrun node fenced n1')
        self.wait_for_writes(1)
        # The operator is wrong at first, which can be seen.
        self.force_down(True)
        self.refuse('its VM still runs on host n1, which is said to be off',
                    'root.vmdk', 'Cut the power of that host')
        self.wait_for_writes(1)
        self.cut_power()
        self.evacuate(self.server)
        self.check_runs_on('n2', self.server)
        self.wait_for_writes(2)
        # An hour later n1 has power again, but still no network.
        self.assertRaises(
            subprocess.CalledProcessError, self.nodes['n1'].vmrun, 'start',
            self.disk.parent / (self.server.id + '.vmx'), 'nogui')
        self.check_runs_on('n2', self.server)
        self.reconnect()
        self.check_runs_on('n2', self.server)
        self.check_runs_on('n2', self.other)
        self.wait_for_writes(2)
        self.check_writes(2)
        self.cloud.compute.reboot_server(self.server, 'HARD')
        self.wait_for_status(self.server, 'ACTIVE')
        self.wait_for_writes(3)
        self.check_writes(3)
        self.check_runs_on('n2', self.server)

    def test_it_hangs_and_goes_on_later(self) -> None:
        """Nobody sees a VM that does nothing; QEMU locks its disks, too."""
        pid = self.qemu()
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        self.cut_off()
        self.force_down(True)
        error = self.refused_evacuation(self.server, 'ERROR')
        self.assertIn('lock', error)
        self.check_runs_on('n1', self.server)
        self.network.mend()
        os.kill(pid, signal.SIGCONT)
        self.wait_for_writes(1)
        self.check_writes(1)
