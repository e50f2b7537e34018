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

"""Base classes of the tests of servers."""

import contextlib
import sys
import time
import unittest

import fixtures
from openstack import exceptions
import psutil
import testtools

from tests.e2e.cloud import control_plane
from tests.e2e.guest import console
from tests.e2e.guest import images

TIMEOUT = 2400      # seconds for one test; the first brings all up
CHANGE = 600        # seconds for one change of a server's state
# Each look costs Nova a tenth of what the guest needs in that time.
_POLL = 0.5


class Server:
    """A server and the console of its guest.

    :ivar console: console.Console of what Nova gives as its console log
    :ivar name: its name
    """

    def __init__(self, plane, server):
        self._plane = plane
        self._compute = plane.cloud.compute
        self.id = server.id
        self.name = server.name
        self.console = console.Console(self._console_log, _POLL)

    def _console_log(self):
        return self._compute.get_server_console_output(self.id)['output']

    def look(self):
        """Return it as the API has it now."""
        return self._compute.get_server(self.id)

    def wait(self, status):
        """Wait until it has a status and nothing is being done to it.

        :raises AssertionError: it is in ERROR, with Nova's reason, or it
            takes too long
        """
        end = time.monotonic() + CHANGE
        while True:
            server = self.look()
            if server.status == status and not server.task_state:
                return server
            if server.status == 'ERROR':
                raise AssertionError('%s is in ERROR: %s' % (
                    self.name, (server.fault or {}).get('message')))
            if time.monotonic() > end:
                raise AssertionError('%s is %s (%s), not %s' % (
                    self.name, server.status, server.task_state, status))
            time.sleep(_POLL)

    def delete(self):
        self._compute.delete_server(self.id, ignore_missing=True)
        with contextlib.suppress(exceptions.NotFoundException):
            self._compute.wait_for_delete(self.look(), interval=0.5,
                                          wait=CHANGE)

    def ports(self):
        """Return its ports in the order in which it has them."""
        found = {port.fixed_ips[0]['ip_address']: port for port in
                 self._plane.cloud.network.ports(device_id=self.id)}
        return [found[address] for address in self.addresses()]

    def addresses(self):
        """Return the addresses that Nova shows."""
        return [entry['addr'] for entries in self.look().addresses.values()
                for entry in entries]

    @property
    def folder(self):
        return self._plane.layout.instances / self.id

    def processes(self, program=''):
        """Return the ids of processes that have to do with its files.

        :param program: only those whose program has this in its name
        """
        found = []
        for process in psutil.process_iter(['cmdline']):
            words = process.info['cmdline'] or ()
            if any(str(self.folder) in word for word in words) and (
                    program in words[0]):
                found.append(process.pid)
        return found


class CloudCase(testtools.testcase.WithAttributes, testtools.TestCase):
    """Base class that deletes servers and checks that nothing is left."""

    def setUp(self):
        super().setUp()
        if not sys.platform.startswith('linux'):
            raise unittest.SkipTest('the QEMU engine runs on Linux only')
        images.need_programs('qemu-system-x86_64', 'qemu-nbd', 'qemu-img')
        self.useFixture(fixtures.Timeout(TIMEOUT, gentle=True))
        images.image('raw', 'cloud')
        self.plane = self.find_plane()
        self.cloud = self.plane.cloud

    def find_plane(self):
        """Return the control plane that the test uses."""
        return control_plane.shared()

    def create(self, image=None, flavor=None, networks=None, **details):
        """Ask for a server, without waiting for it.

        :param networks: None for the shared NAT network
        :returns: Server
        """
        image = image or self.plane.image()
        flavor = flavor or self.plane.flavor()
        details.setdefault('name', self.id().split('.')[-1].partition('[')[0]
                           .replace('_', '-'))
        server = Server(self.plane, self.cloud.compute.create_server(
            image_id=image.id, flavor_id=flavor.id,
            networks=networks or [{'uuid': self.plane.nat.id}], **details))
        self.addCleanup(self._remove, server)
        return server

    def boot(self, *args, **kwargs):
        """Make a server and wait for its guest.

        :returns: (Server, facts)
        """
        server = self.create(*args, **kwargs)
        server.wait('ACTIVE')
        return server, server.console.wait_facts()

    def _remove(self, server):
        log = console.Console.of_file(server.folder / 'console.log')
        self.addDetail('console of %s' % server.id, testtools.content.
                       text_content(log.text()[-20000:]))
        server.delete()
        self.assertFalse(server.folder.exists())
        self.assertEqual([], server.processes())

    def assertAddresses(self, server, facts):
        """Nova's addresses are in the guest, whose second card is on NAT."""
        for port in server.ports():
            self.assertEqual([port.fixed_ips[0]['ip_address']],
                             console.addresses(facts, port.mac_address))
        self.assertEqual(
            ['default via %s dev %s' % (control_plane.NAT_GATEWAY,
                                        facts['nics'][1]['name'])],
            [route for route in facts['routes']
             if route.startswith('default')])

    def root_bytes(self, facts):
        return console.root_disk(facts)['bytes']

    def base_of(self, image, disk=1):
        """Return the path of what the cache made of an image.

        :param disk: GiB of the flavor
        """
        return (self.plane.layout.instances / '_base' / image.id /
                ('disk-%d.vmdk' % disk))
