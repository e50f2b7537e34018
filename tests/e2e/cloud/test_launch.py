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

"""``nova-vmrun launch`` with a guest that boots."""

import os
import re
import shlex
import subprocess
import sys

import fixtures

from nova_vmrun.aio import client
from nova_vmrun.aio import settings as aio_settings
from tests.e2e.cloud import base
from tests.e2e.cloud import control_plane
from tests.e2e.guest import images

# What the guest prints when it has booted.
_READY = '@guest facts '
_TIMEOUT = 300


class LaunchTest(base.CloudCase):

    def setUp(self):
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        settings = aio_settings.load(self.plane.layout)
        self.environment = {
            **os.environ, 'HOME': folder, 'XDG_DATA_HOME': folder,
            'XDG_CACHE_HOME': folder,
            **client.environment(self.plane.layout, settings,
                                 aio_settings.passwords(self.plane.layout))}

    def run_words(self, words):
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=_TIMEOUT,
            env=self.environment)
        self.assertEqual(0, done.returncode, done.stdout)
        return done.stdout

    def launch(self, *options):
        return self.run_words([
            sys.executable, '-m', 'nova_vmrun.cmd.main', 'launch',
            str(images.image('qcow2', 'cloud')), '--network',
            self.plane.nat.name, '--flavor', self.plane.flavor().name,
            *options])

    def clean_up(self, name):
        """Delete a server, and with it what the launch made for it."""
        server = self.cloud.compute.find_server(name, ignore_missing=False)
        self.addCleanup(self.cloud.compute.delete_keypair, server.key_name)
        self.addCleanup(self.cloud.image.delete_image, server.image.id)
        self.addCleanup(self._remove, base.Server(self.plane, server))
        return server

    def test_launch_and_the_commands_that_it_stands_for(self):
        properties = ['--property=%s=%s' % pair
                      for pair in control_plane.CLOUD_HARDWARE.items()]
        printed = self.launch('--name', 'launched', '--wait', '--ready',
                              _READY, *properties)
        launched = self.clean_up('launched')
        self.assertIn('The first boot took', printed)
        [address] = [each['addr'] for each in
                     launched.addresses[self.plane.nat.name]]
        self.assertIn('has the address %s.' % address, printed)

        # The image and the key are there already.
        [create] = re.findall('^  (openstack server create .*)$', self.launch(
            '--name', 'second', *properties), re.MULTILINE)
        second = self.cloud.compute.find_server('second')
        self.addCleanup(self._remove, base.Server(self.plane, second))

        words = shlex.split(create)
        self.assertEqual('second', words.pop())
        self.run_words([os.path.join(sys.prefix, 'bin', words[0]),
                        *words[1:], 'typed'])
        typed = self.cloud.compute.find_server('typed')
        self.addCleanup(self._remove, base.Server(self.plane, typed))
        for server in (second, typed):
            server = self.cloud.compute.get_server(server.id)
            self.assertEqual(
                (launched.image.id, launched.flavor.name, launched.key_name,
                 list(launched.addresses)),
                (server.image.id, server.flavor.name, server.key_name,
                 list(server.addresses)))
