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

"""Many servers on one host, with a vmrun as slow as a real one."""

import os
import threading
import time

from testtools import testcase

from tests.functional.api import base
from tests.load import existing
from tests.load import figures

# As was measured of real ones: a start of some seconds, and a moment for
# each other command.
LATENCY = 'start=9,*=0.4'
# What a user waits for the list of servers, and how long until the next one.
LIST_SECONDS = 3.0
PAUSE_SECONDS = 1.0


class LoadTestCase(testcase.WithAttributes, base.TestCase):

    # Services work at the same time, as they do in a cloud.
    CAST_AS_CALL = False
    VNC_PORTS = 1000

    def _setup_services(self):
        self.flags(cpu_allocation_ratio=1000.0, ram_allocation_ratio=100.0,
                   disk_allocation_ratio=1000.0, max_concurrent_builds=50)
        self.flags(instances=-1, cores=-1, ram=-1, group='quota')
        super()._setup_services()

    def check(self, present, booting):
        image_id, flavor_id = self.add_image(), self.add_flavor(disk=0)
        template = self.boot(image_id, flavor_id)
        self._stop_server(template)
        existing.make(self, template, present)
        self.vmware.set_knobs(LATENCY=LATENCY)
        self.check_power_sync(present + 1)
        self.check_boots(image_id, flavor_id, booting, present + 1)

    def check_power_sync(self, servers):
        calls = len(self.vmware.calls())
        began = time.monotonic()
        self.sync_power_states()
        self.wait_for(self.is_synchronized, 'the power sync')
        seconds = time.monotonic() - began
        verbs = self.vmware.verbs_since(calls)
        figures.tell('power sync of %d servers: %d process(es) in %.1f s',
                     servers, len(verbs), seconds)
        self.assertEqual([('vmrun', 'list')], verbs)

    def is_synchronized(self):
        with self.compute.manager.syncs_in_progress() as syncs:
            return not syncs

    def check_boots(self, image_id, flavor_id, booting, present):
        calls = len(self.vmware.calls())
        began = time.monotonic()
        body = self._build_server(image_uuid=image_id, flavor_id=flavor_id,
                                  networks='none')
        body.update(min_count=booting, max_count=booting,
                    return_reservation_id=True)
        reservation = self.admin_api.api_post(
            '/servers', {'server': body}).body['reservation_id']
        lists = []
        while True:
            asked = time.monotonic()
            servers = self.admin_api.get_servers()
            lists.append(time.monotonic() - asked)
            new = [server for server in servers if server[
                'OS-EXT-SRV-ATTR:reservation_id'] == reservation]
            states = [server['status'] for server in new]
            if 'BUILD' not in states:
                break
            self.assertLess(time.monotonic() - began, 600, states)
            time.sleep(PAUSE_SECONDS)
        seconds = time.monotonic() - began
        started = self.vmware.verbs_since(calls)
        figures.tell(
            '%d servers booted at once beside %d: ACTIVE after %.1f s; %d '
            'lists of %d servers meanwhile, slowest %.2f s, median %.2f s; '
            '%d starts, %d lists of vmrun, %d threads',
            booting, present, seconds, len(lists), len(servers), max(lists),
            sorted(lists)[len(lists) // 2],
            started.count(('vmrun', 'start')),
            started.count(('vmrun', 'list')), threading.active_count())
        self.assertEqual(['ACTIVE'] * booting, states)
        self.assertEqual(present + booting, len(servers))
        running = set(map(os.path.realpath, self.vmware.running()))
        for server in new:
            self.assertIn(os.path.realpath(self.vmx_path(server)), running)
        self.assertEqual(booting, started.count(('vmrun', 'start')))
        self.assertLess(max(lists), LIST_SECONDS)

    @testcase.attr('sample')
    def test_10_boot_beside_100(self):
        self.check(present=100, booting=10)

    def test_50_boot_beside_500(self):
        self.check(present=500, booting=50)
