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

"""The tools that the contract suite calls: the fakes or the real ones.

``NOVA_VMRUN_REAL=1`` chooses the installed VMware. ``NOVA_VMRUN_PRODUCT``
(ws, player, fusion) says which product that is; by default Fusion on macOS
and Workstation elsewhere. ``NOVA_VMRUN_BIN`` is the folder of the tools when
they are in none of the usual places.
"""

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time

from tests.contract import noise

NAMES = ('vmrun', 'vmware-vdiskmanager', 'vmware', 'vmware-vmx', 'vmplayer')
FAKES = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'fakes')
_PLACES = ('/usr/bin', '/usr/lib/vmware/bin',
           '/Applications/VMware Fusion.app/Contents/Library',
           '/Applications/VMware Fusion.app/Contents/Public')


class NoVMware(Exception):
    """NOVA_VMRUN_REAL is set and VMware was not found."""


class Result(object):
    """The result of a call.

    :ivar out: standard output, line ends made LF, known noise left out.
    :ivar err: standard error alike.
    :ivar raw: both as they were printed, line ends made LF.
    :ivar rc: the exit code, as POSIX sees it.
    :ivar seconds: how long it took.
    """

    def __init__(self, argv, rc, out, err, seconds):
        self.argv = argv
        self.rc = rc & 0xff if rc >= 0 else rc
        self.raw = (out.replace('\r\n', '\n'), err.replace('\r\n', '\n'))
        self.out, self.err = noise.without(*self.raw)
        self.seconds = seconds

    def __repr__(self):
        return '%s -> exit %d\n%s%s' % (' '.join(self.argv), self.rc,
                                        *self.raw)


def is_real():
    return os.environ.get('NOVA_VMRUN_REAL', '') not in ('', '0')


def real_product():
    default = 'fusion' if sys.platform == 'darwin' else 'ws'
    return os.environ.get('NOVA_VMRUN_PRODUCT', default)


@functools.lru_cache(None)
def fake_bin():
    """Install the fakes into a folder of this process and return it."""
    folder = tempfile.mkdtemp(prefix='nova-vmrun-bin-')
    atexit.register(shutil.rmtree, folder, True)
    subprocess.run([sys.executable, os.path.join(FAKES, 'install'), folder],
                   check=True, stdout=subprocess.DEVNULL)
    return folder


@functools.lru_cache(None)
def blank_disk():
    """Make an empty disk of 8 MB called disk.vmdk, once for all tests.

    :returns: its path; to be copied.
    """
    folder = tempfile.mkdtemp(prefix='nova-vmrun-disk-')
    atexit.register(shutil.rmtree, folder, True)
    path = os.path.join(folder, 'disk.vmdk')
    subprocess.run([program('vmware-vdiskmanager'), '-c', '-s', '8MB', '-a',
                    'lsilogic', '-t', '0', path],
                   env=dict(os.environ, FAKE_VMRUN_STATE=folder),
                   check=True, stdout=subprocess.DEVNULL)
    return path


@functools.lru_cache(None)
def real_program(name):
    """Return the path of an installed program of the product.

    :raises NoVMware: when it is not there.
    """
    folders = [os.environ.get('NOVA_VMRUN_BIN')] + os.environ.get(
        'PATH', '').split(os.pathsep) + list(_PLACES)
    for folder in folders:
        path = os.path.join(folder or os.devnull, name)
        if os.access(path, os.X_OK) and not _is_fake(path):
            return path
    raise NoVMware(
        'NOVA_VMRUN_REAL=1 asks for the real VMware, but %s was found '
        'neither in NOVA_VMRUN_BIN, nor on PATH, nor in %s. Install VMware '
        'Workstation, Player or Fusion, or leave NOVA_VMRUN_REAL unset to '
        'test the fakes.' % (name, ', '.join(_PLACES)))


def _is_fake(path):
    with open(path, 'rb') as f:
        return b'fake_v' in f.read(4096)


def program(name):
    """Return the path of one of :data:`NAMES`."""
    return real_program(name) if is_real() else os.path.join(fake_bin(),
                                                             name)


def run(argv, env, cwd, timeout):
    """Run a program with no standard input.

    :param timeout: in seconds; real products need far longer than fakes.
    :raises subprocess.TimeoutExpired: after killing it.
    """
    begin = time.monotonic()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, env=env, cwd=cwd,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout)
    return Result(argv, done.returncode,
                  done.stdout.decode('utf-8', 'surrogateescape'),
                  done.stderr.decode('utf-8', 'surrogateescape'),
                  time.monotonic() - begin)
