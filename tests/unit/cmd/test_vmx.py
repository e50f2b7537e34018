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

import io
import json
import pathlib
import types

import fixtures
import testtools

from nova_vmrun.cmd import vmx as commands
from nova_vmrun.cmd import vmx_render
from nova_vmrun import exception
from nova_vmrun.formats import vmx

MAC = 'fa:16:3e:0a:0b:0c'
IMAGE = '12345678-90ab-cdef-1234-567890abcdef'


class CommandTestCase(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def _write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding='utf-8')
        return str(path)

    def _run(self, command, *argv):
        """Runs a command.

        :returns: exit status and standard output
        """
        app = types.SimpleNamespace(stdout=io.StringIO(), options=None)
        instance = command(app, None)
        arguments = instance.get_parser('vmx').parse_args(argv)
        return instance.run(arguments), app.stdout.getvalue()

    def _rows(self, command, *argv):
        status, output = self._run(command, *argv, '-f', 'json')
        return status, json.loads(output)


class ShowTestCase(CommandTestCase):

    def test_rows(self):
        path = self._write('a.vmx', 'memsize = "64"\ndisplayName = "web"\n'
                                    'guestinfo.userdata = "c2VjcmV0"\n')
        status, rows = self._rows(commands.Show, path)
        self.assertEqual(0, status)
        self.assertEqual(
            [('Identity', 'displayName', 'web'),
             ('CPU and memory', 'memsize', '64'),
             ('Information for the guest', 'guestinfo.userdata', '***')],
            [tuple(row.values()) for row in rows])

    def test_a_malformed_file_is_named(self):
        path = self._write('a.vmx', 'a b\n')
        error = self.assertRaises(exception.InvalidVmx, self._run,
                                  commands.Show, path)
        self.assertIn(path, str(error))
        self.assertIn('Line 1', str(error))

    def test_a_guest_cannot_steer_the_terminal(self):
        path = self._write('a.vmx', 'annotation = "a|1B[2J|0Ab"\n'
                                    'k\x1b[2J = "1"\n')
        output = self._run(commands.Show, path)[1]
        self.assertNotIn('\x1b', output)
        self.assertIn(r'a\x1b[2J\nb', output)

    def test_a_file_in_another_encoding(self):
        path = self.folder / 'a.vmx'
        path.write_bytes('.encoding = "windows-1251"\n'
                         'displayName = "Ж|C6"\n'.encode('cp1251'))
        rows = self._rows(commands.Show, str(path))[1]
        self.assertIn('ЖЖ', [row['Value'] for row in rows])


class ExplainTestCase(CommandTestCase):

    def setUp(self):
        super().setUp()
        self.text = self._run(
            vmx_render.Render, '--property', 'hw_vif_model=e1000')[1]

    def _set_by(self, path, key):
        rows = self._rows(commands.Explain, path, '--key', key)[1]
        self.assertEqual({key}, {row['Key'] for row in rows})
        return rows[0]['Set by']

    def test_with_the_rendered_copy(self):
        self._write('a.vmx.rendered', self.text)
        live = vmx.parse(self.text)
        live['vmci0.id'] = '42'
        live['memsize'] = '512'
        path = self._write('a.vmx', vmx.dump(live))
        for key, expected in (
                ('ethernet0.virtualDev', 'image property hw_vif_model=e1000'),
                ('vmci0.id', 'written by VMware'),
                ('memsize', 'changed since it was rendered (flavor: 2048)'),
                ('msg.autoAnswer', 'template linux')):
            self.assertEqual(expected, self._set_by(path, key))

    def test_a_file_as_it_was_rendered(self):
        path = self._write('a.vmx', self.text)
        self.assertEqual('flavor', self._set_by(path, 'memsize'))

    def test_a_file_of_anybodys(self):
        path = self._write('a.vmx', 'memsize = "64"\nfoo = "1"\n')
        self.assertEqual('unknown', self._set_by(path, 'foo'))


class DiffTestCase(CommandTestCase):

    def test_two_files(self):
        one = self._write('a.vmx', 'memsize = "64"\nnumvcpus = "1"\n')
        two = self._write('b.vmx', 'memsize = "128"\nvmci0.id = "1"\n')
        status, rows = self._rows(commands.Diff, one, two)
        self.assertEqual(0, status)
        self.assertEqual(
            [('changed', 'memsize', '64', '128'),
             ('removed', 'numvcpus', '1', ''),
             ('added', 'vmci0.id', '', '1')],
            [tuple(row.values())[:4] for row in rows])

    def test_a_file_and_its_rendered_copy(self):
        path = self._write('a.vmx', 'memsize = "128"\n')
        self._write('a.vmx.rendered', 'memsize = "64" # flavor\n')
        rows = self._rows(commands.Diff, path)[1]
        self.assertEqual([('64', '128')],
                         [(row['Before'], row['After']) for row in rows])

    def test_without_a_rendered_copy(self):
        path = self._write('a.vmx', 'memsize = "128"\n')
        error = self.assertRaises(exception.VmrunError, self._run,
                                  commands.Diff, path)
        self.assertIn('a.vmx.rendered', str(error))


class LintTestCase(CommandTestCase):

    def test_a_rendered_file_lacks_its_disks(self):
        text = self._run(vmx_render.Render)[1]
        path = self._write('a.vmx', text)
        status, rows = self._rows(commands.Lint, path)
        self.assertEqual(1, status)
        self.assertEqual({'scsi0:0.fileName', 'sata0:0.fileName'},
                         {row['Key'] for row in rows})
        # Relative paths are the .vmx's.
        self._write('root.vmdk', '')
        self._write('config-drive.iso', '')
        self.assertEqual((0, []), self._rows(commands.Lint, path))

    def test_warnings_alone_are_no_failure(self):
        text = self._run(vmx_render.Render)[1] + 'foo = "1"\n'
        for name in ('root.vmdk', 'config-drive.iso'):
            self._write(name, '')
        status, rows = self._rows(commands.Lint,
                                  self._write('a.vmx', text))
        self.assertEqual(0, status)
        self.assertEqual([('warning', 'foo')],
                         [(row['Severity'], row['Key']) for row in rows])

    def test_a_malformed_file(self):
        path = self._write('a.vmx', 'memsize = "64"\nmemsize = "64"\n')
        status, rows = self._rows(commands.Lint, path)
        self.assertEqual(1, status)
        self.assertIn((2, 'memsize'),
                      [(row['Line'], row['Key']) for row in rows])
