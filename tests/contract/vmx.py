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

"""The .vmx files of the tests, written and read with simple code.

It uses nothing of nova_vmrun or of the fakes: the contract tests need an
independent reader.
"""

import os
import re

_LINE = re.compile(r'\s*([^\s=#]+)\s*=\s*"([^"]*)"')


def minimal(name, disk=True, keys=None):
    """Return the keys of a small VM that every product boots."""
    found = {
        '.encoding': 'UTF-8', 'config.version': '8',
        'virtualHW.version': '20', 'displayName': name,
        'guestOS': 'other5xlinux-64', 'firmware': 'bios', 'numvcpus': '1',
        'memsize': '64', 'msg.autoAnswer': 'TRUE',
        'floppy0.present': 'FALSE', 'vmci0.present': 'TRUE'}
    for number in (0, 4, 5, 6, 7):
        bridge = 'pciBridge%d.' % number
        found[bridge + 'present'] = 'TRUE'
        if number:
            found[bridge + 'virtualDev'] = 'pcieRootPort'
            found[bridge + 'functions'] = '8'
    if disk:
        found.update({'scsi0.present': 'TRUE',
                      'scsi0.virtualDev': 'lsilogic',
                      'scsi0:0.present': 'TRUE',
                      'scsi0:0.fileName': 'disk.vmdk'})
    for key, value in (keys or {}).items():
        key = key.replace('__', '.').replace('_colon_', ':')
        if value is None:
            found.pop(key, None)
        else:
            found[key] = str(value)
    return found


def text(keys):
    return ''.join('%s = "%s"\n' % pair for pair in keys.items())


def read(path):
    """Return {lower-case key: value} of a dictionary file."""
    with open(path, encoding='utf-8', errors='surrogateescape') as f:
        found = (_LINE.match(line) for line in f)
        return {m.group(1).lower(): m.group(2) for m in found if m}


class VM(object):
    """A VM of a test."""

    def __init__(self, case, folder, name):
        self.case = case
        self.folder = folder
        self.vmx = os.path.join(folder, name + '.vmx')

    def write(self, keys):
        with open(self.vmx, 'w', encoding='utf-8') as f:
            f.write(text(keys))

    def append(self, line):
        with open(self.vmx, 'a', encoding='utf-8') as f:
            f.write(line)

    def set(self, **keys):
        """Change keys, dots written as ``__``; the VM must be off."""
        found = read(self.vmx)
        for key, value in keys.items():
            key = key.replace('__', '.').replace('_colon_', ':').lower()
            if value is None:
                found.pop(key, None)
            else:
                found[key] = str(value)
        self.write(found)

    def get(self, key):
        """Read one key from the file, None when it is not there."""
        return read(self.vmx).get(key.lower())

    def path(self, name):
        return os.path.join(self.folder, name)

    def files(self):
        return sorted(os.listdir(self.folder))

    def vmsd(self):
        return read(os.path.splitext(self.vmx)[0] + '.vmsd')

    @property
    def is_listed(self):
        return os.path.realpath(self.vmx) in self.case.list()

    def log(self):
        """Return the text of vmware.log."""
        with open(self.path('vmware.log'), encoding='utf-8',
                  errors='replace') as f:
            return f.read()
