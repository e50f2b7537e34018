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


"""The life of a server, from its boot to its deletion."""

import os
import subprocess
import time

from nova.compute import power_state
from nova import context

from nova_vmrun.storage import linked
from tests.functional.api import base


class BootTestCase(base.TestCase):

    @base.sample
    def test_boot_and_delete(self):
        server = self.boot()
        self.assertRunning(server)
        self.assertEqual([server['id']], self.driver.list_instance_uuids())
        name = self.admin_api.get_server(server['id'])[
            'OS-EXT-SRV-ATTR:instance_name']
        self.assertEqual([name], self.driver.list_instances())
        self._delete_server(server)
        self.assertNothingLeft()
        self.assertEqual([], self.driver.list_instances())

    def test_what_the_vmx_says(self):
        flavor = self.add_flavor(vcpu=2, memory_mb=130, ephemeral=1, swap=16)
        server = self.boot(
            flavor_id=flavor, name='web "1" | \u2603', config_drive=True,
            networks=[{'port': self.neutron.port_1['id']}])
        self.check_settings(server)
        self.check_adapter(server)
        self.check_disks(server)
        self.check_modes(server)

    def check_settings(self, server):
        vmx = self.vmx(server)
        self.assertEqual('web "1" | \u2603', vmx['displayName'])
        self.assertEqual(('132', '2'), (vmx['memsize'], vmx['numvcpus']))
        self.assertEqual('keep', vmx['uuid.action'])
        self.assertEqual('TRUE', vmx['isolation.tools.hgfs.disable'])

    def check_adapter(self, server):
        """Check that the port became an adapter on a VMware network."""
        vmx = self.vmx(server)
        self.assertEqual(
            (self.neutron.port_1['mac_address'], 'static', 'nat'),
            (vmx['ethernet0.address'], vmx['ethernet0.addressType'],
             vmx['ethernet0.connectionType']))

    def check_disks(self, server):
        vmx = self.vmx(server)
        self.assertEqual('root.vmdk', vmx['scsi0:0.fileName'])
        self.assertEqual('ephemeral0.vmdk', vmx['scsi0:1.fileName'])
        self.assertEqual('swap.vmdk', vmx['scsi0:2.fileName'])
        self.assertEqual(1 << 30, self.virtual_size(server, 'ephemeral0'))
        self.assertEqual(16 << 20, self.virtual_size(server, 'swap'))

    def virtual_size(self, server, disk):
        return linked.read_header(
            self.path(server, disk + '.vmdk')).capacity

    def check_modes(self, server):
        """Check that only the owner can read and write the files."""
        for name in ('', server['id'] + '.vmx', 'root.vmdk', 'nova.json',
                     server['id'] + '.vmx.rendered', 'config-drive.iso'):
            mode = os.stat(self.path(server, name)).st_mode
            self.assertEqual(0, mode & 0o077, name)


class PowerTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.server = self.boot()

    @base.sample
    def test_stop_and_start(self):
        self._stop_server(self.server)
        self.assertFalse(self.is_running(self.server))
        self.assertEqual(power_state.SHUTDOWN, self.power_state(self.server))
        self._start_server(self.server)
        self.assertRunning(self.server)

    def test_pause_and_unpause(self):
        self.admin_api.post_server_action(self.server['id'], {'pause': None})
        self._wait_for_state_change(self.server, 'PAUSED')
        self.assertEqual(power_state.PAUSED, self.power_state(self.server))
        self.admin_api.post_server_action(self.server['id'],
                                          {'unpause': None})
        self._wait_for_state_change(self.server, 'ACTIVE')
        self.assertRunning(self.server)

    @base.sample
    def test_suspend_and_resume(self):
        self._suspend_server(self.server)
        self.assertFalse(self.is_running(self.server))
        self.assertEqual(power_state.SUSPENDED,
                         self.power_state(self.server))
        self.assertIn('.vmss', self.vmx(self.server)['checkpoint.vmState'])
        self._resume_server(self.server)
        self.assertRunning(self.server)

    def test_delete_in_each_state(self):
        for action in ('pause', 'suspend', 'os-stop'):
            server = self.boot()
            self.admin_api.post_server_action(server['id'], {action: None})
            self._delete_server(server)
        self._delete_server(self.server)
        self.assertNothingLeft()

    def test_delete_of_a_server_whose_vm_crashed(self):
        os.kill(self.pid_of(self.server), 9)
        self._delete_server(self.server)
        self.assertNothingLeft()


class CutOffTestCase(base.TestCase):
    """A server is deleted while Nova cannot reach its host."""

    def setUp(self):
        super().setUp()
        self.server = self.boot()
        service = self.admin_api.get_services(
            binary='nova-compute', host=self.compute.host)[0]['id']
        self.admin_api.put_service_force_down(service, True)
        self._delete_server(self.server)
        self.admin_api.put_service_force_down(service, False)

    def clean_up(self):
        """Do what Nova does every five minutes."""
        self.compute.manager._run_pending_deletes(context.get_admin_context())

    def test_its_vm_stops_with_the_next_cleanup(self):
        self.assertTrue(self.is_running(self.server))
        self.clean_up()
        self.assertNothingLeft()

    def test_its_folder_stays_until_the_vm_stops(self):
        self.vmware.set_knobs(FAULTS='stop * refuse no')
        self.clean_up()
        self.assertTrue(self.is_running(self.server))
        self.assertTrue(os.path.exists(self.path(self.server, 'root.vmdk')))
        self.vmware.set_knobs()
        self.clean_up()
        self.assertNothingLeft()


class CrashTestCase(base.TestCase):

    # Nova stops the server while it holds the server's lock; with a call
    # instead of a cast it would wait for itself.
    CAST_AS_CALL = False
    # The power sync must notice it, not an event.
    HEARS_EVENTS = False

    def test_a_crashed_vm_is_seen_and_starts_again(self):
        server = self.boot()
        os.kill(self.pid_of(server), 9)
        # The driver may reuse what it saw within the last second.
        time.sleep(1)
        self.sync_power_states()
        self._wait_for_state_change(server, 'SHUTOFF')
        self._start_server(server)
        self.assertRunning(server)


class ConsoleTestCase(base.TestCase):

    def test_log(self):
        server = self.boot()
        response = self.admin_api.post_server_action(
            server['id'], {'os-getConsoleOutput': {}})
        with open(self.path(server, 'console.log')) as file:
            self.assertEqual(file.read(), response['output'])

    def test_long_log_is_cut_at_its_beginning(self):
        server = self.boot()
        self._stop_server(server)
        with open(self.path(server, 'console.log'), 'w') as file:
            for number in range(20000):
                file.write('line %d\n' % number)
        response = self.admin_api.post_server_action(
            server['id'], {'os-getConsoleOutput': {}})
        self.assertTrue(response['output'].endswith('line 19999\n'))
        self.assertLessEqual(len(response['output']), 100 * 1024)

    def test_vnc(self):
        server, other = self.boot(), self.boot()
        ports = set()
        for each in (server, other):
            response = self.admin_api.api_post(
                '/servers/%s/remote-consoles' % each['id'],
                {'remote_console': {'protocol': 'vnc', 'type': 'novnc'}})
            self.assertEqual(
                'novnc', response.body['remote_console']['type'])
            vmx = self.vmx(each)
            self.assertEqual('127.0.0.1', vmx['RemoteDisplay.vnc.ip'])
            ports.add(vmx['RemoteDisplay.vnc.port'])
        self.assertEqual(2, len(ports))


class ConfigDriveTestCase(base.TestCase):

    def test_config_drive(self):
        server = self.boot(config_drive=True)
        vmx = self.vmx(server)
        self.assertEqual('config-drive.iso', vmx['sata0:0.fileName'])
        listing = subprocess.run(
            ['isoinfo', '-i', self.path(server, 'config-drive.iso'), '-J',
             '-x', '/openstack/latest/meta_data.json'],
            check=True, stdout=subprocess.PIPE).stdout
        self.assertIn(server['id'].encode(), listing)
