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

"""A node that a real systemd runs."""

import os
import pathlib
import signal

from nova_vmrun.aio import processes
from tests.cluster import joining
from tests.cluster import service_manager

_UNIT = 'nova-vmrun-node-%s.service' % joining.NAME


class UnitTestCase(joining.TestCase):

    def setUp(self):
        if not os.path.exists(service_manager.PROGRAM):
            self.skipTest('there is no systemd')
        super().setUp()
        self.manager = self.useFixture(service_manager.ServiceManager(
            self.second, self.machines.folder))

    def test_a_unit_from_its_start_to_its_end(self):
        self.make_token()
        self.check_join()
        self.server = self.boot('web')
        self.process = self.processes_of_server()
        self.assertNotEqual([], self.process)
        self.check_repair()
        self.check_kill()
        self.check_stop()
        self.check_join()
        self.assertEqual(self.process, self.processes_of_server())
        self.check_leave()

    def check_join(self):
        printed = self.second.vmrun('node', 'join', self.token, '--fake')
        self.assertIn('started ' + _UNIT, printed)
        self.assertIn(joining.READY, printed)
        self.assertIn('systemctl --user status ' + _UNIT, printed)
        self.assertEqual('active', self.show('ActiveState'))
        self.assertEqual('enabled', self.show('UnitFileState'))
        self.assertEqual('up', self.states()[joining.NAME])

    def show(self, name):
        return self.manager.control('show', '--value', '--property', name,
                                    _UNIT).strip()

    def processes_of_server(self):
        words = {process.pid: ' '.join(process.info['cmdline'] or [])
                 for process in processes.using(
                     pathlib.Path(self.second.state))}
        return sorted(pid for pid, line in words.items()
                      if 'qemu-system' in line and self.server in line)

    def check_repair(self):
        """Join again while the unit runs: the VM runs on."""
        old = self.show('MainPID')
        self.check_join()
        self.assertNotEqual(old, self.show('MainPID'))
        self.assertEqual(self.process, self.processes_of_server())

    def check_kill(self):
        """systemd starts it again; the VM runs on."""
        old, starts = self.show('MainPID'), self.starts_of_compute()
        os.kill(int(old), signal.SIGKILL)
        self.wait_until(lambda: self.show('MainPID') not in (old, '0'))
        self.wait_until(lambda: self.starts_of_compute() > starts)
        self.wait_until(lambda: self.states()[joining.NAME] == 'up')
        self.assertEqual(self.process, self.processes_of_server())

    def starts_of_compute(self):
        log = os.path.join(self.second.state, 'logs', 'compute.log')
        with open(log) as file:
            return file.read().count('Starting compute node')

    def check_stop(self):
        """The VM runs on without its node."""
        self.manager.control('stop', _UNIT)
        self.assertEqual('inactive', self.show('ActiveState'))
        self.assertEqual(self.process, self.processes_of_server())

    def check_leave(self):
        self.first.client('server', 'delete', '--wait', 'web')
        self.assertEqual([], self.processes_of_server())
        self.assertIn('has left', self.second.vmrun('node', 'leave'))
        self.assertEqual({'first': 'up'}, self.states())
        self.assertNotIn(_UNIT, self.manager.control('list-unit-files'))
        self.assertNotIn(_UNIT, self.manager.control(
            'list-units', '--all'))
