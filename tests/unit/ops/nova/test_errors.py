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

import ast
import errno
import os
import pathlib
import types

import fixtures
from nova import exception as nova_exception
import testscenarios

import nova_vmrun
from nova_vmrun import exception
from nova_vmrun.machine import render
from nova_vmrun.ops.nova import errors
from tests.unit import base

INSTANCE = types.SimpleNamespace(
    uuid='11111111-2222-3333-4444-555555555555')

# What Nova gets for each class that is raised.
_TRANSLATIONS = {
    exception.InvalidInput: nova_exception.InvalidInput,
    exception.InvalidText: nova_exception.InvalidInput,
    exception.InvalidProperty: nova_exception.InvalidInput,
    exception.UnknownGuestOS: nova_exception.InvalidInput,
    exception.ImageRefused: nova_exception.ImageUnacceptable,
    exception.DiskTooSmall: nova_exception.FlavorDiskSmallerThanImage,
    exception.InvalidConfiguration: errors.OperationFailed,
    exception.NotSupported: errors.OperationFailed,
    exception.WrongProduct: errors.OperationFailed,
    exception.NoDisplay: errors.OperationFailed,
    exception.ToolNotFound: errors.OperationFailed,
    exception.FileSystemFailed: errors.OperationFailed,
    exception.StorageFolderMissing: errors.OperationFailed,
    exception.NoStorageFolder: nova_exception.ComputeResourcesUnavailable,
    exception.DiskFull: errors.OperationFailed,
    exception.NotPoweredOn: errors.OperationFailed,
    exception.ServerInUse: errors.OperationFailed,
    exception.NotStopped: errors.OperationFailed,
    exception.AlreadyPoweredOn: errors.OperationFailed,
    exception.VmPaused: errors.OperationFailed,
    exception.VmUnlisted: errors.OperationFailed,
    exception.StateUnknown: errors.OperationFailed,
    exception.ToolsNotRunning: errors.OperationFailed,
    exception.AgentNotRunning: errors.OperationFailed,
    exception.GuestBusy: errors.OperationFailed,
    exception.FileInUse: errors.OperationFailed,
    exception.DiskChanged: errors.OperationFailed,
    exception.HasSnapshots: errors.OperationFailed,
    exception.SnapshotExists: errors.OperationFailed,
    exception.VmNotFound: nova_exception.InstanceNotFound,
    exception.SnapshotNotFound: errors.OperationFailed,
    exception.InvalidVmx: errors.OperationFailed,
    exception.ConfigUnreadable: errors.OperationFailed,
    exception.InvalidVmdk: errors.OperationFailed,
    exception.VmIncomplete: errors.OperationFailed,
    exception.RecordUnreadable: errors.OperationFailed,
    exception.BaseDamaged: errors.OperationFailed,
    exception.VolumeDamaged: errors.OperationFailed,
    exception.ToolTimeout: errors.OperationFailed,
    exception.ToolRefused: errors.OperationFailed,
    exception.Canceled: errors.OperationFailed,
    exception.AgentRefused: errors.OperationFailed,
    exception.UploadFailed: errors.OperationFailed,
    render.InvalidTemplate: errors.OperationFailed,
}
# What the caller does next; these are only caught.
_GROUPS = (exception.VmrunError, exception.UserError, exception.HostError,
           exception.VmStateError, exception.NotFound, exception.DamagedFile)
# Nova's compute manager ends a build after these, and tries the next host
# after any other exception.
_ENDS_A_BUILD = (
    nova_exception.FlavorDiskTooSmall, nova_exception.ImageUnacceptable,
    nova_exception.InvalidInput)

_ARGUMENTS = {
    exception.InvalidProperty: ('name', 'value'),
    exception.UnknownGuestOS: ('name', 'value'),
    exception.ImageRefused: ('image-id', 'reason'),
    exception.DiskTooSmall: (1, 2),
}


def _classes_of_exception():
    return [each for each in vars(exception).values()
            if isinstance(each, type)]


def raised_for(error, instance=INSTANCE):
    """Return what Nova gets for an error of ours."""
    try:
        with errors.as_nova(instance):
            raise error
    except nova_exception.NovaException as raised:
        return raised


class TranslationTestCase(testscenarios.TestWithScenarios, base.TestCase):

    scenarios = [(kind.__name__, {'kind': kind, 'expected': expected})
                 for kind, expected in _TRANSLATIONS.items()]

    def setUp(self):
        super().setUp()
        self.raised = raised_for(
            self.kind(*_ARGUMENTS.get(self.kind, ('brief',))))

    def test_class_for_nova(self):
        self.assertIs(self.expected, type(self.raised))

    def test_only_errors_of_users_end_a_build(self):
        self.assertEqual(issubclass(self.kind, exception.UserError),
                         isinstance(self.raised, _ENDS_A_BUILD))


class TreeTestCase(base.TestCase):

    def test_each_class_that_is_raised_has_a_translation(self):
        self.assertEqual(
            set(_classes_of_exception()) - set(_GROUPS),
            {kind for kind in _TRANSLATIONS
             if kind.__module__ == exception.__name__})

    def test_groups_are_not_raised(self):
        names = {group.__name__ for group in _GROUPS}
        root = pathlib.Path(nova_vmrun.__file__).parent
        made = ['%s:%d' % (path.relative_to(root), node.lineno)
                for path in sorted(root.rglob('*.py'))
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Call) and
                isinstance(node.func, ast.Attribute) and
                node.func.attr in names and
                isinstance(node.func.value, ast.Name) and
                node.func.value.id == 'exception']
        self.assertEqual([], made)

    def test_the_picture_of_the_tree_is_complete(self):
        picture = exception.__doc__.partition('::')[2].partition(
            '\nRaise a class')[0]
        found, above = {}, {}
        for line in picture.strip('\n').splitlines():
            depth = (len(line) - len(line.lstrip())) // 2
            name = line.split()[0]
            above[depth] = name
            found[name] = above.get(depth - 1, 'Exception')
        self.assertEqual({each.__name__: each.__base__.__name__
                          for each in _classes_of_exception()}, found)

    def test_every_error_has_the_output_of_its_program(self):
        error = exception.DiskFull('Full.', output='Error: full', exit_code=0)
        self.assertEqual(('Error: full', 0), (error.output, error.exit_code))
        error = exception.ImageRefused('image-1', 'It is broken.')
        self.assertEqual(('', None), (error.output, error.exit_code))


class AsNovaTestCase(base.TestCase):

    def test_text_has_all_three_parts(self):
        text = str(raised_for(exception.ToolRefused(
            'What failed.', 'Command: x.', 'Do this.')))
        self.assertEqual('What failed. Command: x. Do this.', text)

    def test_refused_image(self):
        raised = raised_for(exception.ImageRefused(
            'image-1', 'It is broken.', 'Upload it again.'))
        self.assertIs(nova_exception.ImageUnacceptable, type(raised))
        for words in ('image-1', 'It is broken.', 'Upload it again.'):
            self.assertIn(words, str(raised))

    def test_disk_too_small(self):
        raised = raised_for(exception.DiskTooSmall(1 << 30, 2 << 30))
        self.assertIn('is %d bytes, image is %d bytes' % (1 << 30, 2 << 30),
                      str(raised))

    def test_vm_not_found(self):
        gone = exception.VmNotFound('gone')
        self.assertIsInstance(raised_for(gone),
                              nova_exception.InstanceNotFound)
        self.assertIsInstance(raised_for(gone, instance=None),
                              errors.OperationFailed)

    def test_invalid_input_is_logged(self):
        raised_for(exception.InvalidInput('A bad name.'))
        self.assertIn('A bad name.', self.log.output)

    def test_long_details_come_last(self):
        details = 'Command: %s.' % ('x' * 300)
        text = str(raised_for(exception.ToolRefused(
            'What failed.', details, 'Do this.')))
        self.assertEqual('What failed. Do this. ' + details, text)

    def test_file_system_that_cannot_be_written(self):
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
            text = str(raised_for(OSError(number, 'text', '/vm/a.vmdk')))
            self.assertIn('Cannot write a file of server %s: %s.'
                          % (INSTANCE.uuid, os.strerror(number)), text)
            self.assertIn('/vm/a.vmdk', text)
        self.assertIn('of this host', str(raised_for(
            OSError(errno.EROFS, 'text'), instance=None)))

    def test_other_exceptions_are_not_translated(self):
        def fail():
            with errors.as_nova(INSTANCE):
                raise OSError(errno.ECONNREFUSED, 'Connection refused')

        self.assertRaises(OSError, fail)


class FolderTestCase(base.TestCase):

    def shown(self, text, instance=INSTANCE):
        return str(raised_for(exception.ToolRefused(text), instance))

    def test_files_of_the_server(self):
        for folder in ('/srv/nova/instances/', '/Users/me/Virtual Machines/',
                       'C:\\VMs\\'):
            path = folder + INSTANCE.uuid + folder[-1]
            self.assertEqual(
                "Cannot open VM: a.vmx, or/and 'root.vmdk'.",
                self.shown("Cannot open VM: %sa.vmx, or/and '%sroot.vmdk'."
                           % (path, path)))

    def test_files_of_the_cache(self):
        self.useFixture(fixtures.MockPatch(
            'nova.conf.CONF', types.SimpleNamespace(
                instances_path='/srv/nova/')))
        for text in ('The base disk %s is damaged.',
                     'Command: qemu-img json:{"filename": "%s"}'):
            self.assertEqual(text % '_base/a/disk-1.vmdk', self.shown(
                text % '/srv/nova/_base/a/disk-1.vmdk'))

    def test_other_files(self):
        text = 'Cannot read /etc/vmware/config of %s.' % INSTANCE.uuid
        self.assertEqual(text, self.shown(text))
        self.assertEqual(text, self.shown(text, None))


class RolledBackTestCase(base.TestCase):

    def test_server_stays_in_its_state(self):
        def fail():
            with errors.rolled_back(INSTANCE):
                raise exception.ToolTimeout('vmrun hung.')

        error = self.assertRaises(nova_exception.InstanceFaultRollback, fail)
        self.assertEqual('vmrun hung.', str(error.inner_exception))

    def test_server_may_still_run(self):
        def fail():
            with errors.power_off_failed():
                raise exception.ToolTimeout('vmrun hung.')

        error = self.assertRaises(nova_exception.InstancePowerOffFailure,
                                  fail)
        self.assertIn('vmrun hung.', str(error))
