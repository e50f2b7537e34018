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


import types

from nova_vmrun.aio.bus import broker
from nova_vmrun.aio import down
from nova_vmrun.aio import errors
from nova_vmrun.aio import guests
from nova_vmrun.aio import processes
from nova_vmrun.aio import volumes
from tests.unit.aio import base


class DownTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.running = {}
        self.strays = []
        self.ended = []
        self.killed = []
        self.patch(processes, 'find',
                   lambda _, name: self.running.get(name))
        self.patch(processes, 'strays', lambda _: [
            types.SimpleNamespace(pid=pid) for pid in self.strays])
        self.patch(processes, 'end', self.end)

    def end(self, pids, timeout, waiting):
        self.ended.append(pids)
        return [pid for pid in pids if pid in self.killed]

    def test_nova_goes_first_as_it_needs_the_others(self):
        self.running = {'keystone': 1, 'glance': 2, 'neutron': 3, 'nova': 4}
        self.assertTrue(down.down(self.layout, self.report))
        self.assertEqual([[4], [1, 2, 3]], self.ended)

    def test_bus_goes_last_as_all_messages_need_it(self):
        self.running = {'rabbitmq': 1, 'keystone': 2, 'nova': 3, 'compute': 4}
        down.down(self.layout, self.report)
        self.assertEqual([[4], [3], [2], [1]], self.ended)

    def test_rabbitmq_that_outlived_its_parent_is_stopped(self):
        self.patch(broker, 'leftovers', lambda _: {7: 'epmd', 8: 'beam.smp'})
        self.assertTrue(down.down(self.layout, self.report))
        self.assertEqual([[7, 8]], self.ended)
        self.assertIn('stopping epmd, beam.smp', self.lines())

    def test_nothing_to_stop_is_no_error(self):
        self.assertFalse(down.down(self.layout, self.report))
        self.assertEqual([], self.ended)

    def test_processes_without_a_pid_file_are_stopped(self):
        self.strays = [9]
        self.assertTrue(down.down(self.layout, self.report))
        self.assertEqual([[9]], self.ended)

    def test_stale_files_are_removed(self):
        self.layout.pid('nova').write_text('1 2')
        self.layout.phase('nova').write_text('1 ready')
        down.down(self.layout, self.report)
        self.assertEqual([], list(self.layout.run.iterdir()))

    def test_killed_processes_are_reported(self):
        self.running = {'nova': 4}
        self.killed = [4]
        down.down(self.layout, self.report)
        self.assertIn('nova (process 4) did not end within 20 s and was '
                      'killed', self.lines())

    def test_inventory_counts_volumes_and_their_copies(self):
        self.patch(volumes, 'counts', lambda _: volumes.Counts(1, 2, 3))
        self.assertIn('1 volume, 2 snapshots and 3 backups of volumes',
                      down.inventory(self.layout))

    def test_inventory_of_a_damaged_database_is_no_error(self):
        self.layout.initialised('cinder').write_text('29.0.0\n')
        self.layout.database('cinder').write_bytes(b'damaged' * 100)
        self.assertIn('volumes that cannot be counted',
                      down.inventory(self.layout))

    def test_wipe_removes_everything(self):
        down.wipe(self.layout, self.report)
        self.assertFalse(self.layout.root.exists())

    def test_wipe_keeps_the_files_of_a_server_that_runs_on(self):
        def refuse(layout, progress):
            raise errors.AioError('It still runs.')

        self.patch(guests, 'stop_all', refuse)
        self.assertRaises(errors.AioError, down.wipe, self.layout,
                          self.report)
        self.assertTrue(self.layout.root.exists())


class Guests:
    """Stands for vmrun."""

    def __init__(self, running, stubborn=()):
        self._running = list(running)
        self._stubborn = stubborn

    def running(self):
        return list(self._running)

    def stop(self, path):
        if path not in self._stubborn:
            self._running.remove(path)


class StopAllTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.vmx = self.layout.instances / 'uuid' / 'server.vmx'
        self.vmx.parent.mkdir()
        self.vmx.write_text('')

    def test_servers_are_stopped(self):
        found = Guests([str(self.vmx)])
        self.patch(guests, 'Guests', lambda _: found)
        guests.stop_all(self.layout, self.report)
        self.assertEqual([], found.running())
        self.assertIn('stopping %s' % self.vmx, self.lines())

    def test_server_that_runs_on_is_an_error(self):
        self.patch(guests, 'Guests', lambda _: Guests(
            [str(self.vmx)], stubborn=[str(self.vmx)]))
        error = self.assertRaises(errors.AioError, guests.stop_all,
                                  self.layout, self.report)
        self.assertIn(str(self.vmx), str(error))

    def test_without_servers_vmrun_is_not_asked(self):
        self.vmx.unlink()
        self.patch(guests, 'Guests', None)
        guests.stop_all(self.layout, self.report)
        self.assertEqual([], self.lines())
