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

from nova_vmrun import exception
from nova_vmrun.tools import fusermount
from tests.unit import base
from tests.unit import stubs

_BUSY = ('fusermount3: failed to unmount /v/lun: '
         'Device or resource busy\n')
_NOT_MOUNTED = 'fusermount3: entry for /v/lun not found in /etc/mtab\n'


class FusermountTestCase(base.TestCase):

    def tool(self, *answers):
        self.runner = stubs.ScriptedRunner(*answers)
        return fusermount.Fusermount(self.runner)

    def test_unmount(self):
        self.tool().unmount('/v/lun')
        self.assertEqual([('fusermount3', '-u', '--', '/v/lun')],
                         self.runner.calls)

    def test_lazily(self):
        self.tool().unmount('/v/lun', is_lazy=True)
        self.assertEqual([('fusermount3', '-u', '-z', '--', '/v/lun')],
                         self.runner.calls)

    def test_nothing_is_mounted(self):
        self.tool((1, '', _NOT_MOUNTED)).unmount('/v/lun')

    def test_busy(self):
        error = self.assertRaises(
            exception.FileInUse, self.tool((1, '', _BUSY)).unmount, '/v/lun')
        self.assertIn('/v/lun', error.brief)
        self.assertEqual(1, error.exit_code)

    def test_another_error(self):
        error = self.assertRaises(
            exception.ToolRefused,
            self.tool((1, '', 'fusermount3: no luck\n')).unmount, '/v/lun')
        self.assertIn('no luck', error.details)
        self.assertIn('umount -l /v/lun', error.resolution)
