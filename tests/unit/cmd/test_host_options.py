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

import argparse
import os

import fixtures

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.cmd import host_options
from tests.unit import base


class HostOptionsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.layout = aio_layout.Layout(os.path.join(self.folder, 'aio'))
        self.find = self.useFixture(fixtures.MockPatchObject(
            host_options.cfg, 'find_config_files', return_value=[])).mock

    def write(self, text):
        path = os.path.join(self.folder, 'nova.conf')
        with open(path, 'w') as file:
            file.write(text)
        return path

    def test_named_file(self):
        path = self.write('[vmrun]\nproduct = player\n')
        parser = argparse.ArgumentParser()
        host_options.add(parser)
        files = parser.parse_args(['--config-file', path]).config_file
        self.assertEqual('player',
                         host_options.read(files, self.layout).product)

    def test_file_of_nova_compute(self):
        self.find.return_value = [self.write('[vmrun]\nproduct = fusion\n')]
        self.assertEqual('fusion',
                         host_options.read([], self.layout).product)

    def test_no_configuration(self):
        found = host_options.read([], self.layout)
        self.assertEqual((None, str(self.layout.root)),
                         (found.instances, found.state_folder))
