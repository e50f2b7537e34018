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

from nova_vmrun.aio import layout
from nova_vmrun.cmd import state_dir
from tests.unit import base


class StateDirTestCase(base.TestCase):

    def test_default(self):
        parser = argparse.ArgumentParser()
        state_dir.add_option(parser)
        self.assertEqual(layout.default_state_dir(),
                         parser.parse_args([]).state_dir)
        self.assertEqual('/a', parser.parse_args(
            ['--state-dir', '/a']).state_dir)

    def test_ports(self):
        self.assertEqual(22, state_dir.port('22'))
        for text in ('0', '65536'):
            self.assertRaises(argparse.ArgumentTypeError, state_dir.port,
                              text)
        self.assertRaises(ValueError, state_dir.port, 'ssh')
