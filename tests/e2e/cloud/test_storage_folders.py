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

"""Servers whose disks are in storage folders, and move."""

import base64
import json
import os
import subprocess
import sys

import fixtures

from nova_vmrun.aio import client
from nova_vmrun.aio import config
from nova_vmrun.aio import settings as aio_settings
from tests.e2e.cloud import base
from tests.e2e.guest import console

_USER_DATA = base64.b64encode(b'write note kept\n').decode()
_TIMEOUT = 300


class StorageFoldersTest(base.CloudCase):

    def setUp(self):
        super().setUp()
        self.folders = {
            name: self.useFixture(fixtures.TempDir()).path
            for name in ('second', 'third')}

    def flavor(self):
        """Return a flavor whose disks go to the second folder."""
        flavor = self.cloud.compute.create_flavor(
            name='e2e-second', ram=192, vcpus=1, disk=1)
        self.addCleanup(self.cloud.compute.delete_flavor, flavor)
        self.cloud.compute.create_flavor_extra_specs(
            flavor, {'vmrun:storage_tag': 'second'})
        return flavor

    def storage(self, *words):
        """Run a command of ``nova-vmrun storage``; return its output."""
        layout = self.plane.layout
        settings = aio_settings.load(layout)
        folder = layout.config_dir('nova')
        done = subprocess.run(
            [sys.executable, '-m', 'nova_vmrun.cmd.main', 'storage', *words,
             '--config-file', str(folder / 'nova.conf'),
             '--config-file', str(folder / config.LOCAL_CONF)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=_TIMEOUT,
            env={**os.environ, **client.environment(
                layout, settings, aio_settings.passwords(layout))})
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def where(self, server):
        """Return the names of the folders with disks of a server."""
        return [each['Name'] for each in
                json.loads(self.storage('list', '-f', 'json'))
                if server.id in each['Servers']]

    def test_a_guest_finds_its_data_in_another_folder(self):
        options = ''.join('storage_folders = %s:%s\n' % each
                          for each in self.folders.items())
        with self.plane.options(
                'nova', options + 'default_storage_tag = default\n'):
            server, facts = self.boot(flavor=self.flavor(),
                                      user_data=_USER_DATA)
            self.assertEqual({'note': 'kept'}, console.files(facts))
            self.assertEqual(['second'], self.where(server))
            self.cloud.compute.stop_server(server.id)
            server.wait('SHUTOFF')

            for boots, name in ((2, 'third'), (3, 'default')):
                self.storage('evict', server.name, '--to', name)
                self.assertEqual([name], self.where(server))
                self.cloud.compute.start_server(server.id)
                facts = server.console.wait_boots(boots)
                self.assertEqual({'note': 'kept'}, console.files(facts))
                server.wait('ACTIVE')
                self.cloud.compute.stop_server(server.id)
                server.wait('SHUTOFF')
            for folder in self.folders.values():
                self.assertEqual([], [name for name in os.listdir(folder)
                                      if name.startswith(server.id)])
            server.delete()
