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


"""Character encodings by the names that VMware writes.

VMware's products write the host's encoding into .vmx files and VMDK
descriptors, under its IANA, Windows or ICU name. They ignore case and
punctuation when comparing names (open-vm-tools, unicodeSimpleTypes.c).

The table is closed because some of Python's codecs are not encodings. It
leaves out encodings in which ASCII bytes can mean something else, such as
UTF-16, ISO-2022-JP and Johab: a program that reads bytes would see other lines
than we do.
"""

import codecs
import re

from nova_vmrun import exception

_NOT_IN_NAMES = re.compile('[^a-z0-9]')

# Python's codecs and the names of the encodings that they read. If Windows has
# more characters than a standard of the same name, the codec is Windows'.
_NAMES = {
    'utf-8': 'UTF-8 ibm-1208 windows-65001 cp65001',
    'ascii': 'ASCII US-ASCII ANSI_X3.4-1968 ANSI_X3.4-1986 ISO646-US us '
             'IBM367 cp367 csASCII 646 ascii7 windows-20127',
    'iso8859-1': 'latin1 l1 IBM819 ibm-819 cp819 819 windows-28591',
    'iso8859-2': 'latin2 l2 ibm-912 cp912 912 windows-28592',
    'iso8859-3': 'latin3 l3 ibm-913 cp913 913 windows-28593',
    'iso8859-4': 'latin4 l4 ibm-914 cp914 914 windows-28594',
    'iso8859-5': 'cyrillic ibm-915 cp915 915 windows-28595',
    'iso8859-6': 'arabic ECMA-114 ASMO-708 ibm-1089 cp1089 1089 '
                 'windows-28596',
    'iso8859-7': 'greek greek8 ECMA-118 ELOT_928 ibm-9005 ibm-813 cp813 813 '
                 'windows-28597',
    'iso8859-8': 'hebrew hebrew8 ibm-5012 windows-28598',
    'iso8859-9': 'latin5 l5 turkish turkish8 ECMA-128 ibm-920 cp920 920 '
                 'windows-28599',
    'iso8859-10': 'latin6 l6',
    'iso8859-13': 'ibm-921 cp921 921 windows-28603',
    'iso8859-14': 'latin8 l8 iso-celtic',
    'iso8859-15': 'latin9 l9 Latin-9 ibm-923 cp923 923 windows-28605',
    'iso8859-16': 'latin10 l10',
    'cp1250': 'windows-1250 ibm-5346 cp1250 1250',
    'cp1251': 'windows-1251 ibm-5347 cp1251 1251 ANSI1251',
    'cp1252': 'windows-1252 ibm-5348 cp1252 1252',
    'cp1253': 'windows-1253 ibm-5349 cp1253 1253',
    'cp1254': 'windows-1254 ibm-5350 cp1254 1254',
    'cp1255': 'windows-1255 ibm-9447 cp1255 1255',
    'cp1256': 'windows-1256 ibm-9448 cp1256 1256',
    'cp1257': 'windows-1257 ibm-9449 cp1257 1257',
    'cp1258': 'windows-1258 ibm-5354 cp1258 1258',
    'cp874': 'windows-874 windows-874-2000 ibm-874 ibm-874_P100-1995 '
             'ibm-9066 cp874 MS874 TIS-620 ISO-8859-11 tis620.2533 eucTH '
             'x-windows-874 windows-28601',
    'cp932': 'Shift_JIS Shift-JIS MS_Kanji csShiftJIS x-sjis sjis pck '
             'windows-932 windows-31j csWindows31J cp932 ms932 x-ms-cp932 '
             'ibm-943 ibm-943_P15A-2003 ibm-943_P130-1999 ibm-943C cp943 '
             'cp943c ibm-942 cp942',
    'gbk': 'GBK windows-936 windows-936-2000 cp936 ms936 936 x-gbk ibm-1386 '
           'ibm-1386_P100-2001 cp1386 GB2312 gb_2312-80 GB2312-1980 csGB2312 '
           'chinese iso-ir-58 EUC-CN x-EUC-CN eucCN ibm-eucCN hp15CN '
           'ibm-1383 ibm-5478 cp1383 1383 windows-20936 windows-51936',
    'gb18030': 'GB18030 GB18030-2000 GB18030-2005 ibm-1392 windows-54936 '
               'cp54936',
    'cp950': 'Big5 Big-5 csBig5 x-big5 windows-950 windows-950-2000 cp950 '
             'ms950 950 ibm-1373 ibm-1370 ibm-950 cp1370',
    'big5hkscs': 'Big5-HKSCS Big5HK HKSCS-BIG5 ibm-1375 ibm-5471 MS950_HKSCS '
                 'windows-951',
    'cp949': 'windows-949 windows-949-2000 cp949 ms949 949 ibm-1363 '
             'ibm-1363_P11B-1998 cp1363 ksc KS_C_5601-1987 KS_C_5601-1989 '
             'KSC_5601 csKSC56011987 korean iso-ir-149 5601 EUC-KR csEUCKR '
             'ibm-eucKR ibm-970 cp970 970 windows-51949 UHC',
    'euc-jp': 'EUC-JP X-EUC-JP eucJP eucjis ujis ibm-eucJP ibm-954 ibm-33722 '
              'ibm-5050 csEUCPkdFmtJapanese windows-20932 windows-51932 '
              'Extended_UNIX_Code_Packed_Format_for_Japanese',
    'koi8-r': 'KOI8-R KOI8 csKOI8R ibm-878 cp878 windows-20866',
    'koi8-u': 'KOI8-U ibm-1168 windows-21866',
    'cp437': 'IBM437 ibm-437 cp437 437 windows-437',
    'cp737': 'IBM737 ibm-737 cp737 737 windows-737',
    'cp775': 'IBM775 ibm-775 cp775 775 windows-775',
    'cp850': 'IBM850 ibm-850 cp850 850 windows-850',
    'cp852': 'IBM852 ibm-852 cp852 852 windows-852',
    'cp855': 'IBM855 ibm-855 cp855 855 windows-855',
    'cp857': 'IBM857 ibm-857 cp857 857 windows-857',
    'cp858': 'IBM00858 ibm-858 cp858 858 windows-858',
    'cp860': 'IBM860 ibm-860 cp860 860 windows-860',
    'cp861': 'IBM861 ibm-861 cp861 861 windows-861',
    'cp862': 'IBM862 ibm-862 cp862 862 windows-862 DOS-862',
    'cp863': 'IBM863 ibm-863 cp863 863 windows-863',
    'cp865': 'IBM865 ibm-865 cp865 865 windows-865',
    'cp866': 'IBM866 ibm-866 cp866 866 windows-866',
    'cp869': 'IBM869 ibm-869 cp869 869 windows-869',
    'mac-roman': 'macintosh mac macRoman csMacintosh windows-10000',
    'mac-cyrillic': 'x-mac-cyrillic maccy windows-10007',
    'mac-greek': 'x-mac-greek macgr windows-10006',
    'mac-latin2': 'x-mac-centraleurroman macce windows-10029',
    'mac-turkish': 'x-mac-turkish mactr windows-10081',
}


def _plain(name: str) -> str:
    return _NOT_IN_NAMES.sub('', name.lower())


def _spellings(codec: str, names: str) -> list[str]:
    spellings = [codec, *names.split()]
    if codec.startswith('iso8859-'):
        number = codec.removeprefix('iso8859-')
        # "ISO_8859-1:1987" ends in the year of the standard.
        spellings += ['8859_' + number, 'iso-8859-' + number,
                      'csISO8859' + number]
    return spellings


_CODECS = {_plain(name): codec for codec, names in _NAMES.items()
           for name in _spellings(codec, names)}
_YEAR = re.compile(r':[0-9]{4}\Z')


class Unknown(exception.InvalidText):
    """There is no encoding with that name, or the driver does not read it."""


def find(name: str) -> str:
    """Return Python's codec for an encoding.

    :param name: as VMware wrote it
    :raises Unknown: VMware has no such encoding, or the driver does not read
        it
    """
    codec = _CODECS.get(_plain(_YEAR.sub('', name.strip())))
    if codec is None:
        raise Unknown('The character encoding %s is not supported.'
                      % name.strip()[:40], resolution='Save it as UTF-8.')
    return codec


def line_of(key: str) -> re.Pattern[bytes]:
    """Return the pattern for decode to find the line that names the encoding.

    :param key: key of the line, such as .encoding
    """
    return re.compile(
        rb'(?:\A|[\r\n])(?:\xef\xbb\xbf)?[ \t]*+' + re.escape(key.encode()) +
        rb'[ \t]*+=[ \t]*+"?([!-!#-~]{1,80})', re.IGNORECASE)


def decode(data: bytes, line: re.Pattern[bytes]) -> tuple[str, str]:
    """Decode bytes that name their own encoding.

    :param data: UTF-8 if no encoding is named; a byte order mark is removed
    :param line: what line_of returned
    :returns: the text, and Python's codec
    :raises Unknown: as find does
    :raises UnicodeDecodeError: the bytes are not valid in their encoding
    """
    match = line.search(data)
    codec = find(match.group(1).decode('ascii')) if match else 'utf-8'
    data = data.removeprefix(codecs.BOM_UTF8)
    return data.decode(codec), codec
