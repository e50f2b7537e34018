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

"""Debian's cloud-init, fetched and unpacked, not installed.

To install it would make this very machine look for its cloud at each boot.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import tempfile

from tests.unit import guest  # noqa: F401 - makes guestbuilder importable

from guestbuilder import cache
from guestbuilder import packages

_PACKAGES = (
    'cloud-init', 'python3-attr', 'python3-certifi',
    'python3-charset-normalizer', 'python3-chardet', 'python3-configobj',
    'python3-idna', 'python3-jinja2', 'python3-json-pointer',
    'python3-jsonpatch', 'python3-jsonschema', 'python3-markupsafe',
    'python3-netifaces', 'python3-oauthlib', 'python3-pyrsistent',
    'python3-requests', 'python3-serial', 'python3-six', 'python3-urllib3',
    'python3-yaml')

_PYTHON = '/usr/bin/python3'
_READER = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       'reader.py')
# Tests have a home of their own.
_TOP = os.path.join(os.path.dirname(cache.folder()), 'cloud-init')


def fetch():
    """Return the folder that has the packages, each in its own.

    :raises PackageError: they cannot be had on this machine
    """
    if not os.path.exists(_PYTHON):
        raise packages.PackageError('%s is not there' % _PYTHON)
    chosen = packages.show_all(_PACKAGES)
    names = ' '.join(sorted(map(str, chosen.values())))
    path = os.path.join(_TOP, hashlib.sha256(names.encode()).hexdigest()[:16])
    os.makedirs(_TOP, exist_ok=True)
    with open(os.path.join(_TOP, 'lock'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(path):
            with tempfile.TemporaryDirectory(dir=_TOP) as work:
                packages.unpack(chosen, os.path.join(work, 'packages'))
                os.rename(os.path.join(work, 'packages'), path)
    return path


def fetch_or_skip(test):
    """Fetch the packages, or skip a test that needs them."""
    try:
        fetch()
    except packages.PackageError as error:
        test.skipTest("Debian's cloud-init cannot be had: %s" % error)


def read(source, folder, macs, path=None):
    """Have cloud-init read what a guest was told.

    :param source: vmware or config-drive
    :param folder: that holds the config drive's files; a folder of the
        test's own for vmware
    :param macs: of the guest's adapters, eth0 and so on
    :param path: folder of a stand-in of vmware-rpctool
    :returns: dict with metadata, userdata, vendordata, keys, interfaces, which
        is /etc/network/interfaces as Debian's guests get it, netplan, which
        is what guests with netplan get, and events, which are those at which
        the network is configured
    """
    unpacked = fetch()
    environment = {
        'PYTHONPATH': os.pathsep.join(
            os.path.join(unpacked, name, 'usr/lib/python3/dist-packages')
            for name in _PACKAGES),
        'PYTHONDONTWRITEBYTECODE': '1',
        'PATH': os.pathsep.join(filter(None, (path, os.environ['PATH'])))}
    done = subprocess.run(
        [_PYTHON, _READER, source, folder, *macs], env=environment,
        check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, timeout=120)
    if done.returncode:
        raise AssertionError('cloud-init failed: %s' % done.stderr)
    return json.loads(done.stdout)
