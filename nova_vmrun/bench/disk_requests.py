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

"""Requests that qemu-img makes to a disk, as a guest would through VMware.

qemu-img reads and writes with O_DIRECT, as VMware does.
"""

from collections.abc import Sequence
import dataclasses
import os

from oslo_utils import units

from nova_vmrun import system
from nova_vmrun.tools import messages
from nova_vmrun.tools import process

_SMALL = 4096
_LARGE = units.Mi
# How many small requests are made at each run.
_SMALL_COUNT = 2000


@dataclasses.dataclass(frozen=True)
class Requests:
    """Requests of one kind.

    :ivar size: bytes of each
    :ivar depth: how many are made at once
    """

    what: str
    size: int
    depth: int
    is_write: bool

    @property
    def is_large(self) -> bool:
        """Whether the whole disk is read or written in large requests."""
        return self.size == _LARGE

    def count(self, size: int) -> int:
        """Return how many are made.

        :param size: of the disk in bytes
        """
        return size // _LARGE if self.is_large else _SMALL_COUNT


ALL: Sequence[Requests] = (
    Requests('sequential write', _LARGE, 1, True),
    Requests('sequential read', _LARGE, 1, False),
    Requests('4k write, one by one', _SMALL, 1, True),
    Requests('4k read, one by one', _SMALL, 1, False),
    Requests('4k write, 16 at once', _SMALL, 16, True),
    Requests('4k read, 16 at once', _SMALL, 16, False),
)


def make(runner: process.Runner, requests: Requests, path: str,
         image_format: str, size: int,
         qemu_img_path: str = 'qemu-img') -> None:
    """Read or write all of a disk, or a part in small requests.

    :param image_format: as qemu-img names it
    :param size: of the disk in bytes
    :raises VmrunError: qemu-img failed
    """
    result = runner.run(
        qemu_img_path, 'bench', '-f', image_format, '-t', 'none',
        '-c', requests.count(size),
        '-d', requests.depth, '-s', requests.size,
        *(['-w'] if requests.is_write else []), path, timeout=600)
    if result.exit_code:
        raise messages.refusal(result, 'Cannot measure the disk %s.' % path)


def fill(path: str, size: int) -> None:
    """Give a file all its blocks, so that no run has to find them."""
    block = os.urandom(_LARGE)
    with open(path, 'r+b') as file:
        for _ in range(size // _LARGE):
            file.write(block)
        system.here().flush(file.fileno())
