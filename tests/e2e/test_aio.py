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

"""``nova-vmrun aio`` with its real processes."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import fixtures
import psutil
import testtools

from nova_vmrun.aio import client
from nova_vmrun.aio import guests
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import ports
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings
from tests.e2e.guest import images

# Seconds for one command; the slowest is the first start.
TIMEOUT = 240
GIBIBYTE = 1024 ** 3


class AioCase(testtools.testcase.WithAttributes, testtools.TestCase):
    """A test with its own state directory and ports, which leaves nothing.

    :cvar limit: seconds for the whole test
    """

    limit = 6 * TIMEOUT

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.Timeout(self.limit, gentle=True))
        self.set_knobs(ENGINE='plain', NET='user')
        folder = self.useFixture(fixtures.TempDir()).path
        self.layout = aio_layout.Layout(folder + '/state')
        self.port_base = ports.free_base()
        self.addCleanup(self.check_nothing_is_left)
        self.addCleanup(self.run_aio, 'wipe', '--yes')

    def set_knobs(self, **knobs):
        for name, value in knobs.items():
            self.useFixture(fixtures.EnvironmentVariable(
                'FAKE_VMRUN_' + name, value))

    def check_nothing_is_left(self):
        self.assertFalse(self.layout.root.exists())
        self.assertEqual([], processes.using(self.layout.root))

    def command(self, *arguments):
        return [sys.executable, '-m', 'nova_vmrun.cmd.main', 'aio',
                *arguments, '--state-dir', str(self.layout.root)]

    def run_aio(self, *arguments, folder=None):
        """Run a command.

        :param folder: the current folder
        :returns: CompletedProcess, its output as text
        """
        done = subprocess.run(
            self.command(*arguments), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=TIMEOUT, cwd=folder)
        self.addDetail(' '.join(arguments), testtools.content.text_content(
            done.stdout + done.stderr))
        return done

    def up(self, *arguments):
        return self.run_aio('up', '--fake', '--port-base',
                            str(self.port_base), *arguments)

    def succeed(self, done):
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def fail_in_one_line(self, done):
        self.assertEqual(1, done.returncode)
        lines = done.stderr.splitlines()
        self.assertEqual(1, len(lines), done.stderr)
        return lines[0]

    def status(self):
        rows = json.loads(self.run_aio('status', '-f', 'json').stdout)
        return {row['Service']: row for row in rows}

    def pids(self):
        return {name: row['PID'] for name, row in self.status().items()}

    def openstack(self, *arguments, openrc=None):
        script = '. "$1"; shift; exec openstack "$@" -f json'
        done = subprocess.run(
            ['sh', '-c', script, 'sh', str(openrc or self.layout.openrc),
             *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=TIMEOUT)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)


class LifeTestCase(AioCase):
    """A control plane from its first start to its end."""

    def test_up_down_up_wipe(self):
        self.succeed(self.up())
        status = self.status()
        self.assertEqual({'ready'},
                         {row['State'] for row in status.values()})
        memory = sum(psutil.Process(row['PID']).memory_info().rss
                     for row in status.values())
        self.assertLess(memory, GIBIBYTE)
        self.check_api()
        network = self.network()
        # The ordinary user sees it, too.
        self.assertIn(network['ID'], [
            each['ID'] for each in self.openstack(
                'network', 'list', openrc=self.layout.openrc_demo)])

        before = self.pids()
        self.succeed(self.up())
        self.assertEqual(before, self.pids())

        self.check_repair(before)

        self.succeed(self.run_aio('down'))
        self.assertEqual({None}, set(self.pids().values()))
        self.assertEqual([], processes.using(self.layout.root))
        ports.check(aio_settings.load(self.layout), aio_layout.SERVICES)
        self.succeed(self.run_aio('down'))

        self.succeed(self.run_aio('up'))
        self.check_api()
        self.check_deleted_role()
        self.assertEqual(network, self.network())

        self.succeed(self.run_aio('wipe', '--yes'))
        self.check_nothing_is_left()

    def check_api(self):
        self.assertEqual(
            {'identity', 'image', 'network', 'compute', 'placement'},
            {service['Type'] for service in self.openstack('catalog',
                                                           'list')})
        [host] = self.openstack('hypervisor', 'list')
        self.assertEqual('up', host['State'])
        self.assertEqual(4, len(self.openstack(
            'security', 'group', 'rule', 'list', 'default')))

    def check_deleted_role(self):
        """Keystone forgets what a role implied when it deletes that role."""
        identity = client.connect(
            aio_settings.load(self.layout),
            aio_settings.passwords(self.layout)).identity
        prior, implied = (identity.create_role(name=name)
                          for name in ('prior', 'implied'))
        identity.put('/roles/%s/implies/%s' % (prior.id, implied.id))
        identity.delete_role(implied)
        answer = identity.get('/role_inferences')
        self.assertEqual(200, answer.status_code, answer.text)
        self.assertNotIn(prior.id, answer.text)
        identity.delete_role(prior)

    def network(self):
        [network] = self.openstack('network', 'list')
        return network

    def check_repair(self, before):
        """Kill a process and check that only this one is started again."""
        os.kill(before['nova'], signal.SIGKILL)
        self.assertTrue(processes.wait_until(
            lambda: processes.find(self.layout, 'nova') is None, TIMEOUT))
        self.assertEqual(1, self.run_aio('status').returncode)
        self.succeed(self.up())
        after = self.pids()
        self.assertNotEqual(before.pop('nova'), after.pop('nova'))
        self.assertEqual(before, after)


class GuestsTestCase(AioCase):

    def running(self):
        return guests.Guests(self.layout).running()

    def test_servers_outlive_down_and_end_with_wipe(self):
        self.succeed(self.up())
        self.make_image()
        server = self.openstack(
            'server', 'create', '--flavor', 'm1.nano', '--image', 'tiny',
            '--network', 'vmnet8', '--wait', 'survivor')
        self.assertEqual('ACTIVE', server['status'])
        [vmx] = self.running()

        self.succeed(self.run_aio('down'))
        self.assertEqual([vmx], self.running())

        self.succeed(self.run_aio('up'))
        [found] = self.openstack('server', 'list')
        self.assertEqual((server['id'], 'ACTIVE'),
                         (found['ID'], found['Status']))
        self.assertEqual([vmx], self.running())

        done = self.run_aio('wipe', '--yes')
        self.succeed(done)
        self.assertIn('stopping %s' % vmx, done.stdout)
        self.check_nothing_is_left()

    def make_image(self):
        path = self.layout.root / 'tiny.raw'
        path.write_bytes(os.urandom(4096) + bytes(1024 * 1024))
        self.openstack('image', 'create', '--disk-format', 'raw',
                       '--file', str(path), 'tiny')


class DemoTestCase(AioCase):

    def run_demo(self):
        """Run the demo.

        :returns: (what it printed, the names of the files that it left)
        """
        folder = self.useFixture(fixtures.TempDir()).path
        done = self.run_aio('demo', '--fake', '--port-base',
                            str(self.port_base), folder=folder)
        output = self.succeed(done)
        self.check_nothing_is_left()
        return output, os.listdir(folder)

    def assert_all_in(self, texts, output):
        for text in texts:
            self.assertIn(text, output)

    def test_every_step_is_so_and_nothing_is_left(self):
        output, left = self.run_demo()
        self.assert_all_in(
            ('machines that boot nothing', '| ACTIVE ',
             'displayName = "demo"', 'Total running VMs: 1', 'PAUSED after',
             'checked: the API says SHUTOFF, and nobody has called it',
             'no process of it is left'), output)
        self.assertEqual([], left)

    @testtools.testcase.attr('sample')
    def test_guest_is_shown_where_there_is_qemu(self):
        images.need_programs('qemu-system-x86_64', 'qemu-nbd')
        images.image('qcow2', 'cloud')
        self.set_knobs(ENGINE='qemu')
        output, left = self.run_demo()
        self.assert_all_in(
            ('with QEMU as its machines', '] Linux version ',
             'checked: the guest knows its id', 'the screen is not blank',
             'counted its second boot', 'checked: the guest says its own name',
             'checked: it was reached at 172.16.41.',
             'checked: the API says SHUTOFF, and nobody has called it',
             'no process of it is left'), output)
        self.assertEqual(['nova-vmrun-demo.png'], left)


class InterruptedTestCase(AioCase):

    def start_up(self):
        """Begin `up` and return when its services make their databases."""
        process = subprocess.Popen(
            self.command('up', '--fake', '--port-base', str(self.port_base)),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for line in process.stdout:
            if 'making its database' in line:
                return process
        self.fail('up ended early')

    def test_up_after_up_and_a_service_were_killed(self):
        process = self.start_up()
        # Another service may be the first one with its database.
        keystone = processes.wait_until(
            lambda: processes.find(self.layout, 'keystone'), TIMEOUT)
        process.kill()
        process.wait()
        os.kill(keystone, signal.SIGKILL)
        self.succeed(self.up())
        self.assertEqual({'ready'},
                         {row['State'] for row in self.status().values()})

    def test_control_c_leaves_nothing_running(self):
        process = self.start_up()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        self.assertNotEqual(0, process.wait())
        self.assertEqual([], processes.using(self.layout.root))


class FailureTestCase(AioCase):
    """Errors are one line, and leave nothing running."""

    def test_taken_port(self):
        with socket.socket() as listener:
            listener.bind((aio_settings.ADDRESS, self.port_base + 2))
            listener.listen()
            line = self.fail_in_one_line(self.up())
        self.assertIn('Port %d, which neutron needs, is taken by process %d'
                      % (self.port_base + 2, os.getpid()), line)
        self.assertEqual([], processes.using(self.layout.root))

    def test_service_that_cannot_start(self):
        self.layout.create()
        folder = self.layout.config_dir('neutron')
        folder.mkdir()
        (folder / 'local.conf').write_text(
            '[ml2]\nmechanism_drivers = nothing_of_the_kind\n')
        line = self.fail_in_one_line(self.up())
        self.assertIn('neutron died.', line)
        self.assertIn('nothing_of_the_kind', line)
        self.assertIn('Read %s.' % self.layout.log('neutron'), line)
        self.assertEqual([], processes.using(self.layout.root))

    @unittest.skipUnless(hasattr(os, 'geteuid') and os.geteuid() == 0,
                         'only root can mount a small disk')
    def test_full_disk(self):
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(folder.rmdir)
        mounted = subprocess.run(
            ['mount', '-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', folder],
            capture_output=True, text=True)
        if mounted.returncode:
            self.skipTest('no mount here: %s' % mounted.stderr.strip())
        self.addCleanup(subprocess.run, ['umount', folder], check=True)
        self.layout = aio_layout.Layout(folder / 'state')
        line = self.fail_in_one_line(self.up())
        self.assertIn('There is not enough space for the control plane.', line)
        self.assertIn(str(self.layout.root), line)
        self.assertEqual(1, self.run_aio('status').returncode)
        self.run_aio('wipe', '--yes')
