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
from nova.compute import task_states
from nova import exception as nova_exception
import testscenarios

from nova_vmrun import driver
from nova_vmrun import exception
from nova_vmrun.host import product
from nova_vmrun.host import resources
from nova_vmrun import hypervisor
from nova_vmrun.ops import cables
from nova_vmrun.ops import consoles
from nova_vmrun.ops import destroy
from nova_vmrun.ops import diagnostics
from nova_vmrun.ops.evacuation import evacuation
from nova_vmrun.ops import interfaces
from nova_vmrun.ops import lifecycle_events
from nova_vmrun.ops.nova import allocations
from nova_vmrun.ops.nova import errors
from nova_vmrun.ops.nova import mappings
from nova_vmrun.ops.nova import source_images
from nova_vmrun.ops import orphans
from nova_vmrun.ops.power import power
from nova_vmrun.ops import precache
from nova_vmrun.ops import rebuild
from nova_vmrun.ops import reconcile
from nova_vmrun.ops import rescue
from nova_vmrun.ops.resize import moves
from nova_vmrun.ops.resize import resize
from nova_vmrun.ops import serial_consoles
from nova_vmrun.ops import snapshot
from nova_vmrun.ops import spawn
from nova_vmrun.ops import volume_updates
from nova_vmrun.ops import volumes
from nova_vmrun.server import records
from nova_vmrun.server import states
from nova_vmrun.storage import server_storage
from tests.unit import base

UUID = '11111111-2222-3333-4444-555555555555'
NODE = 'host'


class Instance(types.SimpleNamespace):
    """Stands for one of nova.objects, which knows which fields are set."""

    def __contains__(self, name):
        return hasattr(self, name)


INSTANCE = Instance(uuid=UUID, task_state=None, vm_state='active',
                    get_network_info=lambda: 'network')
REVERTED = Instance(uuid=UUID, task_state='resize_reverting')
ANY = mock.ANY


class Base(base.TestCase):
    """A driver above operations that do nothing."""

    def setUp(self):
        super().setUp()
        self.parts = types.SimpleNamespace(
            metrics=mock.Mock(), tell_of_networks=mock.Mock(),
            exists=mock.Mock(return_value=True),
            record=mock.Mock(return_value=records.Record(
                UUID, 'instance-1', 'node-uuid', image_ref='')),
            age_caches=mock.Mock(),
            begin=mock.Mock(), finish_interrupted=mock.Mock(),
            close=mock.Mock(), state=mock.Mock(),
            max_vcpus=16, has_secure_boot=True,
            product=product.Product(product.WORKSTATION, (17, 6, 4), 'vmrun',
                                    None))
        for name, kind in (
                ('power', power.Power),
                ('evacuation', evacuation.Evacuation),
                ('destroy', destroy.Destroyer),
                ('consoles', consoles.Consoles),
                ('serial_consoles', serial_consoles.SerialConsoles),
                ('states', states.PowerStates), ('records', records.Records),
                ('reconciler', reconcile.Reconciler),
                ('interfaces', interfaces.Interfaces),
                ('cables', cables.Cables),
                ('resize', resize.Resize), ('rescue', rescue.Rescue),
                ('diagnostics', diagnostics.Diagnostics),
                ('events', lifecycle_events.LifecycleEvents),
                ('orphans', orphans.Orphans),
                ('allocations', allocations.Allocations),
                ('rebuild', rebuild.Rebuild), ('spawner', spawn.Spawner),
                ('precache', precache.Precache),
                ('storage', server_storage.ServerStorage),
                ('snapshots', snapshot.Snapshots),
                ('source_images', source_images.SourceImages),
                ('volumes', volumes.Volumes),
                ('volume_updates', volume_updates.VolumeUpdates),
                ('resources', resources.Host)):
            setattr(self.parts, name,
                    mock.create_autospec(kind, instance=True))
        for name, value in dict(
                vcpus=8, cpu_traits=set(), memory_mb=16384,
                memory_mb_used=4000, disk_gb=100,
                disk_gb_used=40, largest_disk_gb=100, largest_disk_gb_free=60,
                disk_gb_used_by_others=30, architecture='x86_64',
                cpu_info={'arch': 'x86_64'}).items():
            setattr(self.parts.resources, name, value)
        self.parts.resources.uptime.return_value = 'up'
        self.parts.evacuation.keeps_disks.return_value = False
        self.made = self.useFixture(fixtures.MockPatchObject(
            hypervisor, 'Hypervisor', return_value=self.parts)).mock
        self.useFixture(fixtures.MockPatch(
            'nova.virt.node.get_local_node_uuid', return_value='node-uuid'))
        self.useFixture(fixtures.MockPatchObject(
            moves, 'destination', return_value='there'))
        self.useFixture(fixtures.MockPatchObject(
            mappings, 'of_server', return_value='disks'))
        self.driver = driver.VmrunDriver(None)
        self.driver.init_host('host')

    def end_start(self):
        self.driver.get_available_resource(NODE)


# Each call from Nova, and the one operation that it leads to.
_CALLS = [
    ('spawn', ('context', INSTANCE, 'image', ['file'], 'password', {},
               'network', 'disks', False),
     'spawner.spawn', ('context', INSTANCE, 'image', ['file'], 'password',
                       'network', 'disks', False)),
    ('power_on', ('context', INSTANCE, 'network'), 'power.on',
     (UUID, ANY, ANY)),
    ('power_off', (INSTANCE,), 'power.off', (UUID, 0)),
    ('power_off', (INSTANCE, 60, 10), 'power.off', (UUID, 60)),
    ('reboot', ('context', INSTANCE, 'network', 'SOFT'), 'power.reboot_soft',
     (UUID, ANY)),
    ('reboot', ('context', INSTANCE, 'network', 'HARD'), 'power.reboot_hard',
     (UUID, ANY)),
    ('get_diagnostics', (INSTANCE,), 'diagnostics.untyped', (INSTANCE,)),
    ('get_instance_diagnostics', (INSTANCE,), 'diagnostics.typed',
     (INSTANCE,)),
    ('pause', (INSTANCE,), 'power.pause', (UUID,)),
    ('unpause', (INSTANCE,), 'power.unpause', (UUID,)),
    ('unpause', (INSTANCE,), 'cables.pull_stale', (INSTANCE,)),
    ('reboot', ('context', INSTANCE, 'network', 'SOFT'),
     'cables.pull_stale', (INSTANCE,)),
    ('suspend', ('context', INSTANCE), 'power.suspend', (UUID,)),
    ('resume', ('context', INSTANCE, 'network'), 'power.on',
     (UUID, ANY, ANY)),
    ('resume_state_on_host_boot', ('context', INSTANCE, 'network', 'shares'),
     'power.on', (UUID, ANY, ANY)),
    ('attach_interface', ('context', INSTANCE, 'image', 'vif'),
     'interfaces.attach', ('context', INSTANCE, 'vif')),
    ('detach_interface', ('context', INSTANCE, 'vif'),
     'interfaces.detach', ('context', INSTANCE, 'vif')),
    ('migrate_disk_and_power_off',
     ('context', INSTANCE, '10.0.0.2', 'flavor', 'network', 'disks', 60, 10),
     'resize.migrate', ('context', INSTANCE, 'there', 'flavor', 60, 'disks')),
    ('finish_migration',
     ('context', 'migration', INSTANCE, 'disk info', 'network', 'image', True,
      {}, 'disks', False),
     'resize.finish', ('context', INSTANCE, 'network', 'migration', False,
                       'disks')),
    ('attach_volume', ('context', 'info', INSTANCE, '/dev/sdb'),
     'volumes.attach', ('context', INSTANCE, 'info')),
    ('detach_volume', ('context', 'info', INSTANCE, '/dev/sdb'),
     'volumes.detach', (INSTANCE, 'info')),
    ('confirm_migration', ('context', 'migration', INSTANCE, 'network'),
     'resize.confirm', (UUID,)),
    ('finish_revert_migration',
     ('context', INSTANCE, 'network', 'migration', 'disks', False),
     'resize.revert', ('context', INSTANCE, 'network', 'migration', False,
                       'disks')),
    ('destroy', ('context', REVERTED, 'network'), 'resize.discard', (UUID,)),
    ('cache_image', ('context', 'image'), 'precache.fetch',
     ('context', 'image')),
    ('manage_image_cache', ('context', ['instance']),
     'age_caches', (['instance'],)),
    ('manage_image_cache', ('context', ['instance']), 'orphans.warn',
     ('context', NODE, ['instance'])),
]


class InterruptedTestCase(Base):

    def test_interrupted_operations_are_finished(self):
        self.parts.begin.assert_called_once_with(self.driver.emit_event)
        self.parts.finish_interrupted.assert_called_once_with()


class SlowRebootTestCase(Base):

    def test_it_is_logged_and_left_alone(self):
        self.driver.poll_rebooting_instances(600, [INSTANCE])
        self.assertIn('has not ended for 600 seconds', self.log.output)
        self.assertEqual([], self.parts.power.method_calls)


class OperationTestCase(testscenarios.TestWithScenarios, Base):

    scenarios = [
        ('%s %s' % (method, number),
         {'method': method, 'arguments': arguments, 'operation': operation,
          'passed': passed})
        for number, (method, arguments, operation, passed)
        in enumerate(_CALLS)]

    def setUp(self):
        super().setUp()
        self.end_start()

    def called(self):
        part = self.parts
        for name in self.operation.split('.'):
            part = getattr(part, name)
        return part

    def test_one_operation_is_called(self):
        getattr(self.driver, self.method)(*self.arguments)
        self.called().assert_called_once_with(*self.passed)

    def test_our_errors_become_novas(self):
        self.called().side_effect = exception.ToolTimeout('vmrun hung.')
        error = self.assertRaises(
            nova_exception.NovaException, getattr(self.driver, self.method),
            *self.arguments)
        self.assertIn('vmrun hung.', str(error))


class StartingTestCase(Base):
    """Nova repeats reboots while it starts, where no error may escape."""

    def test_failed_reboot_is_logged(self):
        for error in (exception.ToolTimeout('vmrun hung.'),
                      OSError(5, 'Broken'), ValueError('odd')):
            self.parts.power.reboot_hard.side_effect = error
            self.driver.reboot('context', INSTANCE, 'network', 'HARD')
            self.assertIn(str(error), self.log.output)

    def test_later_it_raises(self):
        self.end_start()
        self.parts.power.reboot_hard.side_effect = ValueError('odd')
        self.assertRaises(ValueError, self.driver.reboot, 'context', INSTANCE,
                          'network', 'HARD')


class RebuildTestCase(Base):

    def test_a_vm_that_an_interrupted_rebuild_has_removed(self):
        self.parts.exists.return_value = False
        for task_state, count in ((task_states.REBUILDING, 0),
                                  (task_states.POWERING_OFF, 1)):
            self.driver.power_off(types.SimpleNamespace(
                uuid=UUID, task_state=task_state))
            self.assertEqual(count, self.parts.power.off.call_count)


class RebootTestCase(Base):

    def setUp(self):
        super().setUp()
        self.end_start()

    def test_hard_reboot_rewrites_the_vmx(self):
        self.driver.reboot('context', INSTANCE, 'network', 'HARD')
        self.parts.reconciler.rebooter.assert_called_once_with(
            'context', INSTANCE, 'network', None)
        self.parts.power.reboot_hard.assert_called_once_with(
            UUID, self.parts.reconciler.rebooter.return_value)

    def test_a_hard_reboot_finds_what_a_resize_has_left(self):
        calls = mock.Mock()
        calls.attach_mock(self.parts.resize.recover, 'recover')
        calls.attach_mock(self.parts.reconciler.rebooter, 'rewriter')
        self.driver.reboot('context', INSTANCE, 'network', 'HARD')
        self.assertEqual([mock.call.recover(INSTANCE),
                          mock.call.rewriter('context', INSTANCE,
                                             'network', None)],
                         calls.mock_calls)

    def test_a_rescue_that_nova_has_forgotten_ends_before_a_start(self):
        for method, arguments in (
                ('reboot', ('HARD',)), ('power_on', ()),
                ('resume_state_on_host_boot', ('shares',))):
            calls = mock.Mock()
            calls.attach_mock(self.parts.rescue.end_forgotten, 'end')
            calls.attach_mock(self.parts.power.reboot_hard, 'start')
            calls.attach_mock(self.parts.power.on, 'start')
            getattr(self.driver, method)('context', INSTANCE, 'network',
                                         *arguments)
            self.assertEqual(['end', 'start'],
                             [call[0] for call in calls.mock_calls])

    def test_refused_reboot_stops_nothing(self):
        self.parts.reconciler.rebooter.side_effect = (
            exception.InvalidInput('no'))
        self.assertRaises(
            nova_exception.InvalidInput, self.driver.reboot, 'context',
            INSTANCE, 'network', 'HARD')
        self.assertFalse(self.parts.power.reboot_hard.called)
        self.assertFalse(self.parts.rescue.end_forgotten.called)

    def test_a_vm_that_goes_on_loses_adapters_without_a_port(self):
        for method, arguments in (
                ('power_on', ()), ('resume', ()),
                ('resume_state_on_host_boot', ('shares',))):
            self.parts.cables.reset_mock()
            getattr(self.driver, method)('context', INSTANCE, 'network',
                                         *arguments)
            _, _, goes_on = self.parts.power.on.call_args.args
            self.assertFalse(self.parts.cables.pull_stale.called)
            goes_on()
            self.parts.cables.pull_stale.assert_called_once_with(INSTANCE)


class StartTestCase(Base):
    """A host whose networks have changed since the last start."""

    def setUp(self):
        super().setUp()
        for prepare in (self.parts.reconciler.starter,
                        self.parts.reconciler.resumer):
            prepare.side_effect = exception.InvalidConfiguration('No vmnet3.')

    def refused(self, kind, method, *args):
        error = self.assertRaises(kind, getattr(self.driver, method),
                                  'context', INSTANCE, 'network', *args)
        self.assertFalse(self.parts.power.on.called)
        return error

    def test_power_on(self):
        self.refused(errors.OperationFailed, 'power_on')

    def test_start_with_the_host(self):
        self.refused(errors.OperationFailed, 'resume_state_on_host_boot',
                     'shares')

    def test_a_suspended_server_stays_suspended(self):
        error = self.refused(nova_exception.InstanceFaultRollback, 'resume')
        self.assertIn('No vmnet3.', str(error.inner_exception))


class DestroyTestCase(Base):

    def setUp(self):
        super().setUp()
        self.calls = mock.Mock()
        self.calls.attach_mock(self.parts.destroy.stop, 'stop')
        self.calls.attach_mock(self.parts.destroy.remove, 'remove')

    def check_calls(self, *names):
        self.assertEqual([getattr(mock.call, name)(UUID) for name in names],
                         self.calls.mock_calls)

    def test_destroy(self):
        self.driver.destroy('context', INSTANCE, 'network')
        self.check_calls('stop', 'remove')

    def test_destroy_without_destroy_disks(self):
        self.driver.destroy('context', INSTANCE, 'network',
                            destroy_disks=False)
        self.check_calls('stop')

    def test_cleanup(self):
        self.driver.cleanup('context', INSTANCE, 'network')
        self.check_calls('stop', 'remove')

    def test_cleanup_without_destroy_disks(self):
        self.driver.cleanup('context', INSTANCE, 'network',
                            destroy_disks=False)
        self.check_calls()

    def test_a_server_that_may_run_still_keeps_its_addresses(self):
        """Nova gives the ports back after any other exception."""
        self.parts.destroy.stop.side_effect = exception.ToolTimeout('hung')
        for method in (self.driver.destroy, self.driver.cleanup):
            self.assertRaises(nova_exception.InstancePowerOffFailure, method,
                              'context', INSTANCE, 'network')
        self.assertFalse(self.parts.destroy.remove.called)

    def test_files_of_a_server_that_may_run_still(self):
        self.parts.exists.return_value = False
        self.assertTrue(self.driver.delete_instance_files(INSTANCE))
        self.check_calls('stop', 'remove')

    def test_files_that_could_not_be_deleted(self):
        self.assertFalse(self.driver.delete_instance_files(INSTANCE))
        self.parts.exists.return_value = False
        self.parts.destroy.remove.side_effect = OSError(5, 'broken')
        self.assertFalse(self.driver.delete_instance_files(INSTANCE))
        self.assertIn('broken', self.log.output)

    def test_files_stay_if_the_server_does_not_stop(self):
        self.parts.exists.return_value = False
        self.parts.destroy.stop.side_effect = exception.ToolTimeout('hung')
        self.assertFalse(self.driver.delete_instance_files(INSTANCE))
        self.check_calls('stop')
        self.assertIn('hung', self.log.output)


class EndTestCase(Base):

    def test_consoles_end_with_nova_compute(self):
        self.driver.cleanup_host('host')
        self.parts.close.assert_called_once_with()

    def test_a_start_that_failed_can_be_ended(self):
        driver.VmrunDriver(None).cleanup_host('host')
        self.assertFalse(self.parts.close.called)
