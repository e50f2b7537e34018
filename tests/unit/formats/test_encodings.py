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

from nova_vmrun import exception
from nova_vmrun.formats import encodings
from nova_vmrun.formats import vmdk
from nova_vmrun.formats import vmx
from tests.unit import base

# What VMware writes, what Python calls it, and a text in it.
_NAMES = (
    ('UTF-8', 'utf-8', '仮想 Büro'), ('UTF8', 'utf-8', 'é'),
    ('utf_8', 'utf-8', 'é'), ('ASCII', 'ascii', 'plain'),
    ('US-ASCII', 'ascii', 'plain'), ('windows-1250', 'cp1250', 'ž'),
    ('windows-1251', 'cp1251', 'Ж'), ('windows-1252', 'cp1252', 'Büro €'),
    ('Windows-1252', 'cp1252', '€'), ('cp1252', 'cp1252', '€'),
    ('windows-1253', 'cp1253', 'Ω'), ('windows-1254', 'cp1254', 'ğ'),
    ('windows-1255', 'cp1255', 'א'), ('windows-1256', 'cp1256', 'ع'),
    ('windows-1257', 'cp1257', 'ė'), ('windows-1258', 'cp1258', 'ơ'),
    ('GBK', 'gbk', '虚拟机'), ('windows-936', 'gbk', '虚'),
    ('windows-936-2000', 'gbk', '虚'), ('GB2312', 'gbk', '虚'),
    ('GB18030', 'gb18030', '虚㐀'), ('Shift_JIS', 'cp932', '仮想①'),
    ('shift-jis', 'cp932', '仮'), ('windows-31j', 'cp932', '仮'),
    ('windows-932', 'cp932', '仮'), ('ibm-943_P15A-2003', 'cp932', '仮'),
    ('EUC-JP', 'euc-jp', '仮'), ('Big5', 'cp950', '虛擬'),
    ('windows-950', 'cp950', '虛'), ('windows-950-2000', 'cp950', '虛'),
    ('Big5-HKSCS', 'big5hkscs', '虛'), ('EUC-KR', 'cp949', '가상'),
    ('windows-949-2000', 'cp949', '가똠'), ('windows-949', 'cp949', '가'),
    ('KS_C_5601-1987', 'cp949', '가'), ('ibm-874', 'cp874', 'ก'),
    ('windows-874', 'cp874', 'ก'), ('TIS-620', 'cp874', 'ก'),
    ('ISO-8859-11', 'cp874', 'ก'), ('ISO-8859-1', 'iso8859-1', 'é'),
    ('ISO_8859-1:1987', 'iso8859-1', 'é'), ('latin1', 'iso8859-1', 'é'),
    ('ISO-8859-2', 'iso8859-2', 'ž'), ('ISO-8859-5', 'iso8859-5', 'Ж'),
    ('ISO-8859-9', 'iso8859-9', 'ğ'), ('ISO-8859-15', 'iso8859-15', '€'),
    ('KOI8-R', 'koi8-r', 'Ж'), ('IBM850', 'cp850', 'é'),
    ('macintosh', 'mac-roman', 'é'))
# They are no encodings, or ones in which ASCII means something else.
_NOT_READ = ('klingon', 'hex', 'rot13', 'idna', 'unicode_escape', 'UTF-16',
             'UTF-16LE', 'UTF-32', 'UTF-7', 'ISO-2022-JP', 'ISO-2022-KR',
             'HZ-GB-2312', 'IBM037', 'johab', 'EBCDIC-9', '-')


class EncodingsTestCase(base.TestCase):

    def test_names(self):
        for name, codec, _ in _NAMES:
            self.assertEqual(codec, encodings.find(name), name)
            self.assertEqual(codec, encodings.find(name.upper()), name)

    def test_unsupported_names(self):
        for name in _NOT_READ:
            error = self.assertRaises(encodings.Unknown, encodings.find, name)
            self.assertIn(name, error.brief)
            self.assertTrue(error.resolution)

    def test_ascii_is_the_same_in_each_encoding(self):
        plain = bytes(range(128))
        for codec in set(encodings._CODECS.values()):
            self.assertEqual(plain.decode('ascii'), plain.decode(codec),
                             codec)

    def test_a_line_is_one_byte_of_ascii_in_each(self):
        """What separates values and lines is no part of a character."""
        for codec in set(encodings._CODECS.values()):
            for first in range(128, 256):
                for second in b'\n\r"= \t#':
                    data = bytes([first, second])
                    try:
                        text = data.decode(codec)
                    except UnicodeDecodeError:
                        continue
                    self.assertEqual(chr(second), text[-1:], (codec, data))

    def test_both_readers(self):
        for name, codec, text in _NAMES:
            settings = vmx.load(
                ('.encoding = "%s"\na = "%s"\n' % (name, text)).encode(codec))
            self.assertEqual(text, settings['a'], name)
            parsed = vmdk.parse_descriptor(vmdk.decode_descriptor(
                ('# Disk DescriptorFile\nencoding="%s"\nRW 8 FLAT "%s" 0\n'
                 % (name, text)).encode(codec) + b'\0\xff'))
            self.assertEqual(text, parsed.extents[0].name, name)

    def test_both_readers_refuse_an_unknown_encoding(self):
        for name in _NOT_READ:
            self.assertIn(name, str(self.assertRaises(
                exception.InvalidVmx, vmx.load,
                b'.encoding = "%s"\n' % name.encode())))
            self.assertIn(name, str(self.assertRaises(
                exception.InvalidVmdk, vmdk.decode_descriptor,
                b'encoding="%s"\n' % name.encode())))

    def test_the_line_that_names_the_encoding(self):
        for text in ('.encoding = "GBK"\n', '.ENCODING=GBK\n',
                     '#!/usr/bin/vmware\n\t.encoding\t=\t"gbk"\n',
                     'a = "1"\r\n.encoding = "GBK"\r\n'):
            self.assertEqual('gbk', vmx.decode(text.encode())[1], text)
        for text in ('# .encoding = "GBK"\n', 'a.encoding = "GBK"\n', ''):
            self.assertEqual('utf-8', vmx.decode(text.encode())[1], text)

    def test_byte_order_mark(self):
        text = codecs.BOM_UTF8 + b'.encoding = "UTF-8"\na = "\xc3\xa9"\n'
        self.assertEqual('é', vmx.load(text)['a'])

    def test_bytes_outside_the_encoding(self):
        error = self.assertRaises(
            exception.InvalidVmdk, vmdk.decode_descriptor,
            b'encoding="UTF-8"\nRW 8 FLAT "\xb2" 0\n')
        self.assertIn('utf-8', str(error))
