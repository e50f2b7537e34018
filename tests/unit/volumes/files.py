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

"""Volumes in files, as the Cinder driver makes them."""

import os

from oslo_utils import units

from nova_vmrun.host import files

ID = '6ca404f3-d844-4169-bb96-bc792f37de98'
_DESCRIPTOR = '''# Disk DescriptorFile
version=1
CID=6ca404f3
parentCID=ffffffff
createType="monolithicFlat"

# Extent description
RW %(sectors)d FLAT "%(extent)s" 0

# The Disk Data Base
ddb.adapterType = "lsilogic"
'''


def make(folder, volume_id=ID, size=units.Gi, **changes):
    """Make a volume; return its connection_info as Nova passes it.

    :param size: bytes
    :param changes: replacements in its descriptor
    """
    name = 'volume-%s' % volume_id
    extent = os.path.join(folder, name + '-flat.vmdk')
    with open(extent, 'wb') as file:
        file.truncate(size)
    os.chmod(extent, 0o600)
    text = _DESCRIPTOR % {'sectors': size // 512,
                          'extent': os.path.basename(extent)}
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    files.write_atomically(os.path.join(folder, name + '.vmdk'), text)
    return {'driver_volume_type': 'local', 'serial': volume_id,
            'data': {'device_path': extent, 'volume_id': volume_id,
                     'size': max(1, size // units.Gi), 'access_mode': 'rw'}}
