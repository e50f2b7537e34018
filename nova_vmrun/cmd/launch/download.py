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

"""Download a large file, and go on where an earlier attempt broke off."""

from collections.abc import Callable
import dataclasses
import errno
import http
import http.client
import json
import pathlib
import re
import shutil
import time
import urllib.error

from oslo_utils import units

from nova_vmrun.cmd.launch import progress as progresses
from nova_vmrun.cmd.launch import web
from nova_vmrun import exception
from nova_vmrun import system

_CHUNK = 256 * 1024
# Bytes between two looks at the free space.
_LOOK = 64 * units.Mi
# Attempts at one file, however much each of them brings.
_MOST_ATTEMPTS = 100
_RANGE = re.compile(r'bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)')


@dataclasses.dataclass(frozen=True)
class _Version:
    """Which version of a file a partial download is of.

    :ivar validator: the server's ETag or Last-Modified
    """

    address: str
    validator: str


class _TooSlow(web.Interrupted):
    """Bytes come, but it would take days."""


class Download:
    """The download of one file, which can be continued.

    :param address: of the file
    :param path: where to put it; the version is in a file beside it, whose
        name ends in .version
    """

    def __init__(self, address: str, path: pathlib.Path,
                 progress: progresses.Progress,
                 limits: web.Limits = web.LIMITS) -> None:
        self._address = address
        self._path = path
        self._version_path = path.with_name(path.name + '.version')
        self._progress = progress
        self._limits = limits

    def run(self) -> bool:
        """Download the file, or what is missing of it.

        :returns: whether a part of it came from an earlier attempt
        :raises DownloadFailed: it cannot be downloaded; what there is of it
            is kept
        :raises DiskFull: it does not fit
        """
        was_there = self._size()
        in_vain = 0
        for _ in range(_MOST_ATTEMPTS):
            before = self._size()
            try:
                first_byte = self._transfer()
                self._version_path.unlink(missing_ok=True)
                return was_there > 0 and first_byte > 0
            except web.Interrupted as error:
                last = error
                if (isinstance(error, web.Unreachable) and
                        self._size() == was_there):
                    break
                if (self._size() > before and
                        not isinstance(error, _TooSlow)):
                    in_vain = 0
                else:
                    in_vain += 1
            if in_vain >= self._limits.attempts:
                break
            self._progress.line('%s Trying again.' % last.details)
            time.sleep(self._limits.pause)
        raise last

    def discard(self) -> None:
        """Delete what there is of it."""
        self._path.unlink(missing_ok=True)
        self._version_path.unlink(missing_ok=True)

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def _transfer(self) -> int:
        """Request the file once.

        :returns: the number of bytes that were there before
        """
        try:
            response = web.get(self._address, self._limits, self._range())
        except urllib.error.HTTPError as error:
            error.close()
            return self._end_without_rest(error)
        with response:
            start, total = self._where(response)
            self._require_space(total - start if total is not None else 0)
            self._remember_version(response)
            with open(self._path, 'ab' if start else 'wb') as file:
                self._copy(response, file.write, start, total)
                file.flush()
                system.here().flush(file.fileno())
        size = self._size()
        if total is not None and size != total:
            raise web.Interrupted(
                'The download of %s broke off.' % self._address,
                'The connection ended after %d of %d bytes.' % (size, total),
                'Run the command again to continue.')
        return start

    def _range(self) -> dict[str, str]:
        """Return the headers that ask for what is missing."""
        size = self._size()
        try:
            version = _Version(**json.loads(self._version_path.read_text()))
        except (OSError, ValueError, TypeError):
            return {}
        if not size or version.address != self._address:
            return {}
        return {'Range': 'bytes=%d-' % size, 'If-Range': version.validator}

    def _end_without_rest(self, error: urllib.error.HTTPError) -> int:
        """Handle the answer that there is nothing after what we have."""
        size = self._size()
        if error.headers.get('Content-Range') == 'bytes */%d' % size:
            return size
        self.discard()
        raise web.Interrupted(
            '%s has changed.' % self._address,
            'The server no longer has the version that was partly '
            'downloaded.', 'Run the command again.')

    def _where(self, response: http.client.HTTPResponse
               ) -> tuple[int, int | None]:
        """Return the position of the first byte, and the size of the file."""
        if response.headers.get('Content-Encoding', 'identity') != 'identity':
            raise web.DownloadFailed(
                '%s cannot be downloaded.' % self._address,
                'The server changes its content on the way.',
                'Name another address of the image.')
        content_length = web.length(response.headers)
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            return 0, content_length
        match = _RANGE.fullmatch(response.headers.get('Content-Range', ''))
        if not match or int(match[1]) != self._size():
            self.discard()
            raise web.Interrupted(
                'The download of %s cannot be continued.' % self._address,
                'The server sent another part than the missing one.',
                'Run the command again.')
        return int(match[1]), None if match[2] == '*' else int(match[2])

    def _remember_version(self, response: http.client.HTTPResponse) -> None:
        """Note which version this is; without that, it cannot be continued."""
        tag = response.headers.get('ETag', '')
        if not tag or tag.startswith('W/'):
            tag = response.headers.get('Last-Modified', '')
        if response.status == http.HTTPStatus.PARTIAL_CONTENT:
            return
        self._version_path.unlink(missing_ok=True)
        self._path.write_bytes(b'')
        if tag:
            self._version_path.write_text(json.dumps(dataclasses.asdict(
                _Version(self._address, tag))))

    def _copy(self, response: http.client.HTTPResponse,
              write: Callable[[bytes], object], done: int,
              total: int | None) -> None:
        speed = _Speed(self._limits)
        unseen = 0
        while True:
            try:
                # read() would wait until the whole chunk is there.
                data = response.read1(_CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise web.broke_off(self._address, error) from None
            if not data:
                return
            unseen += len(data)
            if unseen >= _LOOK:
                self._require_space(0)
                unseen = 0
            try:
                write(data)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise self._full() from None
                raise
            done += len(data)
            self._progress.transfer(done, total)
            if speed.is_too_slow(len(data)):
                raise _TooSlow(
                    'The download of %s is too slow.' % self._address,
                    'The server sent less than %d bytes per second for %d s.'
                    % (self._limits.slowest, self._limits.window),
                    'Run the command again to continue, or name another '
                    'address.')

    def _require_space(self, size: int) -> None:
        if self._free() - self._limits.reserve < size:
            raise self._full(size)

    def _free(self) -> int:
        return shutil.disk_usage(self._path.parent).free

    def _full(self, size: int = 0) -> exception.DiskFull:
        return exception.DiskFull(
            '%s does not fit into %s.' % (self._address, self._path.parent),
            'It needs %d MiB, and %d MiB are free; %d MiB are to stay free.'
            % (-(-size // units.Mi), self._free() // units.Mi,
               self._limits.reserve // units.Mi),
            'Free some space, or name another folder with --cache-dir.')


class _Speed:
    """Whether bytes keep coming."""

    def __init__(self, limits: web.Limits) -> None:
        self._limits = limits
        self._began = time.monotonic()
        self._bytes = 0

    def is_too_slow(self, count: int) -> bool:
        """Return whether the window that ends now was too slow.

        :param count: bytes that have just come
        """
        self._bytes += count
        seconds = time.monotonic() - self._began
        if seconds < self._limits.window:
            return False
        is_slow = self._bytes < self._limits.slowest * seconds
        self._began += seconds
        self._bytes = 0
        return is_slow
