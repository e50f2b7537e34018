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

import json
import os
import signal
import subprocess

from nova_vmrun.aio import health
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import processes
from nova_vmrun.aio import vmware
from tests.unit.cmd import test_aio


class StatusTestCase(test_aio.CommandCase):

    def test_services_that_are_down(self):
        self.make()
        self.assertEqual(1, self.run_command('status', '-f', 'json'))
        rows = json.loads(self.output.getvalue())
        self.assertEqual(
            [('keystone', 'down', None, 'keystone:5000', 0),
             ('glance', 'down', None, 'glance:9292', 0),
             ('neutron', 'down', None, 'neutron:9696', 0),
             ('nova', 'down', None, 'nova:8774 placement:8778 '
              'novncproxy:6080 serialproxy:6083', 0)],
            [(row['Service'], row['State'], row['PID'], row['Ports'],
              row['Memory MiB']) for row in rows])
        self.assertEqual(str(self.layout.log('nova')), rows[-1]['Log'])

    def test_status_also_describes_what_runs_the_vms(self):
        settings = self.make()
        self.layout.fakes.mkdir()
        settings.knobs = {vmware.ENGINE: vmware.QEMU}
        settings.save(self.layout)
        self.run_command('status', '-f', 'json')
        self.assertIn('the fake vmrun stands in for it, with QEMU as its '
                      'machines', self.errors.getvalue())
        json.loads(self.output.getvalue())

    def test_all_ready_succeeds(self):
        self.make()
        self.patch(processes, 'find', lambda *_: 12)
        self.patch(processes, 'phase', lambda *_: processes.READY)
        self.patch(processes, 'resident', lambda _: 150 * 1024 ** 2)
        self.patch(processes, 'is_stopped', lambda _: False)
        self.patch(health, 'ask', lambda *_: dict.fromkeys(
            aio_layout.SERVICES))
        self.assertEqual(0, self.run_command('status', '-f', 'value',
                                             '-c', 'Memory MiB'))
        self.assertEqual('150\n' * 4, self.output.getvalue())

    def states(self):
        self.assertEqual(1, self.run_command('status', '-f', 'json'))
        return {row['Service']: row['State']
                for row in json.loads(self.output.getvalue())}

    def test_service_that_does_not_answer_is_not_ready(self):
        self.make()
        self.patch(processes, 'find', lambda *_: 12)
        self.patch(processes, 'phase', lambda *_: processes.READY)
        self.patch(processes, 'is_stopped', lambda _: False)
        self.patch(health, 'ask', lambda *_: dict(
            dict.fromkeys(aio_layout.SERVICES), glance='answers HTTP 500'))
        self.assertEqual(
            {'keystone': 'ready', 'glance': 'answers HTTP 500',
             'neutron': 'ready', 'nova': 'ready'}, self.states())

    def test_process_stopped_by_a_signal_is_not_ready(self):
        self.make()
        process = subprocess.Popen(['sleep', '60'])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        self.patch(processes, 'find', lambda _, name: (
            process.pid if name == 'keystone' else os.getpid()))
        self.patch(processes, 'phase', lambda *_: processes.READY)
        states = self.states()
        self.assertIn('kill -CONT %d' % process.pid, states['keystone'])
        self.assertEqual('needs keystone', states['nova'])
