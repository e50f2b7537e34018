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

"""VMs as they lie on a user's disk: headers and descriptors, no content."""

import os

from nova_vmrun.formats import vmx
from tests.unit import vmdks

KEYS = {
    'displayName': 'web', 'guestOS': 'ubuntu-64', 'firmware': 'efi',
    'scsi0.present': 'TRUE', 'scsi0.virtualDev': 'pvscsi',
    'scsi0:0.present': 'TRUE', 'scsi0:0.fileName': 'web.vmdk',
    'ide1:0.present': 'TRUE', 'ide1:0.fileName': 'cd.iso',
    'ethernet0.virtualDev': 'vmxnet3',
}


def write_vm(folder, name='web.vmx', **changes):
    """Writes a .vmx; a key that is None is left out.

    :returns: its path
    """
    keys = dict(KEYS, **changes)
    path = os.path.join(folder, name)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(vmx.dump(vmx.Vmx(
            (key, value) for key, value in keys.items()
            if value is not None)))
    return path


def write_split(folder, stem='web', count=2, **options):
    """Writes a descriptor and its sparse extents.

    :returns: the descriptor's path
    """
    names = ['%s-s%03d.vmdk' % (stem, number + 1) for number in range(count)]
    for name in names:
        with open(os.path.join(folder, name), 'wb') as file:
            file.write(vmdks.image(text=''))
    options.setdefault('create_type', 'twoGbMaxExtentSparse')
    return write_descriptor(folder, stem, extents='\n'.join(
        'RW %d SPARSE "%s"' % (vmdks.SECTORS, name) for name in names),
        **options)


def write_descriptor(folder, stem='web', **options):
    """Writes a descriptor alone, and returns its path."""
    path = os.path.join(folder, stem + '.vmdk')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(vmdks.descriptor(**options))
    return path
