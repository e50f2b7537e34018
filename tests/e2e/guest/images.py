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

"""Images of the guest of tests/guest, made once for each test process."""

import os
import shutil
import tempfile
import unittest

from tests.unit import guest  # noqa: F401 - makes guestbuilder importable
from tests.unit import images as unit_images

from guestbuilder import cache
from guestbuilder import formats
from guestbuilder import packages

_ADAPTER = 'lsilogic'
#: What exports of VMware have in them.
_IN_OVA = 'vmdk-stream'
_guests = {}
_made = {}
_folder = None


def need_programs(*names):
    """Skip the test unless these programs are installed."""
    for name in names:
        if not shutil.which(name):
            raise unittest.SkipTest('%s is not installed' % name)


def image(image_format='vmdk', kernel='full', name='guest'):
    """Return the path of an image, which nobody may change.

    :param image_format: one that make_guest knows, or ova.
    :param kernel: full (all drivers) or cloud (quicker).
    :param name: by which the guest knows its own disk among several.
    :raises unittest.SkipTest: when it cannot be made here.
    """
    key = (image_format, kernel, name)
    if key not in _made:
        _made[key] = _make(*key)
        os.chmod(_made[key], 0o444)
    return _made[key]


def _make(image_format, kernel, name):
    source = _guest(kernel, name)
    folder = os.path.join(_image_folder(), kernel)
    os.makedirs(folder, exist_ok=True)
    if image_format == 'ova':
        return _make_ova(image(_IN_OVA, kernel, name),
                         os.path.join(folder, name + '.ova'))
    if image_format == 'iso':
        return shutil.copyfile(os.path.join(source, 'cd.iso'),
                               os.path.join(folder, name + '.iso'))
    return formats.convert(os.path.join(source, 'disk.raw'), image_format,
                           folder, name, _ADAPTER)


def _make_ova(disk, path):
    with open(disk, 'rb') as f:
        content = f.read()
    with open(path, 'wb') as f:
        f.write(unit_images.tar([('vm.ovf', unit_images.ovf()),
                                 ('disk.vmdk', content)]))
    return path


def _guest(kernel, name):
    """Return the folder with a guest's disk and CD."""
    key = (kernel, name)
    if key not in _guests:
        try:
            _guests[key] = (cache.guest(*key, lambda text: None), None)
        except (packages.PackageError, OSError) as e:
            _guests[key] = (None, str(e))
    path, reason = _guests[key]
    if reason:
        raise unittest.SkipTest(reason)
    return path


def _image_folder():
    global _folder
    if _folder is None:
        _folder = tempfile.TemporaryDirectory(prefix='nova-vmrun-guests-')
    return _folder.name
