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

import hypothesis

from nova_vmrun.formats import guestos
from nova_vmrun.formats.lint import check
from nova_vmrun.formats import vmx
from nova_vmrun.machine import model
from nova_vmrun.machine import render
from tests.unit.formats.lint import base
from tests.unit.machine import base as machines


def _lines(text, **arguments):
    return [(found.severity, found.line, found.key)
            for found in check.check(text, **arguments)]


class RenderedTestCase(machines.TestCase):

    def test_rendered_files_have_no_findings(self):
        for guest in guestos.all_guests().values():
            server = machines.make_server(
                {'vmrun_guestos': guest.id}, product=None, hw_version=22,
                arch=guest.arch, vcpus=4,
                vnc=model.Vnc('127.0.0.1', 5900), machine_id='x',
                serials=(model.Serial('file', 'a'),), annotation='x\ny')
            self.assertEqual([], check.check(render.render(server)))

    def test_files_that_vmware_has_changed_have_no_findings(self):
        # Put together from what is known of the first power-on.
        text = (machines.FIXTURES / 'after-power-on.vmx').read_text()
        self.assertEqual([], _lines(text))


class SyntaxTestCase(machines.TestCase):

    def test_all_malformed_lines_are_found(self):
        text = vmx.dump(base.PLAIN) + 'a b\nfoo = "1"\n= "2"\n'
        self.assertEqual([('error', 10, ''), ('warning', 11, 'foo'),
                          ('error', 12, '')], _lines(text))

    def test_repeated_keys(self):
        text = vmx.dump(base.PLAIN) + 'MEMSIZE = "4"\n'
        self.assertEqual([('error', 10, 'MEMSIZE')], _lines(text))

    def test_typographic_quotation_marks(self):
        for value in ('\u201cFALSE\u201d', '\u201eFALSE\u201c',
                      '\xabFALSE\xbb', '\u201cBox\u201d'):
            for key in ('vhv.enable', 'displayName'):
                text = vmx.dump(base.PLAIN) + '%s = %s\n' % (key, value)
                self.assertEqual([('error', 10, key)], _lines(text))
        self.assertEqual([], _lines(
            vmx.dump(base.PLAIN) + 'displayName = "\u201cBox\u201d"\n'))

    def test_an_empty_file(self):
        self.assertIn(('error', None, 'guestOS'), _lines(''))

    @hypothesis.given(machines.hostile)
    def test_no_text_raises(self, text):
        check.check(text, exists=lambda path: False)

    @hypothesis.given(machines.printable)
    def test_no_value_raises(self, value):
        text = vmx.dump(dict.fromkeys(
            ['memsize', 'numvcpus', 'cpuid.coresPerSocket', 'scsi0:0.present',
             'ethernet0.present', 'ethernet0.address', 'guestOS',
             'ethernet0.addressType', 'RemoteDisplay.vnc.ip'], value))
        check.check(text + 'RemoteDisplay.vnc.enabled = "TRUE"\n')


class BytesTestCase(machines.TestCase):
    """Faults of the whole file have the number of their line too."""

    def check(self, data):
        (found,) = check.check_bytes(data)
        return found.severity, found.line

    def test_undecodable_files(self):
        plain = vmx.dump(base.PLAIN).encode()
        count = plain.count(b'\n')
        self.assertEqual(('error', count + 1),
                         self.check(plain + b'annotation = "\xff"\n'))
        self.assertEqual(('error', count + 1), self.check(
            b'\xef\xbb\xbf' + plain + b'annotation = "\xff"\n'))
        self.assertEqual(('error', count + 1), self.check(
            plain + b'.encoding = "EBCDIC-9"\n'))
        self.assertEqual([], check.check_bytes(plain))

    def test_a_windows_encoding(self):
        self.assertEqual([], check.check_bytes(
            '.encoding = "windows-949-2000"\ndisplayName = "가"\n'.encode(
                'cp949') + vmx.dump(base.PLAIN).encode()))
