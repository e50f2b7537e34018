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

"""Run Python as an ordinary user who may use FUSE and make interfaces.

Usage::

    as_test_user.py ARGUMENT...

The arguments are Python's. Root gets a mount namespace of its own, in which
everybody may use /dev/fuse and /dev/net/tun, /etc/fuse.conf lets users share
mounts, and this checkout can be read even if it lies in root's home; then it
becomes the user "nobody". The host itself stays as it is, except that devices
which it lacks become empty files there. An ordinary user just runs Python.
"""

import os
import stat
import subprocess
import sys

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_INSIDE = '--inside'
# Everywhere the id of "nobody".
_USER = 65534
# Most distributions let everybody use these.
_DEVICES = {'/dev/fuse': os.makedev(10, 229),
            '/dev/net/tun': os.makedev(10, 200)}
# Its content is in memory, and nobody else sees it.
_STAGE = '/run/nova-vmrun-tests'
_LIST = '--load-list'
# In the user's cache, see tests/guest/guestbuilder/cache.py.
_GUESTS = ('nova-vmrun', 'guest')


def main(words: list[str]) -> None:
    if os.geteuid() == 0 and words[:1] != [_INSIDE]:
        words = ['unshare', '--mount', '--propagation', 'private',
                 sys.executable, os.path.abspath(__file__), _INSIDE, *words]
        os.execvp(words[0], words)
    if words[:1] == [_INSIDE]:
        words = words[1:]
        _make_mounts()
        _hand_over_list(words)
        home = os.path.join(_STAGE, 'home')
        os.mkdir(home)
        _copy_guests(home)
        subprocess.run(['chown', '-R', '%d:%d' % (_USER, _USER), home],
                       check=True)
        os.environ['HOME'] = home
        os.setgroups([])
        os.setresgid(_USER, _USER, _USER)
        os.setresuid(_USER, _USER, _USER)
    os.execv(sys.executable, [sys.executable, *words])


def _copy_guests(home: str) -> None:
    """Let the user find the guests that were made earlier."""
    cache = os.path.join(
        os.environ.pop('XDG_CACHE_HOME', '')
        or os.path.join(os.path.expanduser('~'), '.cache'), *_GUESTS)
    if os.path.isdir(cache):
        target = os.path.join(home, '.cache', *_GUESTS)
        os.makedirs(os.path.dirname(target))
        subprocess.run(['cp', '-r', '--sparse=always', cache, target],
                       check=True)


def _make_mounts() -> None:
    """Mount what the user needs; only this process and its children see it."""
    os.makedirs(_STAGE, exist_ok=True)
    _mount('-t', 'tmpfs', 'none', _STAGE)
    os.chmod(_STAGE, 0o755)
    for path, number in _DEVICES.items():
        device = os.path.join(_STAGE, os.path.basename(path))
        os.mknod(device, stat.S_IFCHR, number)
        os.chmod(device, 0o666)
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, 'w').close()
        _mount('--bind', device, path)
    configuration = os.path.join(_STAGE, 'fuse.conf')
    with open(configuration, 'w') as file:
        file.write('user_allow_other\n')
    if os.path.exists('/etc/fuse.conf'):
        _mount('--bind', configuration, '/etc/fuse.conf')
    _open_ways({_ROOT, sys.prefix, sys.base_prefix})


def _open_ways(needed: set[str]) -> None:
    """Let others reach some folders, by hiding what closes the way to them.

    A folder that only its owner may enter is replaced, for us, by one that
    has only those entries that are needed.
    """
    closed = {way for folder in needed for way in _ways(folder)
              if not os.stat(way).st_mode & stat.S_IXOTH}
    for number, way in enumerate(sorted(closed)):
        original = os.path.join(_STAGE, str(number))
        os.mkdir(original)
        _mount('--bind', way, original)
        _mount('-t', 'tmpfs', 'none', way)
        os.chmod(way, 0o755)
        for entry in os.scandir(original):
            target = os.path.join(way, entry.name)
            if any(target in _ways(folder) or folder in _ways(target)
                   for folder in needed):
                _show(entry, target)


def _show(entry: os.DirEntry[str], target: str) -> None:
    """Make a file or folder appear in another place, too."""
    if entry.is_symlink():
        os.symlink(os.readlink(entry.path), target)
        return
    if entry.is_dir():
        os.mkdir(target)
    else:
        open(target, 'w').close()
    _mount('--bind', entry.path, target)


def _ways(folder: str) -> list[str]:
    """Return a folder and those above it, from the bottom to the top."""
    above = os.path.dirname(folder)
    return [folder] if above == folder else [folder, *_ways(above)]


def _hand_over_list(words: list[str]) -> None:
    """Let others read the list of tests, which only root may."""
    if _LIST in words:
        os.chmod(words[words.index(_LIST) + 1], 0o644)


def _mount(*words: str) -> None:
    subprocess.run(['mount', *words], check=True)


if __name__ == '__main__':
    main(sys.argv[1:])
