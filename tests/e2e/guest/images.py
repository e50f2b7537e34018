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
import subprocess
import sys
import tempfile
import unittest

_MAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     os.pardir, os.pardir, 'guest', 'make_guest')
_TIMEOUT = 600
_made = {}
_folder = None


def need_programs(*names):
    """Skip the test unless these programs are installed."""
    for name in names:
        if not shutil.which(name):
            raise unittest.SkipTest('%s is not installed' % name)


def image(image_format='vmdk', kernel='full', name='guest'):
    """Return the path of an image, which nobody may change.

    :param image_format: one that make_guest knows.
    :param kernel: full (all drivers) or cloud (quicker).
    :param name: by which the guest knows its own disk among several.
    :raises unittest.SkipTest: when it cannot be made here.
    """
    key = (image_format, kernel, name)
    if key not in _made:
        _made[key] = _make(*key)
    path, reason = _made[key]
    if reason:
        raise unittest.SkipTest(reason)
    return path


def _make(image_format, kernel, name):
    """Return (path, None), or (None, why there is none)."""
    folder = os.path.join(_image_folder(), kernel)
    done = subprocess.run(
        [sys.executable, _MAKE, folder, '--quiet', '--kernel', kernel,
         '--name', name, '--format', image_format],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, timeout=_TIMEOUT, check=False)
    if done.returncode:
        return None, done.stderr.strip() or 'make_guest failed'
    path = done.stdout.strip()
    os.chmod(path, 0o444)
    return path, None


def _image_folder():
    global _folder
    if _folder is None:
        _folder = tempfile.TemporaryDirectory(prefix='nova-vmrun-guests-')
    return _folder.name
