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

from openstack import exceptions

from nova_vmrun.aio import host_keys
from tests.unit import base


class NameTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.actions = ['create']
        self.compute = types.SimpleNamespace(server_actions=self.list_actions)

    def list_actions(self, server_id):
        """Yield actions as Nova lists them: the last one first."""
        self.assertEqual('id-web', server_id)
        for number, action in reversed(list(enumerate(self.actions))):
            yield types.SimpleNamespace(action=action,
                                        request_id='req-%d' % number)

    def name(self, status='ACTIVE'):
        return host_keys.name_of(
            types.SimpleNamespace(compute=self.compute),
            types.SimpleNamespace(id='id-web', status=status))

    def test_first_system(self):
        self.assertEqual('id-web', self.name())

    def test_same_system_after_what_only_restarts_it(self):
        self.actions += ['resize', 'confirmResize', 'shelve', 'unshelve',
                         'rescue', 'unrescue', 'reboot']
        self.assertEqual('id-web', self.name())

    def test_each_rebuild_makes_another(self):
        self.actions += ['rebuild', 'reboot']
        self.assertEqual('id-web-rebuild-req-1', self.name())
        self.actions += ['rebuild', 'resize']
        self.assertEqual('id-web-rebuild-req-3', self.name())

    def test_evacuation_may_make_another(self):
        self.actions += ['evacuate']
        self.assertEqual('id-web-evacuate-req-1', self.name())

    def test_each_rescue_runs_another_for_its_time(self):
        self.actions += ['rebuild', 'rescue', 'reboot']
        self.assertEqual('id-web-rescue-req-2', self.name('RESCUE'))
        self.actions += ['unrescue']
        self.assertEqual('id-web-rebuild-req-1', self.name())
        self.actions += ['rescue']
        self.assertEqual('id-web-rescue-req-5', self.name('RESCUE'))

    def test_cloud_that_shows_no_actions(self):
        for error in (exceptions.ForbiddenException,
                      exceptions.NotFoundException):
            def refuse(server_id):
                raise error('Not here.')

            self.compute.server_actions = refuse
            self.assertEqual('id-web', self.name())
            self.assertEqual('id-web-rescue', self.name('RESCUE'))
