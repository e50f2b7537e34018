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


"""An ordinary user logs in to servers at the addresses that Nova shows."""

import ipaddress
import os
import shlex
import subprocess
import sys

import fixtures
import testtools

from nova_vmrun.aio import client
from nova_vmrun.aio import settings as aio_settings
from tests.e2e.cloud import base
from tests.e2e.cloud import control_plane

_TIMEOUT = 240
# Seconds for the whole test, which brings up two control planes.
_LIMIT = 1800
_KEY = 'key'
#: Runs a command whose user may not make namespaces, as on some systems.
_WITHOUT_NAMESPACES = (
    'unshare', '--user', '--map-current-user', '--keep-caps', 'sh', '-c',
    'echo 0 > /proc/sys/user/max_user_namespaces &&'
    ' exec setpriv --inh-caps=-all --ambient-caps=-all "$@"', 'sh')
_CIDR = '10.9.0.0/24'
#: Seconds that a guest waits for the answer of another. On a busy machine, an
#: emulated one needs many to answer.
_PATIENCE = 60


class SshTestCase(base.CloudCase):

    def setUp(self):
        super().setUp()
        self.assertNotEqual(0, os.geteuid(), 'tools/as_test_user.py runs it')
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.identity = os.path.join(self.folder, 'identity')
        self.succeed('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f',
                     self.identity)

    def find_plane(self):
        return self.make_plane(name='a state')

    def make_plane(self, **details):
        self.useFixture(fixtures.Timeout(_LIMIT, gentle=True))
        plane = control_plane.ControlPlane(net='auto', options=(), **details)
        self.addCleanup(plane.end)
        return plane

    def run_words(self, *words):
        done = subprocess.run(words, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=_TIMEOUT)
        self.addDetail(' '.join(words), testtools.content.text_content(
            done.stdout + done.stderr))
        return done

    def succeed(self, *words):
        """Return what a command prints, and what it says."""
        done = self.run_words(*words)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout.strip(), done.stderr

    def vmrun_words(self, plane, command, *words):
        return (sys.executable, '-m', 'nova_vmrun.cmd.main', command,
                '--state-dir', str(plane.layout.root), *words)

    def ssh(self, plane, *words):
        return self.succeed(*self.vmrun_words(
            plane, 'ssh', '-i', self.identity, *words))

    def assert_refused(self, message, *words):
        done = self.run_words(*words)
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn(message, done.stderr)

    def options(self, plane):
        return ('-F', str(plane.layout.ssh_config), '-i', self.identity)

    def boot_with_key(self, name, plane=None, **details):
        self.plane = plane or self.plane
        self.cloud = self.plane.cloud
        if not list(self.cloud.compute.keypairs()):
            with open(self.identity + '.pub') as file:
                self.cloud.compute.create_keypair(name=_KEY,
                                                  public_key=file.read())
        server, _ = self.boot(self.plane.image(os_admin_user='root'),
                              name=name, key_name=_KEY, **details)
        return server

    def make_network(self, plane, name='lab'):
        network = plane.cloud.network.create_network(name=name)
        plane.cloud.network.create_subnet(
            network_id=network.id, name=name, ip_version=4, cidr=_CIDR)
        return {'uuid': network.id}

    def address_on(self, server, network):
        """Return the address on vmnet8, or on a network of the project."""
        entry, = server.look().addresses[network]
        return entry['addr']

    def log(self, server):
        return (server.folder / 'vmware.log').read_text()

    def check_files(self, plane, address):
        """Copy a file there and back, with scp as it is."""
        there, back = (os.path.join(self.folder, name)
                       for name in ('there', 'back'))
        with open(there, 'w') as file:
            file.write('x' * 300_000)
        place = 'root@%s:/tmp/copy' % address
        self.succeed('scp', *self.options(plane), there, place)
        self.succeed('scp', *self.options(plane), place, back)
        with open(back) as file:
            self.assertEqual('x' * 300_000, file.read())

    @testtools.testcase.attr('sample')
    def test_addresses_answer(self):
        first = self.plane
        lab = self.make_network(first)
        app = self.boot_with_key(
            'app', networks=[{'uuid': first.nat.id}, lab])
        self.assertIn('in the network namespace of process', self.log(app))
        address = self.address_on(app, control_plane.NAT)
        self.claim(first, app, address)
        self.check_logins(first, app, address)
        self.check_files(first, address)
        self.check_refusals(app, address)
        self.check_segments(first, app, lab)
        self.check_second_plane(first, address)

    def claim(self, plane, server, address):
        """Have a user of another project claim a server, and its address."""
        other = client.connect(
            aio_settings.load(plane.layout),
            aio_settings.passwords(plane.layout), client.User.DEMO)
        network = other.network.create_network(name='theirs')
        other.network.create_subnet(
            network_id=network.id, name='theirs', ip_version=4,
            cidr=str(ipaddress.ip_network(address + '/24', strict=False)))
        port = other.network.create_port(
            network_id=network.id, device_id=server.id,
            fixed_ips=[{'ip_address': address}])
        self.assertEqual(2, len({each.project_id for each in
                                 plane.cloud.network.ports(
                                     device_id=server.id)}), port)

    def check_logins(self, plane, server, address):
        name = server.name + '.novalocal'
        self.assertEqual(name, self.ssh(plane, server.name, '--',
                                        'hostname')[0])
        self.assertEqual(name, self.succeed(
            'ssh', *self.options(plane), 'root@' + address, 'hostname')[0])
        # The client has a shell read the options once more.
        self.assertEqual(name, self.succeed(
            'sh', '-c', '. "$1"; shift; exec "$@"', 'sh',
            str(plane.layout.openrc), sys.executable, '-m',
            'openstackclient.shell', 'server', 'ssh', '--private',
            server.name, '--', *map(shlex.quote, self.options(plane)), '-l',
            'root', 'hostname')[0])
        # The key alone lets anybody in.
        self.assert_refused_by_guest(plane, address)

    def assert_refused_by_guest(self, plane, address):
        done = self.run_words(
            'ssh', '-F', str(plane.layout.ssh_config), '-o', 'BatchMode=yes',
            '-o', 'IdentityFile=none', '-v', 'root@' + address, 'hostname')
        self.assertEqual(255, done.returncode)
        self.assertIn('Permission denied (publickey)', done.stderr)

    def check_refusals(self, app, address):
        first = self.plane

        def refuse(message, *words):
            self.assert_refused(message, *self.vmrun_words(first, *words))

        refuse('There is no server nobody', 'ssh', 'nobody')
        refuse('Nobody can log in to server app as \'-oProxyCommand=id\'',
               'ssh', '-l=-oProxyCommand=id', 'app')
        refuse('No network of the fake vmrun has the address 192.0.2.1',
               'connect', '192.0.2.1', '22')
        refuse('No connection to 172.16.41.99 port 22. No route to host.',
               'connect', '172.16.41.99', '22')
        refuse('No connection to %s port 81' % address, 'connect', address,
               '81')

    def check_segments(self, plane, app, lab):
        """Have guests on project networks ask each other for their names.

        The range of both networks is the same.

        :param app: a server on vmnet8 and on lab
        """
        cache = self.boot_with_key('cache', plane, networks=[lab])
        printed, said = self.ssh(plane, 'cache', '--', 'hostname')
        self.assertEqual('cache.novalocal', printed)
        self.assertIn('Through server app (', said)
        stranger = self.boot_with_key('stranger', plane, networks=[
            {'uuid': plane.nat.id}, self.make_network(plane, 'other')])
        app_address, cache_address = (self.address_on(server, 'lab')
                                      for server in (app, cache))
        self.assertIn(app_address, app.addresses())

        self.assertEqual('app.novalocal', self.ssh(
            plane, 'cache', '--', *_fetch(app_address))[0])
        self.assertEqual('cache.novalocal', self.succeed(
            *self.plain_ssh(plane, app), *_fetch(cache_address))[0])
        own = self.address_on(stranger, 'other')
        self.assertIn(' %s/24 ' % own, self.succeed(
            *self.plain_ssh(plane, stranger), 'ip', 'address')[0])
        for address in {app_address, cache_address} - {own}:
            self.assert_hears_only_itself(self.vmrun_words(
                plane, 'ssh', '-i', self.identity, 'stranger', '--'), own,
                address)
            self.assert_hears_only_itself(self.plain_ssh(plane, stranger),
                                          own, address)
        self.cloud.compute.stop_server(cache.id)
        cache.wait('SHUTOFF')
        self.assert_refused('Server cache does not run.', *self.vmrun_words(
            plane, 'ssh', 'cache'))

    def plain_ssh(self, plane, server):
        return ('ssh', *self.options(plane),
                'root@' + self.address_on(server, control_plane.NAT))

    def assert_hears_only_itself(self, ssh, own, address):
        done = self.run_words(*ssh, *_fetch(own), ';', *_fetch(address))
        self.assertEqual('stranger.novalocal', done.stdout.strip())
        self.assertNotEqual(0, done.returncode)

    def check_second_plane(self, first, address):
        """A second control plane, of a user who may not make namespaces."""
        second = self.make_plane(name='other', prefix=_WITHOUT_NAMESPACES)
        lab = self.make_network(second)
        server = self.boot_with_key(
            'app', second, networks=[{'uuid': second.nat.id,
                                      'fixed_ip': address}, lab])
        self.assertIn('by ports that QEMU forwards (no namespace: no '
                      'namespace can be made', self.log(server))
        self.check_logins(second, server, address)
        self.check_files(second, address)
        self.check_segments(second, server, lab)
        self.assertEqual('app.novalocal',
                         self.ssh(first, 'app', '--', 'hostname')[0])


def _fetch(address):
    """Return the command with which a guest asks another for its name."""
    return ('timeout', str(_PATIENCE), 'wget', '-q', '-O', '-',
            'http://%s/' % address)
