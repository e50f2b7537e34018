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

import errno
import os
import types

import fixtures
from nova import exception as nova_exception
import testscenarios

from nova_vmrun import exception
from nova_vmrun.ops.nova import errors
from tests.unit import base

INSTANCE = types.SimpleNamespace(
    uuid='11111111-2222-3333-4444-555555555555')

# What Nova's compute manager ends a build for. After any other exception it
# tries the next host.
_ENDS_A_BUILD = (
    nova_exception.FlavorDiskTooSmall, nova_exception.ImageUnacceptable,
    nova_exception.InvalidInput)

_ARGUMENTS = {
    exception.InvalidProperty: ('name', 'value'),
    exception.UnknownGuestOS: ('name', 'value'),
    exception.ImageRefused: ('image-id', 'reason'),
    exception.DiskTooSmall: (1, 2),
}


def _all_kinds(kind):
    yield kind
    for below in kind.__subclasses__():
        yield from _all_kinds(below)


def raised_for(error, instance=INSTANCE):
    """Returns what Nova gets for an error of ours."""
    try:
        with errors.as_nova(instance):
            raise error
    except nova_exception.NovaException as raised:
        return raised


class EachKindTestCase(testscenarios.TestWithScenarios, base.TestCase):

    scenarios = [(kind.__name__, {'kind': kind})
                 for kind in _all_kinds(exception.VmrunError)
                 if kind.__module__.startswith('nova_vmrun.')]

    def test_a_user_is_told_and_a_host_is_replaced(self):
        raised = raised_for(self.kind(*_ARGUMENTS.get(self.kind, ('brief',))))
        users = issubclass(self.kind, (
            exception.InvalidInput, exception.ImageRefused,
            exception.DiskTooSmall))
        self.assertEqual(users, isinstance(raised, _ENDS_A_BUILD))


class AsNovaTestCase(base.TestCase):

    def test_all_three_parts_are_told(self):
        text = str(raised_for(exception.VmrunError(
            'What failed.', 'Command: x.', 'Do this.')))
        self.assertEqual('What failed. Command: x. Do this.', text)

    def test_an_image(self):
        raised = raised_for(exception.ImageRefused(
            'image-1', 'It is broken.', 'Upload it again.'))
        self.assertIs(nova_exception.ImageUnacceptable, type(raised))
        for words in ('image-1', 'It is broken.', 'Upload it again.'):
            self.assertIn(words, str(raised))

    def test_a_disk_that_is_too_small(self):
        raised = raised_for(exception.DiskTooSmall(1 << 30, 2 << 30))
        self.assertIn('is %d bytes, image is %d bytes' % (1 << 30, 2 << 30),
                      str(raised))

    def test_a_vm_that_is_gone(self):
        gone = exception.VmNotFound('gone')
        self.assertIsInstance(raised_for(gone),
                              nova_exception.InstanceNotFound)
        self.assertIsInstance(raised_for(gone, instance=None),
                              errors.OperationFailed)

    def test_what_a_user_got_wrong_is_logged_here_too(self):
        raised_for(exception.InvalidInput('A bad name.'))
        self.assertIn('A bad name.', self.log.output)

    def test_long_details_come_last(self):
        details = 'Command: %s.' % ('x' * 300)
        text = str(raised_for(exception.VmrunError(
            'What failed.', details, 'Do this.')))
        self.assertEqual('What failed. Do this. ' + details, text)

    def test_a_file_system_that_takes_no_writes(self):
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
            text = str(raised_for(OSError(number, 'text', '/vm/a.vmdk')))
            self.assertIn('A file of server %s cannot be written: %s.'
                          % (INSTANCE.uuid, os.strerror(number)), text)
            self.assertIn('/vm/a.vmdk', text)
        self.assertIn('of this host', str(raised_for(
            OSError(errno.EROFS, 'text'), instance=None)))

    def test_other_exceptions_pass(self):
        def fail():
            with errors.as_nova(INSTANCE):
                raise OSError(errno.ECONNREFUSED, 'Connection refused')

        self.assertRaises(OSError, fail)


class FolderTestCase(base.TestCase):

    def told(self, text, instance=INSTANCE):
        return str(raised_for(exception.VmrunError(text), instance))

    def test_files_of_the_server(self):
        for folder in ('/srv/nova/instances/', '/Users/me/Virtual Machines/',
                       'C:\\VMs\\'):
            path = folder + INSTANCE.uuid + folder[-1]
            self.assertEqual(
                "Cannot open VM: a.vmx, or/and 'root.vmdk'.",
                self.told("Cannot open VM: %sa.vmx, or/and '%sroot.vmdk'."
                          % (path, path)))

    def test_files_of_the_cache(self):
        self.useFixture(fixtures.MockPatch(
            'nova.conf.CONF', types.SimpleNamespace(
                instances_path='/srv/nova/')))
        for text in ('The base disk %s is damaged.',
                     'Command: qemu-img json:{"filename": "%s"}'):
            self.assertEqual(text % '_base/a/disk-1.vmdk', self.told(
                text % '/srv/nova/_base/a/disk-1.vmdk'))

    def test_other_files(self):
        text = 'Cannot read /etc/vmware/config of %s.' % INSTANCE.uuid
        self.assertEqual(text, self.told(text))
        self.assertEqual(text, self.told(text, None))
