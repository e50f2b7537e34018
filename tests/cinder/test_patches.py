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

import types

from cinder import context
from cinder import exception
from cinder import objects
import cinder.privsep
from cinder import service
from cinder import utils
import os_brick.privileged

from nova_vmrun.aio import cinder_patches
from tests.unit import base


class InstallTestCase(base.TestCase):
    """What is replaced is there in the release that is installed."""

    def setUp(self):
        super().setUp()
        # Put back what install() replaces.
        self.patch(service.Service, 'report_state',
                   service.Service.report_state)
        self.patch(utils, 'get_root_helper', utils.get_root_helper)
        for entry in (cinder.privsep.sys_admin_pctxt,
                      os_brick.privileged.default):
            self.patch(entry, 'client_mode', entry.client_mode)

    def test_no_helper_is_started_with_sudo(self):
        self.assertTrue(cinder.privsep.sys_admin_pctxt.client_mode)
        self.assertIn('sudo', utils.get_root_helper())
        cinder_patches.install()
        self.assertFalse(cinder.privsep.sys_admin_pctxt.client_mode)
        self.assertFalse(os_brick.privileged.default.client_mode)
        self.assertEqual('env', utils.get_root_helper())

    def test_heartbeats_are_replaced(self):
        cinder_patches.install()
        self.assertIs(cinder_patches.report_state,
                      service.Service.report_state)


class Record:
    """A row of Cinder's services."""

    def __init__(self):
        self.report_count = 0
        self.saved = 0

    def save(self, retry):
        self.saved = self.report_count


class ReportStateTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.records = {1: Record(), 2: Record()}
        self.patch(context, 'get_admin_context', lambda: None)
        objects.register_all()
        self.patch(objects, 'Service', types.SimpleNamespace(
            get_by_id=self.get_by_id))
        self.works = True

    def get_by_id(self, admin, number):
        if number not in self.records:
            raise exception.ServiceNotFound(service_id=number)
        return self.records[number]

    def service(self, number):
        return types.SimpleNamespace(
            origin_service_id=number, binary='cinder-volume', host='laptop',
            manager=types.SimpleNamespace(is_working=lambda: self.works))

    def test_each_service_has_its_own_heartbeat(self):
        for number in self.records:
            cinder_patches.report_state(self.service(number))
        self.assertEqual([1, 1],
                         [record.saved for record in self.records.values()])

    def test_service_without_its_driver_has_none(self):
        self.works = False
        cinder_patches.report_state(self.service(1))
        self.assertEqual(0, self.records[1].saved)

    def test_removed_record_is_made_again(self):
        def make(admin):
            self.records[3] = Record()
            removed.origin_service_id = 3

        removed = self.service(9)
        removed._create_service_ref = make
        cinder_patches.report_state(removed)
        self.assertEqual(1, self.records[3].saved)

    def test_failure_does_not_end_the_timer(self):
        def fail(retry):
            raise OSError('disk full')

        self.records[1].save = fail
        cinder_patches.report_state(self.service(1))
        self.records[1].save = Record.save.__get__(self.records[1])
        cinder_patches.report_state(self.service(1))
        self.assertEqual(2, self.records[1].saved)
