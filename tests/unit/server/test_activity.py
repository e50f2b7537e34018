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


import os
from unittest import mock

import fixtures
import testtools

from nova_vmrun.server import activity


class ActivityTestCase(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatchObject(activity, 'SECONDS', 0.2))
        self.useFixture(fixtures.MockPatchObject(activity, '_INTERVAL', 0.05))
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.disk = os.path.join(self.folder, 'root.vmdk')
        self.write(self.disk)

    def write(self, path, content='x'):
        with open(path, 'a') as file:
            file.write(content)

    def changing_while(self, action, *others):
        """Return what changes if an action follows the first look."""
        with mock.patch('time.sleep', side_effect=lambda _: action()):
            return activity.changing([self.folder], others)

    def test_still_files(self):
        self.assertEqual([], activity.changing([self.folder]))

    def test_a_file_that_grows(self):
        self.assertEqual([self.disk], self.changing_while(
            lambda: self.write(self.disk)))

    def test_a_file_that_is_overwritten(self):
        def overwrite():
            with open(self.disk, 'r+') as file:
                file.write('y')
            os.utime(self.disk, ns=(1, 1))

        self.assertEqual([self.disk], self.changing_while(overwrite))

    def test_files_that_come_go_or_are_replaced(self):
        self.assertEqual([self.disk], self.changing_while(
            lambda: os.path.exists(self.disk) and os.remove(self.disk)))
        new = os.path.join(self.folder, 'vmware.log')
        self.assertEqual([new], self.changing_while(lambda: self.write(new)))

    def test_a_file_elsewhere(self):
        volume = os.path.join(self.useFixture(fixtures.TempDir()).path, 'v')
        self.assertEqual([], activity.changing([], [volume]))
        self.write(volume)
        self.assertEqual([volume], self.changing_while(
            lambda: self.write(volume), volume))

    def test_it_looks_until_the_time_is_over(self):
        waits = []

        def wait():
            waits.append(1)
            if len(waits) == 3:
                self.write(self.disk)

        with fixtures.MockPatchObject(activity, 'SECONDS', 30):
            self.assertEqual([self.disk], self.changing_while(wait))
        self.assertEqual(3, len(waits))

    def test_what_is_no_file_is_left_alone(self):
        outside = os.path.join(self.useFixture(fixtures.TempDir()).path, 'o')
        self.write(outside)
        os.symlink(outside, os.path.join(self.folder, 'link'))
        # Whoever opens it to read waits for a writer.
        os.mkfifo(os.path.join(self.folder, 'serial0'))
        os.mkdir(os.path.join(self.folder, 'root.vmdk.lck'))
        self.assertEqual([], self.changing_while(
            lambda: self.write(outside)))
