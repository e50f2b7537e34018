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

"""Many servers on one host, with a vmrun as slow as a real one.

Nova's own fixtures run everything in one process and deadlock with so many
servers, because locks replace the databases. These tests use a control plane
and a stock nova-compute.
"""

from concurrent import futures
import os
import re
import statistics
import time

from testtools import testcase

from tests.functional.api import base as api_base
from tests.functional.split import base
from tests.load import existing
from tests.load import figures
from tests.load import planting

# As was measured of real ones: a start of some seconds, and a moment for
# each other command.
LATENCY = 'LATENCY = start=9,*=0.4\n'
# Seconds for half of the lists of servers, and for all of them: for a moment,
# the machine may be busy with something else. Seconds between two lists.
LIST_SECONDS = 3.0
SLOWEST_LIST_SECONDS = 30.0
# How much longer than without boots they may take on a slow machine.
FACTOR, SLOWEST_FACTOR = 10, 100
PAUSE_SECONDS = 1.0
# Seconds without a call after which a power sync has made its calls.
QUIET_SECONDS = 8
# Seconds between two power syncs.
SYNC_SECONDS = 40
# Seconds within which all is booted. Most of it is Nova's: with each claim it
# asks Placement for the allocations of all servers here, one after the other.
BOOT_SECONDS = 1200
VNC_PORTS = 1000
# What "openstack server list" agrees on with Nova 34.
MICROVERSION = '2.100'
NEW = 'new'


class LoadTestCase(base.TestCase):

    LOCAL_CONF = base.TestCase.LOCAL_CONF + """
[quota]
instances = -1
cores = -1
ram = -1
"""

    def setUp(self):
        self.vnc_ports = api_base.free_port_range(VNC_PORTS)
        super().setUp()

    def changes(self, sync_seconds=-1):
        """Return the options of nova-compute.

        :param sync_seconds: between two power syncs; negative for never
        """
        defaults = {
            'sync_power_state_interval': sync_seconds,
            'cpu_allocation_ratio': 1000.0,
            'ram_allocation_ratio': 100.0,
            'disk_allocation_ratio': 1000.0,
            # These tasks look at the states of VMs too.
            'update_resources_interval': 3600,
            'heal_instance_info_cache_interval': -1,
            # Log the start of periodic tasks.
            'default_log_levels':
                'nova.service=DEBUG,oslo_service.periodic_task=DEBUG'}
        return {
            **{('DEFAULT', name): str(value)
               for name, value in defaults.items()},
            ('vmrun', 'vnc_port_range'): self.vnc_ports}

    def check(self, present, booting):
        image = self.upload_image()
        self.make_existing(image, present)
        self.knobs.write_text(LATENCY)
        self.check_start(present + 1)
        self.check_power_sync(present + 1)
        self.check_boots(image, booting, present + 1)

    def make_existing(self, image, number):
        template = self.boot(image, networks='none')
        self.cloud.compute.stop_server(template)
        self.wait_for_status(template, 'SHUTOFF')
        self.nova_compute.stop()
        made = planting.plant(
            self.cloud, self.layout.config_dir('nova') / 'nova.conf',
            self.layout.instances, template.id, number)
        self.assertEqual(number, len(made))
        with futures.ThreadPoolExecutor(2 * os.cpu_count()) as pool:
            list(pool.map(self.start_vm, (
                uuid for index, uuid in enumerate(made)
                if existing.runs(index))))

    def start_vm(self, uuid):
        self.vmrun('start', self.vmx_path(uuid), 'nogui')

    def vmx_path(self, uuid):
        return self.layout.instances / uuid / (uuid + '.vmx')

    def check_start(self, servers):
        calls = len(self.vmrun_calls())
        began = time.monotonic()
        self.restart()
        verbs = self.vmrun_calls()[calls:]
        figures.tell('nova-compute started beside %d servers in %.1f s: %s',
                     servers, time.monotonic() - began, ', '.join(verbs))
        # Once it asks for VMware's networks, to tell other hosts.
        self.assertEqual({'list'}, set(verbs) - {'listHostNetworks'})
        self.assertLess(verbs.count('listHostNetworks'), 2)
        self.assertLess(verbs.count('list'), 5)

    def check_power_sync(self, servers):
        self.nova_compute.stop()
        self.configure(self.changes(SYNC_SECONDS))
        self.restart()
        self.wait_for_power_sync()
        calls = len(self.vmrun_calls())
        self.wait_for_power_sync()
        verbs = self.vmrun_calls()[calls:]
        figures.tell('power sync of %d servers: %s', servers,
                     ', '.join(verbs))
        self.assertEqual(['list'], verbs)
        self.nova_compute.stop()
        self.configure(self.changes())
        self.restart()

    def wait_for_power_sync(self):
        """Wait until the next one has called vmrun and is done."""
        before, calls = self.power_syncs(), len(self.vmrun_calls())
        self.wait_until(lambda: self.power_syncs() > before,
                        'the next power sync')
        self.wait_until(lambda: len(self.vmrun_calls()) > calls,
                        'its first call')
        self.wait_until(self.is_quiet, 'its last call')

    def is_quiet(self):
        calls = len(self.vmrun_calls())
        time.sleep(QUIET_SECONDS)
        return len(self.vmrun_calls()) == calls

    def power_syncs(self):
        return len(re.findall('Running periodic task .*_sync_power_states',
                              self.nova_compute.log.read_text()))

    def check_boots(self, image, number, present):
        # Nova's first answer takes longer, whatever the driver does.
        self.list_servers()
        quiet = [self.list_servers()[0] for _ in range(3)]
        calls = len(self.vmrun_calls())
        began = time.monotonic()
        self.request_boot(image, name=NEW, networks='none',
                          min_count=number, max_count=number)
        lists, states = [], ['BUILD']
        while 'BUILD' in states:
            self.assertLess(time.monotonic() - began, BOOT_SECONDS, states)
            time.sleep(PAUSE_SECONDS)
            seconds, servers = self.list_servers()
            lists.append(seconds)
            new = [server for server in servers
                   if server['name'].startswith(NEW)]
            states = [server['status'] for server in new]
        verbs = self.vmrun_calls()[calls:]
        figures.tell(
            '%d servers booted at once beside %d: ACTIVE after %.1f s; %d '
            'lists of %d servers meanwhile, slowest %.2f s, median %.2f s, '
            'before %.2f s; %d starts, %d lists of vmrun',
            number, present, time.monotonic() - began, len(lists),
            len(servers), max(lists), statistics.median(lists),
            statistics.median(quiet), verbs.count('start'),
            verbs.count('list'))
        self.assertEqual(['ACTIVE'] * number, states)
        self.assertEqual(present + number, len(servers))
        running = self.running_vms()
        for server in new:
            self.assertIn(str(self.vmx_path(server['id'])), running)
        self.assertEqual(number, verbs.count('start'))
        usual = statistics.median(quiet)
        self.assertLess(statistics.median(lists),
                        max(LIST_SECONDS, FACTOR * usual))
        self.assertLess(max(lists), max(SLOWEST_LIST_SECONDS,
                                        SLOWEST_FACTOR * usual))

    def list_servers(self):
        """Do what "openstack server list" does.

        :returns: seconds until Nova has answered, and the servers
        """
        asked = time.monotonic()
        answer = self.cloud.compute.get('/servers/detail',
                                        microversion=MICROVERSION)
        return time.monotonic() - asked, answer.json()['servers']

    @testcase.attr('sample')
    def test_10_boot_beside_100(self):
        self.check(present=100, booting=10)

    def test_50_boot_beside_500(self):
        self.check(present=500, booting=50)
