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

"""A control plane whose processes behave as on macOS."""

import os
import sys

import fixtures

from tests.e2e import test_aio

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
_SITE = os.path.join(_ROOT, 'tests', 'macos', 'site')
_WRAPPER = '''#!/bin/sh
NOVA_VMRUN_TEST_PYTHON="$0" PYTHONPATH="%s:%s" exec "%s" "$@"
'''


class UpTestCase(test_aio.AioCase):

    def setUp(self):
        folder = self.useFixture(fixtures.TempDir()).path
        self.python = os.path.join(folder, 'python')
        with open(self.python, 'w') as file:
            file.write(_WRAPPER % (_SITE, _ROOT, sys.executable))
        os.chmod(self.python, 0o700)
        super().setUp()
        self.set_knobs(PRODUCT='fusion', NOISE='1')
        self.image = os.path.join(folder, 'image')
        with open(self.image, 'wb') as file:
            file.write(os.urandom(1 << 20))

    def command(self, *arguments):
        return [self.python, *super().command(*arguments)[1:]]

    def test_a_server(self):
        self.succeed(self.up())
        with open(self.python + '.pids') as file:
            pretending = set(map(int, file))
        self.assertLessEqual(set(self.pids().values()), pretending)
        host, = self.openstack('hypervisor', 'list')
        self.assertEqual('up', host['State'])
        self.openstack('image', 'create', '--file', self.image,
                       '--disk-format', 'raw', 'image')
        self.openstack('flavor', 'create', '--ram', '64', '--disk', '1',
                       'small')
        server = self.openstack(
            'server', 'create', '--image', 'image', '--flavor', 'small',
            '--no-network', '--wait', 'server')
        self.assertEqual('ACTIVE', server['status'])
        url = self.openstack('console', 'url', 'show', 'server')['url']
        self.assertIn('token', url)
        self.succeed(self.run_aio('down'))
