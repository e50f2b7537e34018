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

"""The ends of a resize: on the way back, and on the host that it came to."""

import os
from unittest import mock

from nova_vmrun.host import files
from tests.unit.ops.resize import resizes

UUID = resizes.UUID


class RevertTestCase(resizes.TestCase):

    def test_the_resized_server_is_stopped_before_its_files_are_removed(self):
        self.make()
        self.migrate()
        self.finish()
        self.assertTrue(self.is_running())
        remove = self.destroy.remove_folder

        def remove_folder(uuid, folder):
            self.assertFalse(self.is_running())
            remove(uuid, folder)

        with mock.patch.object(self.destroy, 'remove_folder', remove_folder):
            self.revert(power_on=False)
        self.assertFalse(self.is_running())
        self.assertEqual([''], self.folders())

    def test_a_discarded_server_replaces_what_was_prepared_before(self):
        self.make()
        self.migrate()
        self.finish(power_on=False)
        files.copy(self.layout.vmx(UUID), self._earlier('of-another-try'))
        self.resize.discard(UUID)
        self.assertEqual(['_prepared', '_resize'], self.folders())
        self.assertNotIn('of-another-try',
                         os.listdir(self.layout.prepared(UUID)))
        self.assertIn(UUID + '.vmx', os.listdir(self.layout.prepared(UUID)))

    def _earlier(self, name):
        os.mkdir(self.layout.prepared(UUID))
        return os.path.join(self.layout.prepared(UUID), name)


class ArrivalTestCase(resizes.TestCase):

    def test_whether_the_server_has_a_window_is_recorded(self):
        """None leaves it to the option of this host."""
        for wanted, recorded in ((True, True), (None, True), (False, False)):
            self.make()
            os.rename(self.layout.folder(UUID), self.layout.prepared(UUID))
            os.remove(os.path.join(self.layout.prepared(UUID), 'nova.json'))
            hardware = self.definitions.draft.return_value.hardware
            hardware.show_gui = wanted
            self.finish(power_on=False)
            self.assertIs(recorded, self.records.get(UUID).show_gui)
            files.remove_tree(self.layout.folder(UUID))
