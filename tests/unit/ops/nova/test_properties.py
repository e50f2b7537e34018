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

"""Unit tests for the properties of a server's image."""

import types

from nova.compute import task_states
from nova.compute import vm_states

from nova_vmrun.catalog import table
from nova_vmrun import exception
from nova_vmrun.ops.nova import properties
from tests.unit import base
from tests.unit.ops import glances

# Nova keeps 255 bytes, and up to three fewer if they end within a character.
_WHOLE, _CUT = 'x' * 251, 'é' * 126
_LIST = 'vmrun_iso_images'


class Base(base.TestCase):

    def setUp(self):
        super().setUp()
        self.glance = self.useFixture(glances.Glance())

    def in_glance(self, **found):
        self.glance.images[glances.IMAGE] = {'properties': found}


class RequestedTestCase(Base):

    def requested(self, vm_state=vm_states.BUILDING, **kept):
        instance = glances.instance(owner_user_name='me', **{
            'image_' + name: value for name, value in kept.items()})
        instance.vm_state = vm_state
        return properties.requested('context', instance)

    def test_properties_that_nova_keeps(self):
        self.assertEqual(
            {'vmrun_guestos': 'other', _LIST: _WHOLE},
            self.requested(vmrun_guestos='other', **{_LIST: _WHOLE},
                           os_type=None))
        self.assertEqual([], self.glance.asked)

    def test_value_that_may_be_truncated_is_read_from_glance(self):
        self.in_glance(**{_LIST: 'the whole list', 'vmrun_guestos': 'new'})
        for value in (_CUT, _WHOLE + 'x'):
            self.assertEqual(
                {'vmrun_guestos': 'old', _LIST: 'the whole list'},
                self.requested(vmrun_guestos='old', **{_LIST: value}))

    def test_value_that_is_no_longer_in_glance(self):
        self.in_glance()
        self.assertEqual({_LIST: _CUT}, self.requested(**{_LIST: _CUT}))

    def test_a_server_that_boots_from_a_volume_has_no_image(self):
        instance = glances.instance(**{'image_' + _LIST: _CUT,
                                       'image_vmrun_guestos': 'other'})
        instance.vm_state = vm_states.BUILDING
        instance.image_ref = ''
        self.assertEqual({'vmrun_guestos': 'other'},
                         properties.requested('context', instance))
        self.assertEqual([], self.glance.asked)

    def test_image_that_no_longer_exists(self):
        self.assertRaises(exception.ImageRefused, self.requested,
                          **{_LIST: _CUT})

    def test_long_values_of_others_are_not_read(self):
        self.assertEqual({'description': _CUT},
                         self.requested(description=_CUT))
        self.assertEqual([], self.glance.asked)

    def test_unshelved_server_has_another_image_in_glance(self):
        self.assertEqual(
            {'os_type': 'linux'},
            self.requested(vm_states.SHELVED_OFFLOADED, os_type='linux',
                           **{_LIST: _CUT}))
        self.assertEqual([], self.glance.asked)


class RememberedTestCase(Base):

    def test_glance_is_not_asked(self):
        instance = glances.instance(**{
            'image_' + name: value for name, value in (
                ('os_type', 'linux'), ('description', _CUT), (_LIST, _CUT))})
        self.assertEqual({'os_type': 'linux', 'description': _CUT},
                         properties.remembered(instance))
        self.assertEqual([], self.glance.asked)


class UnshelvedTestCase(base.TestCase):

    def test_only_offloaded_servers(self):
        for state, expected in ((vm_states.SHELVED_OFFLOADED, True),
                                (vm_states.SHELVED, False),
                                (vm_states.BUILDING, False)):
            self.assertIs(expected, properties.is_unshelved(
                types.SimpleNamespace(vm_state=state)))


class ChosenNowTestCase(base.TestCase):

    def test_task_states(self):
        for state, expected in (
                (task_states.SPAWNING, table.BOTH),
                (task_states.UNSHELVING, table.BOTH),
                (task_states.REBUILDING, {table.IMAGE}),
                (task_states.REBUILD_SPAWNING, {table.IMAGE})):
            self.assertEqual(expected, properties.chosen_now(
                types.SimpleNamespace(task_state=state)))


class InGlanceTestCase(Base):

    def test_properties_without_a_value_are_left_out(self):
        self.in_glance(os_type='linux', hw_disk_bus=None)
        self.assertEqual({'os_type': 'linux'}, properties.in_glance(
            'context', glances.IMAGE))

    def test_image_that_the_user_cannot_read(self):
        self.assertRaises(exception.ImageRefused, properties.in_glance,
                          'context', glances.IMAGE)


class ReplaceTestCase(base.TestCase):

    def test_properties_of_the_image_alone(self):
        instance = glances.instance(image_os_type='linux', image_a='1',
                                    owner_user_name='me')
        properties.replace(instance, {'a': '2', 'b': '3'})
        self.assertEqual({'a': '2', 'b': '3'}, properties.kept(instance))
        self.assertEqual({'owner_user_name': 'me', 'image_a': '2',
                          'image_b': '3'}, instance.system_metadata)
