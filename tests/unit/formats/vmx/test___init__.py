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

import codecs

import hypothesis
from hypothesis import strategies

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from tests.unit.machine import base

keys = strategies.text(
    strategies.characters(exclude_categories=['Cs', 'Cc'],
                          exclude_characters=' =#\ufeff\u0130'),
    min_size=1)


class ParseTestCase(base.TestCase):

    def test_forms_of_a_line(self):
        for line, value in (
                ('a = "b"', 'b'), ('a="b"', 'b'), ('\ta\t=\t"b"\t', 'b'),
                ('a = b', 'b'), ('a = b"c', 'b"c'), ('a =', ''),
                ('a = ""', ''), ('a = "b" # c', 'b'), ('a = "b"# c', 'b'),
                ('a = b#c', 'b'), ('a = "b # c"', 'b # c'),
                ('a = # c', ''), (r'a = "C:\b"', r'C:\b'),
                ('a = "x\ty"', 'x\ty'), ('a = "\u2028\x0b"', '\u2028\x0b')):
            self.assertEqual({'a': value}, dict(vmx.parse(line)), line)

    def test_malformed_lines(self):
        for line in ('a', 'a b = "c"', 'a = b c', '= "b"', 'a = "b',
                     'a = "b"c"', 'a = "b" c', '// comment', 'a = "b\0c"',
                     'a = "\ud800"', '{"a": 1}'):
            error = self.assertRaises(
                exception.InvalidVmx, vmx.parse, 'x = "1"\n' + line)
            self.assertIn('Line 2 is malformed', str(error))

    def test_blank_lines_and_comments_are_ignored(self):
        text = '#!/usr/bin/vmware\n\n  \t\n # x = "1"\na = "b"\n'
        self.assertEqual({'a': 'b'}, dict(vmx.parse(text)))

    def test_every_line_end(self):
        for end in ('\n', '\r\n', '\r'):
            text = end.join(['a = "1"', 'b = "2"', ''])
            self.assertEqual({'a': '1', 'b': '2'}, dict(vmx.parse(text)))

    def test_duplicate_keys_ignore_case(self):
        error = self.assertRaises(
            exception.InvalidVmx, vmx.parse,
            'memSize = "4"\n# c\nmemsize = "4"\n')
        self.assertIn('Line 3 defines memsize a second time', str(error))

    def test_escapes(self):
        for written, value in (
                ('|22', '"'), ('|7C', '|'), ('|7c', '|'), ('|0A', '\n'),
                ('|C3|A9', 'é'), ('|', '|'), ('|G0', '|G0'), ('|2', '|2'),
                ('||22', '|"'), ('|7C22', '|22')):
            self.assertEqual(value, vmx.parse('a = "%s"' % written)['a'])

    def test_escapes_that_are_not_characters_are_malformed(self):
        self.assertRaises(exception.InvalidVmx, vmx.parse, 'a = "|FF"')

    def test_escapes_follow_the_encoding(self):
        self.assertEqual('é', vmx.parse('a = "|E9"', 'windows-1252')['a'])

    def test_a_long_line_does_not_take_quadratic_time(self):
        # Half a megabyte: minutes, were every split of the blanks tried.
        for line in ('a =' + ' ' * 500000 + '" ', ' ' * 500000 + 'a',
                     'a = "' + '|' * 500000, 'a' * 500000):
            self.assertRaises(exception.InvalidVmx, vmx.parse, line)

    @hypothesis.given(base.hostile)
    def test_no_text_raises_anything_else(self, text):
        try:
            vmx.parse(text)
        except exception.InvalidVmx:
            return

    @hypothesis.given(strategies.lists(strategies.sampled_from([
        'a', 'B', ' ', '\t', '=', '"', '|', '22', '#', '\n', '\r', 'é'])))
    def test_parsed_text_survives_a_round_trip(self, parts):
        try:
            parsed = vmx.parse(''.join(parts))
        except exception.InvalidVmx:
            return
        written = vmx.dump(parsed, controls=parsed)
        self.assertEqual(list(parsed.items()),
                         list(vmx.parse(written).items()))


class LoadTestCase(base.TestCase):

    def test_utf8_is_the_default(self):
        self.assertEqual('é', vmx.load('a = "é"'.encode())['a'])

    def test_byte_order_mark(self):
        data = codecs.BOM_UTF8 + b'a = "b"'
        self.assertEqual({'a': 'b'}, dict(vmx.load(data)))

    def test_encodings_of_windows(self):
        for name, text in (('windows-1252', 'é'), ('windows-1251', 'Ж'),
                           ('Big5', '中'), ('GBK', '中'),
                           ('Shift_JIS', 'あ')):
            data = ('.encoding = "%s"\na = "%s"\n' % (name, text)).encode(name)
            self.assertEqual(text, vmx.load(data)['a'])

    def test_windows_874_has_another_name_in_python(self):
        data = '.encoding = "windows-874"\na = "ก"\n'.encode('cp874')
        self.assertEqual('ก', vmx.load(data)['a'])

    def test_unknown_encoding(self):
        # hex and rot13 are codecs of Python that decode no characters.
        for name in ('klingon', 'hex', 'rot13', 'idna', 'unicode_escape'):
            error = self.assertRaises(
                exception.InvalidVmx, vmx.load,
                b'.encoding = "%s"\n' % name.encode())
            self.assertIn(name, str(error))

    def test_bytes_outside_the_encoding(self):
        error = self.assertRaises(exception.InvalidVmx, vmx.load,
                                  b'a = "\xff"')
        self.assertIn('Byte 5', str(error))

    @hypothesis.given(strategies.binary())
    def test_no_bytes_raise_anything_else(self, data):
        try:
            vmx.load(data)
        except exception.InvalidVmx:
            return


class DumpTestCase(base.TestCase):

    def test_form(self):
        settings = vmx.Vmx([('b', '1'), ('a', 'x"|\\é')])
        self.assertEqual('b = "1"\na = "x|22|7C\\é"\n', vmx.dump(settings))

    def test_a_tab_is_not_escaped(self):
        self.assertEqual('a = "x\ty"\n', vmx.dump({'a': 'x\ty'}))

    def test_control_characters_are_refused(self):
        for character in '\0\n\r\x01\x1f\x7f':
            error = self.assertRaises(exception.InvalidText, vmx.dump,
                                      {'a': 'x' + character})
            self.assertIn('U+%04X' % ord(character), str(error))

    def test_annotation_may_have_line_breaks(self):
        self.assertEqual('annotation = "x|0Ay"\n',
                         vmx.dump({'annotation': 'x\ny'}))

    def test_control_characters_from_a_file_of_vmware(self):
        parsed = vmx.parse('guestInfo.x = "1|0A|7F2"')
        self.assertEqual('guestInfo.x = "1|0A|7F2"\n',
                         vmx.dump(parsed, controls=parsed))

    def test_surrogates_are_refused(self):
        self.assertRaises(exception.InvalidText, vmx.dump, {'a': '\udc80'})

    def test_bad_names_are_refused(self):
        for key in ('', 'a b', 'a=b', 'a#b', 'a\nb', 'a\tb', '\udc80'):
            self.assertRaises(exception.InvalidText, vmx.dump, {key: '1'})

    @hypothesis.given(strategies.dictionaries(keys, base.printable))
    def test_written_text_parses_to_the_same(self, settings):
        meant = vmx.Vmx(settings)
        found = vmx.parse(vmx.dump(meant))
        self.assertEqual(list(meant.items()), list(found.items()))

    @hypothesis.given(keys, strategies.text())
    def test_any_text_is_written_correctly_or_refused(self, key, value):
        try:
            text = vmx.dump({key: value})
        except exception.InvalidText:
            return
        self.assertEqual({key: value}, dict(vmx.parse(text)))


class VmxTestCase(base.TestCase):

    def test_keys_ignore_case_and_keep_their_spelling_and_place(self):
        settings = vmx.Vmx([('memSize', '4'), ('guestOS', 'other')])
        settings['MEMSIZE'] = '8'
        self.assertEqual([('memSize', '8'), ('guestOS', 'other')],
                         list(settings.items()))
        self.assertIn('GuestOs', settings)
        del settings['GUESTOS']
        self.assertEqual(1, len(settings))
        self.assertNotIn(None, settings)

    def test_equality_ignores_case_and_order(self):
        one = vmx.Vmx([('a', '1'), ('b', '2')])
        self.assertEqual(one, vmx.Vmx([('B', '2'), ('A', '1')]))
        self.assertEqual(one, {'A': '1', 'b': '2'})
        self.assertNotEqual(one, {'a': '1'})
        self.assertNotEqual(one, {'a': '1', 'b': 'x'})
        self.assertNotEqual(one, 'a')

    def test_copy_is_independent(self):
        one = vmx.Vmx([('a', '1')])
        other = one.copy()
        other['a'] = '2'
        self.assertEqual('1', one['a'])

    def test_booleans(self):
        settings = vmx.Vmx([('t', 'True'), ('f', 'FALSE'), ('x', 'maybe')])
        self.assertTrue(settings.get_bool('T'))
        self.assertFalse(settings.get_bool('f', True))
        # As in VMware, nonsense is the default.
        self.assertTrue(settings.get_bool('x', True))
        self.assertFalse(settings.get_bool('missing'))

    def test_integers(self):
        settings = vmx.Vmx([('n', '-12'), ('x', '1.5'), ('e', '')])
        self.assertEqual(-12, settings.get_int('n'))
        self.assertEqual(7, settings.get_int('x', 7))
        self.assertEqual(7, settings.get_int('e', 7))
        self.assertEqual(0, settings.get_int('missing'))


class ScanTestCase(base.TestCase):

    def test_lines(self):
        text = '# head\na = "1"  # why\n\nbroken\n'
        lines = list(vmx.scan(text))
        self.assertEqual('head', lines[0].comment)
        self.assertEqual((2, 'a', '1', 'why'),
                         (lines[1].number, lines[1].key, lines[1].value,
                          lines[1].comment))
        self.assertIsNone(lines[2].comment)
        self.assertEqual('it has no "="', lines[3].problem)
