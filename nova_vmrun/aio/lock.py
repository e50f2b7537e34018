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

"""Lock that lets one ``aio`` command at a time use a state directory."""

from collections.abc import Iterator
import contextlib
import fcntl
import os
import time

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout


#: Who holds the lock as long as a node runs.
NODE = 'node'
# Seconds between two attempts.
_INTERVAL = 0.1


@contextlib.contextmanager
def hold(layout: aio_layout.Layout, role: str = '',
         patience: float = 0) -> Iterator[None]:
    """Hold the state directory's lock.

    The operating system releases it, however the process ends.

    :param role: NODE, or '' for a command that ends by itself
    :param patience: seconds to wait for one that is about to end
    :raises AioError: another command holds it
    """
    descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + patience
        while not _lock(descriptor):
            if time.monotonic() >= deadline:
                raise _taken(layout, os.pread(descriptor, 64, 0))
            time.sleep(_INTERVAL)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, ('%d %s' % (os.getpid(), role)).strip().encode()
                  + b'\n', 0)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _taken(layout: aio_layout.Layout, content: bytes) -> errors.AioError:
    """Return the error that says who holds the lock.

    :param content: of the file
    """
    owner, _, role = content.decode().strip().partition(' ')
    details = 'It is process %s.' % owner if owner else ''
    if role == NODE:
        return errors.AioError(
            'The node in %s runs.' % layout.root, details,
            'Stop it where it was started, for example with Ctrl-C, and '
            'repeat the command, or choose another --state-dir.')
    return errors.AioError(
        'Another command works on %s.' % layout.root, details,
        'Wait for it, or choose another --state-dir.')
