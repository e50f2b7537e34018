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

"""Progress of long operations, in a few lines of the log."""

from collections import abc
import contextlib
import os
import threading
from typing import BinaryIO

from nova.objects import instance as nova_instance
from oslo_log import log as logging
from oslo_utils import units

LOG = logging.getLogger(__name__)

_FIRST_SECONDS = 30
_STEP_PERCENT = 10


@contextlib.contextmanager
def growing(path: str, what: str, instance: nova_instance.Instance,
            finished: threading.Event | None = None
            ) -> abc.Iterator[None]:
    """Log the size of a file that the block writes.

    Log it after half a minute, and then after twice the time of the last line:
    six lines in an hour.

    :param what: what the file is, for the log
    :param instance: the server that it is for
    :param finished: tests replace it
    """
    over = finished or threading.Event()

    def watch() -> None:
        seconds = _FIRST_SECONDS
        while not over.wait(seconds):
            with contextlib.suppress(OSError):
                LOG.info('%s: %d MiB so far', what,
                         os.path.getsize(path) // units.Mi,
                         instance=instance)
                seconds *= 2

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


class Reader:
    """A file that logs when another tenth of it has been read.

    :param what: what is done with it, for the log
    :param instance: the server that it is for
    """

    def __init__(self, file: BinaryIO, what: str,
                 instance: nova_instance.Instance) -> None:
        self._file = file
        self._what = what
        self._instance = instance
        self._size = os.fstat(file.fileno()).st_size
        self._done = 0
        self._next_percent = _STEP_PERCENT

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._done += len(data)
        percent = self._done * 100 // max(self._size, 1)
        if data and percent >= self._next_percent:
            LOG.info('%s: %d %% of %d MiB', self._what, percent,
                     self._size // units.Mi, instance=self._instance)
            self._next_percent = (
                percent // _STEP_PERCENT + 1) * _STEP_PERCENT
        return data
