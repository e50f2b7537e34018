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

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout


@contextlib.contextmanager
def hold(layout: aio_layout.Layout) -> Iterator[None]:
    """Hold the state directory's lock.

    The operating system releases it, however the process ends.

    :raises AioError: another command holds it
    """
    descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 64, 0).decode().strip()
            raise errors.AioError(
                'Another command works on %s.' % layout.root,
                'It is process %s.' % owner if owner else '',
                'Wait for it, or choose another --state-dir.') from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b'%d\n' % os.getpid(), 0)
        yield
    finally:
        os.close(descriptor)
