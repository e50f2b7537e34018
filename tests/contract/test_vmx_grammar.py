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

"""The grammar of .vmx files, seen through vmrun (facts 6.1)."""

from tests.contract import base

CANNOT_READ = ('Cannot open VM: %s, Cannot read the virtual machine '
               'configuration file')


class GrammarTest(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.vm = self.make_vm(disk=False)

    def write(self, line, encoding='utf-8'):
        with open(self.vm.vmx, 'ab') as f:
            f.write(line.encode(encoding))

    def reads(self, line, key, value, encoding='utf-8'):
        """Expect the line to be read as this value."""
        self.write(line + '\n', encoding)
        self.says(value + '\n', 'readVariable', self.vm.vmx,
                  'runtimeConfig', key)

    def malformed(self, line):
        self.write(line + '\n')
        self.refused(CANNOT_READ % self.vm.vmx, 'listSnapshots', self.vm.vmx)

    def test_vmx_quoted_value(self):
        self.reads('a.b = "one # two = three"', 'a.b', 'one # two = three')

    def test_vmx_unquoted_value(self):
        self.reads('a.b = TRUE', 'a.b', 'TRUE')

    def test_vmx_unquoted_value_with_a_blank_malformed(self):
        self.malformed('a.b = my vm')

    def test_vmx_value_may_be_empty(self):
        self.reads('a.b =', 'a.b', '')

    def test_vmx_blanks_are_free(self):
        self.reads('  a.b="x"   # a comment', 'a.b', 'x')

    def test_vmx_tabs_are_blanks(self):
        self.reads('\ta.b\t=\t"x"', 'a.b', 'x')

    def test_vmx_comments_and_blank_lines(self):
        self.reads('# comment\n\n   \na.b = "x"', 'a.b', 'x')

    def test_vmx_text_after_the_quote_malformed(self):
        self.malformed('a.b = "x" y')

    def test_vmx_inner_quote_malformed(self):
        self.malformed('a.b = "x"y"')

    def test_vmx_unclosed_quote_malformed(self):
        self.malformed('a.b = "x')

    def test_vmx_line_without_equals_malformed(self):
        self.malformed('a.b "x"')

    def test_vmx_slashes_are_no_comment(self):
        self.malformed('// comment')

    def test_vmx_escapes_are_decoded(self):
        self.reads('a.b = "say |22hi|22 |7C|7c"', 'a.b', 'say "hi" ||')

    def test_vmx_pipe_without_hex_is_literal(self):
        self.reads('a.b = "x|y|2"', 'a.b', 'x|y|2')

    def test_vmx_values_are_escaped_when_written(self):
        self.done('writeVariable', self.vm.vmx, 'runtimeConfig', 'a.b',
                  'say "hi" | \x7f')
        with open(self.vm.vmx) as f:
            self.assertIn('a.b = "say |22hi|22 |7C |7F"\n', f.read())

    def test_vmx_backslash_is_literal(self):
        self.reads('a.b = "C:\\vms\\x"', 'a.b', 'C:\\vms\\x')

    @base.sample
    def test_vmx_keys_ignore_case(self):
        self.reads('Some.Key = "x"', 'sOME.kEY', 'x')

    def test_vmx_duplicate_in_other_case_refused(self):
        self.malformed('DISPLAYNAME = "x"')

    def test_vmx_encoding_twice_refused(self):
        self.malformed('.encoding = "UTF-8"')

    def test_vmx_shebang_is_a_comment(self):
        with open(self.vm.vmx) as f:
            text = f.read()
        with open(self.vm.vmx, 'w') as f:
            f.write('#!/usr/bin/vmware\n' + text)
        self.done('start', self.vm.vmx, 'nogui')

    def test_vmx_byte_order_mark_is_tolerated(self):
        with open(self.vm.vmx, 'rb') as f:
            data = f.read()
        with open(self.vm.vmx, 'wb') as f:
            f.write(b'\xef\xbb\xbf' + data)
        self.done('start', self.vm.vmx, 'nogui')

    def test_vmx_unknown_encoding_refused(self):
        self.vm.set(__encoding='EBCDIC-9')
        self.refused(CANNOT_READ % self.vm.vmx, 'listSnapshots', self.vm.vmx)

    def test_vmx_windows_encoding_is_read(self):
        self.vm.set(__encoding='windows-1252')
        self.reads('a.b = "caf\u00e9"', 'a.b', 'caf\u00e9', 'cp1252')

    def test_vmx_encodings_by_other_names_are_read(self):
        for name, text, codec in (
                ('utf8', 'caf\u00e9', 'utf-8'),
                ('ISO_8859-1', 'caf\u00e9', 'latin-1'),
                ('windows-31j', '\u4eee', 'cp932'),
                ('windows-949-2000', '\uac00', 'cp949'),
                ('ibm-874', '\u0e01', 'cp874'), ('gb2312', '\u4e2d', 'gbk')):
            self.vm = self.make_vm(codec, disk=False)
            self.vm.set(__encoding=name)
            self.reads('a.b = "%s"' % text, 'a.b', text, codec)

    def test_vmx_carriage_returns_are_malformed(self):
        self.write('a.b = "x"\r\n')
        self.refused(CANNOT_READ % self.vm.vmx, 'listSnapshots', self.vm.vmx)

    def test_vmx_written_form(self):
        self.write('a.b=x\n')
        self.done('start', self.vm.vmx, 'nogui')
        with open(self.vm.vmx) as f:
            self.assertIn('a.b = "x"\n', f.read())

    def test_vmx_comments_survive_a_rewrite(self):
        self.write('# a comment of ours\n')
        self.done('start', self.vm.vmx, 'nogui')
        with open(self.vm.vmx) as f:
            self.assertIn('# a comment of ours\n', f.read())

    def test_vmx_last_line_may_lack_its_end(self):
        self.reads('a.b = "x"', 'a.b', 'x')
