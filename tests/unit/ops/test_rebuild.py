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

"""Unit tests for the check before a rebuild."""

import types
from unittest import mock

from nova import exception as nova_exception

from nova_vmrun import exception
from nova_vmrun.ops.nova import allocations
from nova_vmrun.ops.nova import source_images
from nova_vmrun.ops import rebuild
from nova_vmrun.ops import spawn
from tests.unit import base

INSTANCE = types.SimpleNamespace(uuid='the-uuid')
ALLOCATIONS = {'provider': {'resources': {'VCPU': 1}}}


class RebuildTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.calls = mock.Mock()
        for name, kind in (('spawner', spawn.Spawner),
                           ('images', source_images.SourceImages),
                           ('allocations', allocations.Allocations)):
            self.calls.attach_mock(
                mock.create_autospec(kind, instance=True), name)
        self.rebuild = rebuild.Rebuild(
            self.calls.spawner, self.calls.images, self.calls.allocations)

    def check(self, preserve_ephemeral=False):
        self.rebuild.check(
            'context', INSTANCE, 'image', ['files'], 'password', ALLOCATIONS,
            'network', {'swap': None}, preserve_ephemeral)

    def refused(self, kind, **options):
        error = self.assertRaises(nova_exception.InstanceFaultRollback,
                                  self.check, **options)
        self.assertIsInstance(error.inner_exception, kind)
        self.assertIs(error.inner_exception, error.__cause__)
        return error

    def check_undone(self):
        """The server has its old image and keeps its allocations."""
        self.calls.allocations.expect_loss.assert_called_once_with(
            INSTANCE, ALLOCATIONS)
        self.calls.images.restore.assert_called_once_with(INSTANCE)
        self.assertIn('the server is unchanged', self.log.output)

    def test_build_that_would_work(self):
        self.check()
        self.calls.spawner.check.assert_called_once_with(
            'context', INSTANCE, 'image', ['files'], 'password', 'network',
            {'swap': None})
        self.assertEqual(1, len(self.calls.method_calls))

    def test_build_that_would_be_refused(self):
        self.calls.spawner.check.side_effect = exception.ImageRefused(
            'image', 'It is empty.')
        error = self.refused(nova_exception.ImageUnacceptable)
        self.assertIn('It is empty.', str(error.inner_exception))
        self.check_undone()

    def test_every_other_error(self):
        self.calls.spawner.check.side_effect = OSError(28, 'No space left')
        self.refused(Exception)
        self.check_undone()

    def test_ephemeral_disks_cannot_be_preserved(self):
        self.refused(nova_exception.PreserveEphemeralNotSupported,
                     preserve_ephemeral=True)
        self.assertFalse(self.calls.spawner.check.called)
        self.check_undone()

    def test_deletion_during_the_check(self):
        self.calls.spawner.check.side_effect = exception.InvalidInput('No.')
        gone = nova_exception.InstanceNotFound(instance_id='the-uuid')
        self.calls.images.restore.side_effect = gone
        self.assertIs(gone, self.assertRaises(
            nova_exception.InstanceNotFound, self.check))
