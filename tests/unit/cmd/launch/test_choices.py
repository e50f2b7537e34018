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

from nova_vmrun.cmd.launch import choices
from nova_vmrun.cmd.launch import errors
from tests.unit import base
from tests.unit.cmd.launch import fake_clouds


class FlavorTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.cloud = fake_clouds.Cloud()

    def choose(self, name=None, ram=512, disk=1):
        found, is_new = choices.flavor(self.cloud.sdk, name, ram, disk)
        return found.name, is_new

    def test_smallest_that_fits(self):
        for ram, disk, expected in ((512, 1, 'tiny'), (128, 1, 'tiny'),
                                    (513, 1, 'small'), (256, 2, 'small'),
                                    (512, 20, 'small'), (512, 21, 'large')):
            self.assertEqual((expected, False),
                             self.choose(ram=ram, disk=disk), (ram, disk))

    def test_new_one(self):
        self.assertEqual(('launch-512-100', True), self.choose(disk=100))
        self.assertEqual(('launch-512-100', False), self.choose(disk=100))

    def test_user_who_must_not_make_one(self):
        self.cloud.compute.refusal = fake_clouds.forbidden()
        error = self.assertRaises(errors.LaunchFailed, self.choose, disk=100)
        self.assertIn('512 MiB of memory and 100 GB of disk', str(error))
        self.assertIn('The flavors are large, small, tiny.', str(error))

    def test_named(self):
        self.assertEqual(('tiny', False), self.choose('tiny', disk=100))
        self.assertEqual(('large', False), self.choose('3'))

    def test_named_and_missing(self):
        error = self.assertRaises(errors.LaunchFailed, self.choose, 'huge')
        self.assertIn('The flavors are large, small, tiny.', str(error))


class NetworkTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.cloud = fake_clouds.Cloud()

    def add(self, name, external=False, project='project'):
        self.cloud.network.list.append(fake_clouds.thing(
            id='id-of-' + name, name=name, is_router_external=external,
            is_shared=False, project_id=project))

    def choose(self, name=None):
        return choices.network(self.cloud.sdk, name).name

    def refused(self, name=None):
        return str(self.assertRaises(errors.LaunchFailed, self.choose, name))

    def test_only_one(self):
        self.assertEqual('vmnet8', self.choose())

    def test_external_network_is_no_choice(self):
        self.add('public', external=True)
        self.assertEqual('vmnet8', self.choose())

    def test_named(self):
        self.add('other')
        self.add('public', external=True)
        self.assertEqual('other', self.choose('other'))
        self.assertEqual('other', self.choose('id-of-other'))
        self.assertEqual('public', self.choose('public'))

    def test_network_of_another_project(self):
        """An administrator is shown it, and may name it by its id."""
        for name in ('theirs', 'vmnet8'):
            self.add(name, project='stranger')
        self.assertEqual('net-1', choices.network(self.cloud.sdk, None).id)
        self.assertEqual('net-1', choices.network(self.cloud.sdk,
                                                  'vmnet8').id)
        self.assertIn('There is no network named theirs.',
                      self.refused('theirs'))
        self.assertEqual('theirs', self.choose('id-of-theirs'))

    def test_several(self):
        self.add('other')
        self.assertIn('The networks are other, vmnet8.', self.refused())

    def test_none(self):
        self.cloud.network.list.clear()
        self.assertIn('openstack network create', self.refused())

    def test_named_and_missing(self):
        self.assertIn('There is no network named x.', self.refused('x'))

    def test_name_that_two_have(self):
        self.add('vmnet8')
        said = self.refused('vmnet8')
        self.assertIn('There are several networks named vmnet8.', said)
        self.assertIn('net-1 (vmnet8), id-of-vmnet8 (vmnet8).', said)
