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

import os
from unittest import mock

import fixtures

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.server import layout
from nova_vmrun.server import vmx_file
from tests.unit import base

UUID = '11111111-2222-3333-4444-555555555555'
TEXT = 'displayName = "web"\nmemsize = "128"\nannotation = "a|0Ab"\n'


class Base(base.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatch('os.fsync'))
        self.layout = layout.Layout(
            self.useFixture(fixtures.TempDir()).path, '_base')
        os.makedirs(self.layout.folder(UUID))
        self.slept = []
        self.files = vmx_file.VmxFiles(self.layout, self.slept.append)
        self.write(TEXT)

    def write(self, text):
        files.write_atomically(self.layout.vmx(UUID), text)

    def text(self):
        return files.read(self.layout.vmx(UUID)).decode('utf-8')

    def rendered(self):
        return files.read(self.layout.rendered(UUID)).decode('utf-8')

    def open(self):
        """Returns the .vmx, opened until the test ends."""
        opened = self.files.opened(UUID)
        self.addCleanup(opened.__exit__, None, None, None)
        return opened.__enter__()

    def count_loads(self):
        return self.useFixture(fixtures.MockPatchObject(
            vmx, 'load', wraps=vmx.load)).mock


class LoadTestCase(Base):

    def test_a_file_that_is_there(self):
        self.assertTrue(self.files.exists(UUID))
        self.assertEqual('web', self.files.load(UUID)['displayname'])

    def test_a_file_that_is_lost(self):
        os.remove(self.layout.vmx(UUID))
        self.assertFalse(self.files.exists(UUID))
        error = self.assertRaises(exception.VmNotFound, self.files.load, UUID)
        self.assertIn(UUID, error.brief)

    def test_a_malformed_file_names_the_server(self):
        self.write('half of a li')
        error = self.assertRaises(exception.InvalidVmx, self.files.load, UUID)
        self.assertIn(UUID, error.brief)
        self.assertIn('Line 1', error.details)

    def test_patience_ends_after_two_seconds(self):
        self.write('half of a li')
        self.assertRaises(exception.InvalidVmx, self.files.load_patiently,
                          UUID)
        self.assertEqual(2.0, sum(self.slept))

    def test_patience_waits_for_no_lost_file(self):
        os.remove(self.layout.vmx(UUID))
        self.assertRaises(exception.VmNotFound, self.files.load_patiently,
                          UUID)
        self.assertEqual([], self.slept)

    def test_patience_lets_vmware_finish(self):
        self.write('half of a li')
        patient = vmx_file.VmxFiles(self.layout, lambda _: self.write(TEXT))
        self.assertEqual('128', patient.load_patiently(UUID)['memsize'])


class EditTestCase(Base):

    def test_only_what_was_changed_changes(self):
        self.files.edit(UUID, lambda keys: keys.update(memsize='256'))
        self.assertEqual(TEXT.replace('128', '256'), self.text())
        self.assertEqual(0o600, os.stat(
            self.layout.vmx(UUID)).st_mode & 0o777)

    def test_without_a_change_nothing_is_written(self):
        before = os.stat(self.layout.vmx(UUID)).st_ino
        self.files.edit(UUID, lambda keys: keys.update(MEMSIZE='128'))
        self.assertEqual(before, os.stat(self.layout.vmx(UUID)).st_ino)

    def test_invalid_change_leaves_the_file_unchanged(self):
        for change in ({'a b': 'c'}, {'memsize': '\ud800'}):
            self.assertRaises(exception.InvalidText, self.files.edit, UUID,
                              lambda keys: keys.update(change))
        self.assertEqual(TEXT, self.text())

    def test_change_that_vmware_would_misread_is_refused(self):
        with mock.patch.object(vmx, 'dump', lambda keys, controls: TEXT):
            self.assertRaises(
                exception.InvalidVmx, self.files.edit, UUID,
                lambda keys: keys.update(memsize='256'))

    def test_a_lost_file(self):
        os.remove(self.layout.vmx(UUID))
        self.assertRaises(exception.VmNotFound, self.files.edit, UUID,
                          lambda keys: keys.update(memsize='256'))
        self.assertFalse(self.files.exists(UUID))

    def test_the_next_step_sees_the_change_without_a_second_parse(self):
        loads = self.count_loads()
        file = self.open()
        file.edit(lambda keys: keys.update(memsize='256'))
        file.edit(lambda keys: keys.update(numvcpus='2'))
        self.assertEqual(('256', '2'),
                         (file.keys['memsize'], file.keys['numvcpus']))
        self.assertEqual(vmx.parse(self.text()), file.keys)
        loads.assert_called_once()

    def test_a_copy(self):
        folder = self.layout.prepared(UUID)
        os.mkdir(folder)
        path = os.path.join(folder, UUID + '.vmx')
        files.write_atomically(path, TEXT)
        self.files.edit_copy(UUID, folder,
                             lambda keys: keys.update(memsize='256'))
        self.assertEqual(TEXT, self.text())
        self.assertEqual(TEXT.replace('128', '256'),
                         files.read(path).decode('utf-8'))


class RenderTestCase(Base):

    def render(self, rendered, text=None, file=None):
        """Renders; returns what the renderer was given."""
        given = []

        def make(*present):
            given.extend(present)
            return rendered, text or rendered

        (file or self.open()).render(make)
        return given

    def test_a_file_that_is_lost(self):
        os.remove(self.layout.vmx(UUID))
        self.assertEqual([None, None], self.render('memsize = "64"\n'))
        self.assertEqual(['memsize = "64"\n'] * 2,
                         [self.text(), self.rendered()])

    def test_the_renderer_gets_both_files(self):
        files.write_atomically(self.layout.rendered(UUID),
                               'memsize = "128"\n')
        live, former = self.render('memsize = "64"\n',
                                   'memsize = "64"\nvmci0.id = "1"\n')
        self.assertEqual(vmx.parse(TEXT), live)
        self.assertEqual({'memsize': '128'}, former)
        self.assertEqual('memsize = "64"\nvmci0.id = "1"\n', self.text())
        self.assertEqual('memsize = "64"\n', self.rendered())

    def test_a_copy_that_is_lost(self):
        self.assertIsNone(self.render('memsize = "64"\n')[1])

    def test_equal_rendering_is_not_written(self):
        files.write_atomically(self.layout.rendered(UUID), TEXT)
        with mock.patch.object(files, 'write_atomically') as write:
            self.render(TEXT)
        write.assert_not_called()

    def test_a_malformed_file_is_left_alone(self):
        self.write('half of a li')
        self.assertRaises(exception.InvalidVmx, self.render, TEXT)
        self.assertEqual('half of a li', self.text())

    def test_the_next_step_sees_what_was_rendered(self):
        file = self.open()
        self.render('memsize = "64"\n', file=file)
        self.assertTrue(file.exists())
        self.assertEqual({'memsize': '64'}, file.keys)


class PlaceholderTestCase(Base):
    """The lost .vmx of a VM that runs."""

    def setUp(self):
        super().setUp()
        os.remove(self.layout.vmx(UUID))

    def test_it_is_there_and_stays(self):
        with self.files.placeholder(UUID):
            self.assertIn('config.version', self.files.load(UUID))
        self.assertTrue(self.files.exists(UUID))

    def test_it_goes_if_the_vm_was_not_stopped(self):
        def stop():
            with self.files.placeholder(UUID):
                raise exception.ToolTimeout('stop hangs')

        self.assertRaises(exception.ToolTimeout, stop)
        self.assertFalse(self.files.exists(UUID))
