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

"""Volumes of ``nova-vmrun aio up --volumes``, with the openstack client."""

import contextlib
import io
import json
import os
import subprocess
import sys
import time

import fixtures
from openstackclient import shell
from osc_lib import clientmanager
import psutil
import testtools

from nova_vmrun.aio import client
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.formats import volume_files
from tests.e2e import test_aio

MIB = 1024 ** 2
# Bytes that Cinder's process may take when it has started.
MEMORY = 170 * MIB
# Seconds for one change of a status.
CHANGE = 240
# Seconds for a whole test.
TIMEOUT = 1800


class VolumesCase(test_aio.AioCase):
    """A test that runs commands of the openstack client.

    They run in this process: to load the client takes longer than most of
    them.
    """

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.Timeout(TIMEOUT, gentle=True))

    def up(self, *arguments):
        """Start the control plane, and have the client use it."""
        self.succeed(super().up(*arguments))
        settings = aio_settings.load(self.layout)
        for name, value in client.environment(
                self.layout, settings,
                aio_settings.passwords(self.layout)).items():
            self.useFixture(fixtures.EnvironmentVariable(name, value))
        # The client's class keeps its connections to a former control plane.
        for cache in vars(clientmanager.ClientManager).values():
            if isinstance(cache, clientmanager.ClientCache):
                cache._handle = None

    def run_client(self, *words):
        """Run a command; return its exit status, output and errors."""
        output, errors = io.StringIO(), io.StringIO()
        with (contextlib.redirect_stdout(output),
              contextlib.redirect_stderr(errors)):
            status = shell.OpenStackShell().run([str(word) for word in words])
        return status, output.getvalue(), errors.getvalue()

    def do(self, *words):
        """Run a command and return what it printed."""
        status, output, errors = self.run_client(*words)
        self.assertEqual(0, status, '%s: %s' % (
            ' '.join(map(str, words)), errors))
        return output

    def openstack(self, *words):
        return json.loads(self.do(*words, '-f', 'json'))

    def wait(self, kind, name, status):
        """Wait for a status and return what ``show`` prints then."""
        deadline = time.monotonic() + CHANGE
        while True:
            found = self.openstack(*kind.split(), 'show', name)
            if found['status'] == status:
                return found
            if 'error' in found['status'].lower() or (
                    time.monotonic() > deadline):
                self.fail('%s %s is %s, not %s' % (
                    kind, name, found['status'], status))
            time.sleep(0.5)

    def create(self, name, *words):
        """Create a volume and return it when it is available."""
        self.do('volume', 'create', *words, name)
        return self.wait('volume', name, 'available')

    def path(self, volume):
        return self.layout.volumes / volume_files.extent(
            'volume-%s' % volume['id'])

    def read(self, volume):
        """Return the first bytes of a volume."""
        with open(self.path(volume), 'rb') as stream:
            return stream.read(MIB)

    def write(self, volume):
        """Write other bytes to the beginning of a volume; return them."""
        content = os.urandom(MIB)
        with open(self.path(volume), 'r+b') as stream:
            stream.write(content)
        return content


class ClientTestCase(VolumesCase):

    def test_every_operation_keeps_the_bytes(self):
        self.up('--volumes')
        self.assertLess(
            psutil.Process(self.pids()['cinder']).memory_info().rss, MEMORY)
        volume = self.create('first', '--size', '1')
        self.content = self.write(volume)
        self.check_snapshot(volume)
        self.check_clone(volume)
        self.check_images(volume)
        self.check_backup(volume)
        self.check_type()
        self.check_transfer(volume)
        self.check_quotas()
        self.check_deletion()

    def check_snapshot(self, volume):
        self.do('volume', 'snapshot', 'create', '--volume', 'first', 'before')
        self.wait('volume snapshot', 'before', 'available')
        copy = self.create('from-snapshot', '--snapshot', 'before')
        self.assertEqual(self.content, self.read(copy))

        self.write(volume)
        self.do('volume', 'revert', 'before')
        self.wait('volume', 'first', 'available')
        self.assertEqual(self.content, self.read(volume))

    def check_clone(self, volume):
        clone = self.create('clone', '--source', 'first')
        self.assertEqual(self.content, self.read(clone))
        self.do('volume', 'set', '--size', 2, 'clone')
        self.wait('volume', 'clone', 'available')
        self.assertEqual(2048 * MIB, self.path(clone).stat().st_size)
        self.assertEqual(self.content, self.read(clone))

    def check_images(self, volume):
        self.do('image', 'create', '--volume', 'first', '--disk-format',
                'raw', 'of-volume')
        self.wait('image', 'of-volume', 'active')
        # The volume is still uploading when the image is active.
        self.wait('volume', 'first', 'available')
        copy = self.create('from-image', '--image', 'of-volume', '--size', 1)
        self.assertEqual(self.content, self.read(copy))
        self.assertTrue(copy['bootable'])

    def check_backup(self, volume):
        self.do('volume', 'backup', 'create', '--name', 'backup', 'first')
        self.wait('volume backup', 'backup', 'available')
        self.wait('volume', 'first', 'available')
        self.assertNotEqual([], list(self.layout.backups.rglob('*metadata')))
        self.do('volume', 'backup', 'restore', 'backup', 'restored')
        self.wait('volume backup', 'backup', 'available')
        self.assertEqual(self.content, self.read(
            self.wait('volume', 'restored', 'available')))

    def check_type(self):
        self.do('volume', 'type', 'create', '--property',
                'volume_backend_name=files', 'quick')
        typed = self.create('typed', '--type', 'quick', '--size', 1)
        self.assertEqual('quick', typed['type'])
        # There is no back end of another name.
        self.do('volume', 'type', 'create', '--property',
                'volume_backend_name=none', 'impossible')
        self.do('volume', 'create', '--type', 'impossible', '--size', 1,
                'nowhere')
        with testtools.ExpectedException(AssertionError, '.*is error.*'):
            self.wait('volume', 'nowhere', 'available')

    def check_transfer(self, volume):
        self.do('project', 'create', 'other')
        self.do('role', 'add', '--project', 'other', '--user', 'admin',
                'admin')
        request = self.openstack('volume', 'transfer', 'request', 'create',
                                 'typed')
        self.do_in_other('volume', 'transfer', 'request', 'accept',
                         '--auth-key', request['auth_key'], request['id'])
        self.assertEqual('typed\n', self.do_in_other(
            'volume', 'list', '-f', 'value', '-c', 'Name'))
        self.do_in_other('volume', 'delete', 'typed')
        self.wait_gone('volume', '--all-projects', '--name', 'typed')

    def do_in_other(self, *words):
        """Run a command in another project, in a process of its own.

        In this process the client keeps its connection to the first project.
        """
        return subprocess.run(
            [os.path.join(sys.prefix, 'bin', 'openstack'), *words],
            env={**os.environ, 'OS_PROJECT_NAME': 'other'}, check=True,
            stdout=subprocess.PIPE, text=True, timeout=CHANGE).stdout

    def check_quotas(self):
        used = len(self.openstack('volume', 'list'))
        self.do('quota', 'set', '--volumes', used, 'admin')
        status, _, errors = self.run_client('volume', 'create', '--size', 1,
                                            'too-many')
        self.assertNotEqual(0, status)
        self.assertIn('VolumeLimitExceeded', errors)
        self.do('quota', 'set', '--volumes', used + 1, 'admin')
        self.create('not-too-many', '--size', 1)

    def check_deletion(self):
        self.do('volume', 'snapshot', 'delete', 'before')
        self.do('volume', 'backup', 'delete', 'backup')
        for kind in ('volume snapshot', 'volume backup'):
            self.wait_gone(kind)
        self.do('volume', 'delete', *(
            row['ID'] for row in self.openstack('volume', 'list')))
        self.wait_gone('volume')
        self.assertEqual([], [path.name for path
                              in self.layout.volumes.glob('*vmdk*')])
        self.assertEqual([], [path for path in self.layout.backups.rglob('*')
                              if path.is_file()])

    def wait_gone(self, kind, *options):
        deadline = time.monotonic() + CHANGE
        while self.openstack(*kind.split(), 'list', *options):
            self.assertLess(time.monotonic(), deadline, kind)
            time.sleep(0.5)


class TurnOnAndOffTestCase(VolumesCase):
    """A control plane that gets volumes later, and loses them again."""

    def services(self):
        return {row['Type'] for row in self.openstack('catalog', 'list')}

    def is_ready(self):
        status = self.status()
        return 'cinder' in status and all(
            row['State'] == 'ready' for row in status.values())

    def restart(self, *arguments):
        self.succeed(self.run_aio('down'))
        self.up(*arguments)

    def make_server(self):
        path = self.layout.root / 'tiny.raw'
        path.write_bytes(os.urandom(4096) + bytes(MIB))
        self.do('image', 'create', '--disk-format', 'raw', '--file', path,
                'tiny')
        self.do('server', 'create', '--flavor', 'm1.nano', '--image', 'tiny',
                '--network', 'vmnet8', 'web')
        self.wait('server', 'web', 'ACTIVE')
        self.do('server', 'stop', 'web')
        self.wait('server', 'web', 'SHUTOFF')

    def test_on_for_an_old_directory_and_off_when_nothing_is_attached(self):
        self.up()
        self.assertNotIn('block-storage', self.services())

        self.restart('--volumes')
        self.assertIn('block-storage', self.services())
        # On a busy machine the first answers take long.
        self.assertTrue(processes.wait_until(self.is_ready, CHANGE))
        volume = self.create('data', '--size', 1)
        self.make_server()
        self.do('server', 'add', 'volume', 'web', 'data')
        self.wait('volume', 'data', 'in-use')

        self.succeed(self.run_aio('down'))
        line = self.fail_in_one_line(self.run_aio('up', '--no-volumes'))
        self.assertIn(volume['id'], line)

        # It remembers that it has volumes.
        self.up()
        self.do('server', 'remove', 'volume', 'web', 'data')
        self.wait('volume', 'data', 'available')
        self.restart('--no-volumes')
        self.assertNotIn('block-storage', self.services())
        self.assertNotIn('cinder', self.status())
        self.assertTrue(self.path(volume).exists())

        done = self.run_aio('wipe', '--yes')
        self.succeed(done)
        self.assertIn('1 volumes, 0 snapshots and 0 backups', done.stdout)
