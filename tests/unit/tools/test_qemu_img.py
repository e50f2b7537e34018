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

import resource
import signal

from oslo_serialization import jsonutils

from nova_vmrun import exception
from nova_vmrun.tools import qemu_img
from tests.unit import base
from tests.unit import stubs


class QemuImgTestCase(base.TestCase):

    def tool(self, *answers):
        self.runner = stubs.ScriptedRunner(*answers)
        return qemu_img.QemuImg(self.runner, 'qemu-img', 77)

    def test_convert_names_the_source_format(self):
        self.tool().convert_to_vmdk('/i', 'qcow2', '/o.vmdk', 1 << 20)
        program, verb, source, *rest = self.runner.calls[0]
        self.assertEqual(('qemu-img', 'convert'), (program, verb))
        self.assertEqual(
            {'driver': 'qcow2', 'backing': None,
             'file': {'driver': 'file', 'filename': '/i'}}, self.node(source))
        self.assertEqual(
            ['-O', 'vmdk', '-o',
             'subformat=monolithicSparse,adapter_type=lsilogic', '/o.vmdk'],
            rest)

    def test_compare(self):
        tool = self.tool((0, ''), (1, 'Content mismatch at offset 0!'),
                         (2, 'no disk'))
        self.assertTrue(tool.have_same_content('/a.vmdk', '/b.vmdk'))
        program, verb, _quiet, *disks = self.runner.calls[0]
        self.assertEqual(('qemu-img', 'compare'), (program, verb))
        self.assertEqual(
            [{'driver': 'vmdk', 'backing': None,
              'file': {'driver': 'file', 'filename': name}}
             for name in ('/a.vmdk', '/b.vmdk')], list(map(self.node, disks)))
        self.assertFalse(tool.have_same_content('/a.vmdk', '/b.vmdk'))
        error = self.assertRaises(exception.ToolRefused,
                                  tool.have_same_content, '/a.vmdk', '/b.vmdk')
        self.assertIn('/a.vmdk and /b.vmdk', error.brief)

    def test_parent_named_in_a_disk_is_ignored(self):
        for disk_format, backing in (('qcow2', True), ('vmdk', True),
                                     ('raw', False), ('vdi', False)):
            self.tool().convert_to_vmdk('/i', disk_format, '/o.vmdk',
                                        1 << 20)
            node = self.node(self.runner.calls[0][2])
            self.assertEqual(backing, 'backing' in node, disk_format)
            self.assertIsNone(node.get('backing'))

    def test_convert_chain_names_every_file(self):
        self.tool().convert_chain(['/c.vmdk', '/b.vmdk', '/a.vmdk'], 'ide',
                                  '/o.vmdk')
        node = self.node(self.runner.calls[0][3])
        paths = []
        while node:
            self.assertEqual('vmdk', node['driver'])
            paths.append(node['file']['filename'])
            node = node['backing']
        self.assertEqual(['/c.vmdk', '/b.vmdk', '/a.vmdk'], paths)

    def test_shrink_vmdk_limits_the_size(self):
        self.tool().shrink_vmdk('/i.vmdk', 4096, '/o.vmdk')
        node = self.node(self.runner.calls[0][2])
        self.assertEqual(('raw', 4096, 'vmdk'), (
            node['driver'], node['size'], node['file']['driver']))

    def test_convert_a_disk_inside_a_file(self):
        self.tool().convert_to_vmdk('/i', 'vmdk', '/o.vmdk', 1 << 20,
                                    (512, 1024))
        self.assertEqual(
            {'driver': 'raw', 'offset': 512, 'size': 1024,
             'file': {'driver': 'file', 'filename': '/i'}},
            self.node(self.runner.calls[0][2])['file'])

    def test_vhd_uses_its_current_size(self):
        self.tool().convert_to_vmdk('/i', 'vpc', '/o.vmdk', 1 << 20)
        self.assertEqual('current_size', self.node(
            self.runner.calls[0][2])['force_size_calc'])

    def node(self, source):
        self.assertTrue(source.startswith('json:'))
        return jsonutils.loads(source[len('json:'):])

    def test_create_child_names_the_parent_format(self):
        self.tool().create_child('/p.vmdk', '/c.vmdk')
        self.assertEqual([(
            'qemu-img', 'create', '-f', 'vmdk', '-F', 'vmdk', '-b', '/p.vmdk',
            '-o', 'adapter_type=lsilogic', '/c.vmdk')], self.runner.calls)

    def test_convert_limits_memory_time_and_space(self):
        self.tool().convert_to_vmdk('/i', 'raw', '/o.vmdk', 1 << 20)
        options, = self.runner.options
        self.assertEqual(77, options['timeout'])
        self.assertEqual(
            {resource.RLIMIT_CPU: 77, resource.RLIMIT_AS: 2 << 30,
             resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE:
             (2 << 20) + 256}, options['limits'])

    def test_convert_with_less_space_than_it_may_need(self):
        for answer in ((1, 'error while writing: File too large\n'),
                       (-signal.SIGXFSZ, '')):
            tool = self.tool(answer)
            error = self.assertRaises(
                exception.DiskFull, tool.convert_to_vmdk, '/i', 'raw',
                '/o.vmdk', 1 << 20, available=5000)
            self.assertIn('5000 bytes', error.details)
            self.assertEqual(5000, self.runner.options[0]['limits'][
                resource.RLIMIT_FSIZE])
            with self.assertRaises(exception.ToolRefused) as caught:
                self.tool(answer).convert_to_vmdk('/i', 'raw', '/o.vmdk',
                                                  1 << 20, available=1 << 30)
            self.assertNotIsInstance(caught.exception, exception.DiskFull)

    def test_disk_full(self):
        for reason in ('No space left on device', 'Disk quota exceeded'):
            tool = self.tool((1, 'qemu-img: error while writing at byte 0: '
                                 '%s\n' % reason))
            self.assertRaises(exception.DiskFull, tool.convert_to_vmdk, '/i',
                              'raw', '/o.vmdk', 1 << 20)
