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
from unittest import mock

import fixtures
from nova import exception as nova_exception
import testscenarios

from nova_vmrun.ops.nova import source_images
from tests.unit.ops import hosts

UUID = hosts.UUID
OLD = {'base_image_ref': 'old', 'hw_disk_bus': 'ide', 'os_type': 'linux',
       'kernel_id': 'kernel'}
NEW = {'base_image_ref': 'new', 'hw_video_model': 'vmvga'}


class Instance(types.SimpleNamespace):

    def __init__(self, image_ref='new', properties=NEW, **fields):
        super().__init__(
            uuid=UUID, image_ref=image_ref, save=mock.Mock(),
            system_metadata=dict(
                {'image_' + name: value
                 for name, value in properties.items()},
                owner_user_name='me'),
            **dict({'vm_state': 'active', 'task_state': None,
                    'os_type': 'windows', 'architecture': 'x86_64',
                    'vm_mode': 'hvm', 'kernel_id': '', 'ramdisk_id': 'disk'},
                   **fields))

    def properties(self):
        return {name.removeprefix('image_'): value
                for name, value in self.system_metadata.items()
                if name.startswith('image_')}


class Base(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.images = source_images.SourceImages(self.records)

    def assertOld(self, instance):
        self.assertEqual(('old', OLD),
                         (instance.image_ref, instance.properties()))
        self.assertEqual(
            ('linux', None, None, 'kernel', ''),
            (instance.os_type, instance.architecture, instance.vm_mode,
             instance.kernel_id, instance.ramdisk_id))
        self.assertEqual('me', instance.system_metadata['owner_user_name'])


class RestoreTestCase(Base):

    def test_all_that_came_from_the_new_image_goes(self):
        self.add_server(image_ref='old', image_properties=OLD)
        instance = Instance()
        self.images.restore(instance)
        self.assertOld(instance)
        # A deletion of the server in the meantime must win.
        instance.save.assert_called_once_with(
            expected_task_state=['rebuilding'])

    def test_server_whose_old_image_was_not_recorded(self):
        self.add_server()
        instance = Instance()
        self.images.restore(instance)
        self.assertEqual(('new', NEW),
                         (instance.image_ref, instance.properties()))
        self.assertIn('not recorded', self.log.output)


class SettleTestCase(testscenarios.TestWithScenarios, Base):

    scenarios = [
        (name, {'now': now, 'is_restored': is_restored})
        for name, now, is_restored in (
            ('same', ('old', OLD), False),
            ('the operator has changed a property',
             ('old', dict(OLD, hw_disk_bus='sata')), False),
            ('killed before the rebuild', ('new', NEW), True),
            # Nova brings back the id alone.
            ('refused by the scheduler', ('old', NEW), True))]

    def test_a_rebuild_that_was_not_done(self):
        self.add_server(image_ref='old', image_properties=OLD)
        instance = Instance(*self.now)
        self.images.settle(instance, self.records.get(UUID))
        self.assertEqual(self.is_restored, instance.save.called)
        if self.is_restored:
            self.assertOld(instance)
        else:
            self.assertEqual(self.now[1], instance.properties())

    def test_an_older_record(self):
        self.add_server()
        instance = Instance(*self.now)
        self.images.settle(instance, self.records.get(UUID))
        self.assertFalse(instance.save.called)


class RememberTestCase(testscenarios.TestWithScenarios, Base):

    scenarios = [
        (name, {'fields': fields, 'shelved': shelved, 'is_known': is_known})
        for name, fields, shelved, is_known in (
            ('an older record', {}, None, True),
            ('being rebuilt', {'task_state': 'rebuilding'}, None, False),
            ('in error', {'vm_state': 'error'}, None, False),
            ('being unshelved', {'vm_state': 'shelved_offloaded'}, 'new',
             False),
            ('unshelved', {'vm_state': 'shelved_offloaded'}, 'snapshot',
             True))]

    def test_it_is_recorded_when_nova_knows_it(self):
        self.add_server()
        instance = Instance(**self.fields)
        if self.shelved:
            instance.system_metadata['shelved_image_id'] = self.shelved
        self.images.remember(instance)
        record = self.records.get(UUID)
        self.assertEqual(('new', NEW) if self.is_known else (None, None),
                         (record.image_ref, record.image_properties))


class UnwritableTestCase(Base):

    def test_it_is_tried_again_and_hides_no_state(self):
        self.add_server()
        for error in (OSError(28, 'full'), nova_exception.NovaException()):
            self.useFixture(fixtures.MockPatchObject(
                self.records, 'change', side_effect=error))
            self.images.remember(Instance())
        self.assertIn('Cannot record the image', self.log.output)


class FactsTestCase(Base):

    def test_nova_shows_another_image_while_a_server_is_unshelved(self):
        self.assertEqual({}, source_images.facts(
            Instance(vm_state='shelved_offloaded')))
        self.assertEqual({'image_ref': 'new', 'image_properties': NEW},
                         source_images.facts(Instance()))
        self.assertEqual('', source_images.facts(
            Instance(image_ref=None))['image_ref'])
