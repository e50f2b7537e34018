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

from nova_vmrun.server.serial import tickets
from tests.unit import base

UUID = '11111111-2222-3333-4444-555555555555'
OTHER = '99999999-2222-3333-4444-555555555555'


class TicketsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.now = 1000.5
        self.tickets = self.make()

    def make(self):
        return tickets.Tickets(600, lambda: self.now)

    def test_a_ticket_opens_one_server(self):
        path = self.tickets.issue(UUID)
        self.assertEqual(UUID, self.tickets.check(path))
        self.assertIsNone(self.tickets.check(path.replace(UUID, OTHER)))

    def test_a_ticket_ends_with_its_token(self):
        path = self.tickets.issue(UUID)
        self.now = 1600
        self.assertEqual(UUID, self.tickets.check(path))
        self.now = 1601
        self.assertIsNone(self.tickets.check(path))
        self.assertIsNone(self.tickets.check(path.replace('1600', '9600')))

    def test_another_process_has_other_tickets(self):
        self.assertIsNone(self.make().check(self.tickets.issue(UUID)))

    def test_invalid_tickets(self):
        path = self.tickets.issue(UUID)
        for text in ('', '/', path[:-1], path + 'a', path + '\n',
                     path[:-1] + 'é', '/%s/9999/%s' % (UUID, '0' * 64)):
            self.assertIsNone(self.tickets.check(text))

    def test_it_fits_where_nova_keeps_it(self):
        self.assertTrue(len(self.tickets.issue(UUID)) <= 255)
