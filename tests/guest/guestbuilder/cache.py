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

"""The cache: one folder per guest that was ever made on this machine.

``$XDG_CACHE_HOME/nova-vmrun/guest/KEY/`` holds ``disk.raw`` and ``cd.iso``,
and ``disk.qcow2`` once that was asked for. KEY is a hash of the builder's own
files, the image's name and the versions of all packages in it, so that it is
made anew when any of these changes. ``selection.json`` beside the folders
holds these versions, until apt's lists change.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile

from guestbuilder import boot
from guestbuilder import initramfs
from guestbuilder import packages
from guestbuilder import rootfs

_BUILDER = os.path.dirname(os.path.abspath(__file__))
_APT_LISTS = '/var/lib/apt/lists'
_SELECTION = 'selection.json'


def folder():
    base = os.environ.get('XDG_CACHE_HOME') or os.path.join(
        os.path.expanduser('~'), '.cache')
    return os.path.join(base, 'nova-vmrun', 'guest')


def _sources():
    for top in (_BUILDER, rootfs.SOURCE):
        for path, folders, names in os.walk(top):
            folders[:] = sorted(set(folders) - {'__pycache__'})
            for name in sorted(names):
                if not name.endswith('.pyc'):
                    yield os.path.join(path, name)


def key(chosen, image):
    """Return the name of the folder for these packages and this image.

    :param chosen: packages, as NAME=VERSION.
    """
    digest = hashlib.sha256()
    for path in _sources():
        with open(path, 'rb') as f:
            content = f.read()
        relative = os.path.relpath(path, os.path.dirname(_BUILDER))
        digest.update(('%s %d\n' % (relative, len(content))).encode())
        digest.update(content)
    for package in sorted(chosen):
        digest.update(package.encode() + b'\n')
    digest.update(image.encode())
    return digest.hexdigest()[:16]


def selected(kernel, path):
    """Return the packages of a guest, as NAME=VERSION.

    :param kernel: a key of packages.KERNELS.
    :param path: of a file that keeps them, since asking apt takes seconds.
    :raises packages.PackageError: when apt does not know them all.
    """
    # The names of packages are in the builder's files.
    state = [_apt_state(), *(os.stat(source).st_mtime_ns
                             for source in _sources())]
    try:
        with open(path) as file:
            kept = json.load(file)
    except (OSError, ValueError):
        kept = {}
    if kept.get('state') != state:
        kept = {'state': state}
    if kernel not in kept:
        kept[kernel] = sorted(map(str, packages.select(kernel).values()))
        # Unknown packages may have made it update its lists.
        kept['state'][0] = _apt_state()
        with tempfile.NamedTemporaryFile(
                'w', dir=os.path.dirname(path), delete=False) as file:
            json.dump(kept, file)
        os.replace(file.name, path)
    return kept[kernel]


def _apt_state():
    """Return the names and times of apt's lists of packages."""
    try:
        with os.scandir(_APT_LISTS) as entries:
            return sorted([entry.name, entry.stat().st_mtime_ns]
                          for entry in entries if entry.is_file())
    except OSError:
        return []


def guest(kernel, image, say):
    """Return the folder with this guest's disk.raw and cd.iso.

    :param kernel: a key of packages.KERNELS.
    :param image: the guest's name for its own disk.
    :param say: called with a line about what is being done.
    :raises packages.PackageError: when it cannot be made here.
    """
    top = folder()
    os.makedirs(top, exist_ok=True)
    chosen = selected(kernel, os.path.join(top, _SELECTION))
    kind = '%s-%s' % (kernel, image)
    path = os.path.join(top, '%s-%s' % (kind, key(chosen, image)))
    # Whoever comes second finds what the first has made.
    with open(os.path.join(top, kind + '.lock'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(path):
            say('found %s' % path)
        else:
            say('making %s' % path)
            _make(chosen, image, path)
            _remove_others(top, kind + '-', os.path.basename(path))
    return path


def _make(chosen, image, path):
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as work:
        unpacked = packages.unpack(chosen, os.path.join(work, 'packages'))
        root = os.path.join(work, 'root')
        rootfs.assemble(unpacked, root)
        initrd = os.path.join(work, 'initrd')
        initramfs.write(root, initrd)
        files = boot.BootFiles(unpacked, initrd, image)
        result = os.path.join(work, 'result')
        os.mkdir(result)
        boot.make_disk(files, os.path.join(result, 'disk.raw'), image, work)
        boot.make_cd(files, os.path.join(result, 'cd.iso'), 'GUEST', work)
        os.rename(result, path)


def _remove_others(top, prefix, keep):
    for name in os.listdir(top):
        path = os.path.join(top, name)
        if (name.startswith(prefix) and name != keep
                and os.path.isdir(path)):
            shutil.rmtree(path, ignore_errors=True)
