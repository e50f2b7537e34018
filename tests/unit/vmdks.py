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


"""VMDKs for unit tests: real headers and descriptors, no content."""

import struct

SECTORS = 2048

_DESCRIPTOR = '''# Disk DescriptorFile
version=1
CID=%(cid)s
parentCID=%(parent_cid)s
createType="%(create_type)s"
%(hint)s
# Extent description
%(extents)s

# The Disk Data Base
#DDB

ddb.virtualHWVersion = "4"
ddb.adapterType = "%(adapter)s"
'''


def descriptor(name='disk.vmdk', sectors=SECTORS, cid='0badcafe',
               parent_cid='ffffffff', create_type='monolithicSparse',
               hint=None, extents=None, extra='', adapter='ide'):
    """Returns the text of a descriptor."""
    return _DESCRIPTOR % {
        'cid': cid, 'parent_cid': parent_cid, 'create_type': create_type,
        'hint': '\n'.join(filter(None, (
            hint and 'parentFileNameHint="%s"' % hint, extra))),
        'adapter': adapter,
        'extents': extents or 'RW %d SPARSE "%s"' % (sectors, name),
    }


_TABLES = 26
_MOST_TABLES = 1 << 18


def image(text=None, sectors=SECTORS, content=b'', descriptor_sectors=20,
          flags=3, encoding='utf-8'):
    """Returns the bytes of a sparse VMDK with an embedded descriptor.

    :param content: bytes behind the descriptor, to tell files apart; those
        from sector 26 on are the directory of its grain tables
    """
    text = descriptor(sectors=sectors) if text is None else text
    header = struct.pack(
        '<4sIIQQQQIQQQB4sH', b'KDMV', 1, flags, sectors, 128, 1,
        descriptor_sectors, 512, 21, _TABLES, 128, 0, b'\n \r\n', 0)
    directory = min(sectors // 128 // 512, _MOST_TABLES) * 4 + 4
    return (header.ljust(512, b'\0') +
            text.encode(encoding).ljust(descriptor_sectors * 512, b'\0') +
            content.ljust((_TABLES - 1 - descriptor_sectors) * 512 +
                          max(directory, 1536), b'\0'))


def with_footer(content, footer_sectors=None):
    """Returns a streamOptimized VMDK with a second header, as of VMware.

    :param content: bytes of one whose first header tells all
    :param footer_sectors: of the disk, if the second is to tell others
    """
    footer = bytearray(content[:512])
    if footer_sectors is not None:
        struct.pack_into('<Q', footer, 12, footer_sectors)
    marker = struct.pack('<QII', 1, 0, 3).ljust(512, b'\0')
    return (content[:56] + b'\xff' * 8 + content[64:] + marker +
            bytes(footer) + bytes(512))


def write(path, **options):
    """Writes a VMDK to a file."""
    content = options.pop('content', b'')
    with open(path, 'wb') as file:
        file.write(image(
            descriptor(name=path.rpartition('/')[2], **options),
            sectors=options.get('sectors', SECTORS), content=content))
