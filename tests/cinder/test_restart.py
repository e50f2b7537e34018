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

"""What Cinder makes of a kill, by its database, and that no file is left.

A copy of this process is killed at each step of the driver. Then Cinder starts
with the state that it had noted before it called the driver.
"""

import os

from cinder.db import api as db
from cinder import exception
from cinder.objects import fields
from cinder.tests.unit import utils

from tests.cinder import base
from tests.crash import forked
from tests.crash import steps

DATA = b'what a guest has written'


class RestartTestCase(base.TestCase):

    # Cinder notes there what each of its services is doing.
    MOCK_WORKER = False

    def setUp(self):
        super().setUp()
        self.other = self.created(content=DATA)

    def started(self):
        self.patch('cinder.service.Service.service_id', 1)
        return super().started()

    def restarted(self):
        self.driver._folder.close()
        self.manager = self.started()
        self.assertTrue(self.driver.initialized)

    def note(self, each):
        """Note in the database that this service works on something."""
        db.worker_create(self.context, status=each.status, service_id=1,
                         resource_type=type(each).__name__,
                         resource_id=each.id)
        return each

    def kill(self, call, number):
        """Kill a copy of this process at a step of a call of the driver.

        :returns: whether there was such a step
        """
        def run(report):
            watch = steps.Watch((self.folder,), report, steps.Moment(number))
            watch.begin()
            call()

        through, _told = forked.run(run, os.path.join(self.root, 'report'))
        return not through

    def assert_only(self, *disks):
        expected = [self.other.name + '.vmdk',
                    self.other.name + '-flat.vmdk']
        for each in disks:
            expected += [each.name + '-flat.vmdk']
        self.assert_files(*expected)
        self.assertEqual(DATA, self.read(self.other, len(DATA)))

    def test_a_volume_that_is_being_created(self):
        for make in (
                lambda volume: self.driver.create_volume(volume),
                lambda volume: self.driver.create_cloned_volume(
                    volume, self.other)):
            number = 1
            while True:
                volume = self.note(self.volume())
                if not self.kill(lambda: make(volume), number):
                    break
                self.restarted()
                volume.refresh()
                self.assertEqual('error', volume.status)
                self.manager.delete_volume(self.context, volume)
                self.assertRaises(exception.VolumeNotFound, volume.refresh)
                self.assert_only()
                number += 1
            self.assertGreater(number, 8)
            self.driver.delete_volume(volume)

    def test_a_volume_that_is_being_deleted(self):
        number = 1
        while True:
            volume = self.created()
            volume.update({'status': 'deleting'})
            volume.save()
            self.note(volume)
            if not self.kill(lambda: self.driver.delete_volume(volume),
                             number):
                break
            self.restarted()
            self.assertRaises(exception.VolumeNotFound, volume.refresh)
            self.assert_only()
            number += 1
        self.assertGreater(number, 2)

    def test_a_snapshot_that_is_being_made(self):
        number = 1
        while True:
            snapshot = self.note(utils.create_snapshot(
                self.context, self.other.id, status='creating',
                volume_type_id=self.vt['id']))
            # The copy of this process cannot read the database in memory.
            self.assertEqual(self.other.id, snapshot.volume.id)
            if not self.kill(lambda: self.driver.create_snapshot(snapshot),
                             number):
                break
            self.restarted()
            snapshot.refresh()
            self.assertEqual(fields.SnapshotStatus.ERROR, snapshot.status)
            self.manager.delete_snapshot(self.context, snapshot)
            self.assert_only()
            number += 1
        self.assertGreater(number, 5)
