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

"""Images that were downloaded, so that each is downloaded once."""

from collections.abc import Iterator, Mapping
import contextlib
import dataclasses
import fcntl
import hashlib
import json
import lzma
import os
import pathlib
import re
import shutil
import time
from urllib import parse

from nova_vmrun.cmd.launch import catalogue
from nova_vmrun.cmd.launch import checksums
from nova_vmrun.cmd.launch import download
from nova_vmrun.cmd.launch import progress as progresses
from nova_vmrun.cmd.launch import web
from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun import system

_CHUNK = 1 << 20
_XZ = '.xz'
_DIGEST = re.compile(r'(md5|sha256|sha512):([0-9A-Fa-f]+)')


class WrongChecksum(exception.VmrunError):
    """A file is not the one that its publisher offers."""


@dataclasses.dataclass(frozen=True)
class Digest:
    """What a file must be.

    :ivar algorithm: as hashlib names it
    :ivar value: in hexadecimal and lower case
    """

    algorithm: str
    value: str


@dataclasses.dataclass(frozen=True)
class ChecksumFile:
    """Where the publisher says what a file must be."""

    address: str
    form: catalogue.ChecksumFormat
    algorithm: str


@dataclasses.dataclass(frozen=True)
class Source:
    """An image on the web.

    :ivar expected: what it must be; None: nobody says
    """

    address: str
    expected: Digest | ChecksumFile | None

    @property
    def file_name(self) -> str:
        """The name of the file at the publisher's."""
        path = parse.unquote(parse.urlsplit(self.address).path)
        return path.rpartition('/')[2] or 'image'


@dataclasses.dataclass(frozen=True)
class Stored:
    """An image that was downloaded and verified.

    :ivar path: of the file, unpacked
    :ivar sha512: of this file
    """

    path: pathlib.Path
    sha512: str


@dataclasses.dataclass(frozen=True)
class _Record:
    """What is known about a stored image.

    :ivar expected: digest that the publisher gave, or an empty text
    :ivar size: bytes of the file, unpacked
    :ivar sha512: of the file, unpacked
    """

    address: str
    expected: str
    size: int
    sha512: str
    downloaded: float


def default_folder(environ: Mapping[str, str] = os.environ) -> pathlib.Path:
    """Return $XDG_CACHE_HOME/nova-vmrun/images or ~/.cache/nova-vmrun/images.

    :param environ: environment variables
    """
    base = environ.get('XDG_CACHE_HOME')
    if not base or not os.path.isabs(base):
        base = os.path.join(os.path.expanduser('~'), '.cache')
    return pathlib.Path(base, 'nova-vmrun', 'images')


def parse_digest(text: str) -> Digest:
    """Parse ALGORITHM:DIGEST.

    :raises InvalidInput: it is something else
    """
    match = _DIGEST.fullmatch(text)
    if not match or len(match[2]) != 2 * hashlib.new(
            match[1], usedforsecurity=False).digest_size:
        raise exception.InvalidInput(
            '%r is not a checksum.' % text, '',
            'Write it as sha256:DIGEST, sha512:DIGEST or md5:DIGEST, with the '
            'digest in hexadecimal.')
    return Digest(match[1], match[2].lower())


def verify(path: pathlib.Path, expected: Digest) -> None:
    """Raise WrongChecksum if a file is not what it must be."""
    found = files.digest(path, expected.algorithm)
    if found != expected.value:
        raise WrongChecksum(
            '%s is not the file that you expect.' % path,
            'Its %s is %s; it must be %s.'
            % (expected.algorithm, found, expected.value),
            'Get the file again, or correct the checksum.')


class Store:
    """The folder with the images that were downloaded.

    :param folder: it is made if needed
    """

    def __init__(self, folder: pathlib.Path, progress: progresses.Progress,
                 limits: web.Limits = web.LIMITS) -> None:
        self._folder = folder
        self._progress = progress
        self._limits = limits

    def fetch(self, source: Source) -> Stored:
        """Return an image, downloaded now if it is not there or has changed.

        :raises DownloadFailed: it cannot be downloaded
        :raises WrongChecksum: it is not what its publisher offers
        :raises InvalidInput: the publisher has no checksum for it
        :raises DiskFull: it does not fit
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The address is somebody else's text; its name is for people.
        key = hashlib.sha256(source.address.encode()).hexdigest()[:16]
        name = re.sub('[^A-Za-z0-9._-]', '_', source.file_name)[-80:]
        path = self._folder / ('%s-%s' % (key, name.removesuffix(_XZ)))
        with _lock(path, self._progress):
            return self._fetch(source, path)

    def _fetch(self, source: Source, path: pathlib.Path) -> Stored:
        record = _load(path, source)
        try:
            expected = self._expected(source)
        except web.Interrupted as error:
            if record is None:
                raise
            self._progress.line(
                '%s Using the image that was downloaded on %s.' % (
                    error, time.strftime('%Y-%m-%d', time.localtime(
                        record.downloaded))))
            return Stored(path, record.sha512)
        if record and (expected is None or
                       record.expected == _text(expected)):
            self._progress.line('Already downloaded: %s' % path)
            return Stored(path, record.sha512)
        if expected is None:
            self._progress.line(
                'Nobody says what %s must be, so it is not verified.'
                % source.address)
        self._progress.line('Downloading %s' % source.address)
        part = path.with_name(path.name + '.part')
        self._download(source, part, expected)
        if source.file_name.endswith(_XZ):
            self._unpack(part)
        record = _Record(source.address, _text(expected), part.stat().st_size,
                         files.digest(part, 'sha512'), time.time())
        # In this order, no record is ever about another file.
        _record_path(path).unlink(missing_ok=True)
        os.replace(part, path)
        written = _record_path(path).with_name(path.name + '.new')
        written.write_text(json.dumps(dataclasses.asdict(record)))
        os.replace(written, _record_path(path))
        return Stored(path, record.sha512)

    def _expected(self, source: Source) -> Digest | None:
        if not isinstance(source.expected, ChecksumFile):
            return source.expected
        file = source.expected
        return Digest(file.algorithm, checksums.find(
            web.text(file.address, self._limits), file.form, file.algorithm,
            source.file_name))

    def _download(self, source: Source, part: pathlib.Path,
                  expected: Digest | None) -> None:
        transfer = download.Download(source.address, part, self._progress,
                                     self._limits)
        was_continued = transfer.run()
        found = files.digest(part, expected.algorithm) if expected else ''
        if was_continued and expected and found != expected.value:
            self._progress.line('Its checksum is wrong. Downloading all of '
                                'it again.')
            transfer.discard()
            transfer.run()
            found = files.digest(part, expected.algorithm)
        if expected and found != expected.value:
            transfer.discard()
            raise WrongChecksum(
                '%s is not what its publisher offers.' % source.address,
                'Its %s is %s; it must be %s. The download was deleted.'
                % (expected.algorithm, found, expected.value),
                'Try again later: the publisher may be replacing the image. '
                'If it happens again, do not use this address.')

    def _unpack(self, part: pathlib.Path) -> None:
        """Replace a file with what xz has packed in it."""
        unpacked = part.with_name(part.name + '.unpacked')
        self._progress.line('Unpacking')
        try:
            with lzma.open(part) as packed, open(unpacked, 'wb') as file:
                while data := packed.read(_CHUNK):
                    free = shutil.disk_usage(self._folder).free
                    if free - self._limits.reserve < len(data):
                        raise exception.DiskFull(
                            '%s does not fit into %s, unpacked.'
                            % (part.name, self._folder),
                            resolution='Free some space, or name another '
                                       'folder with --cache-dir.')
                    file.write(data)
                file.flush()
                system.here().flush(file.fileno())
            os.replace(unpacked, part)
        except (lzma.LZMAError, EOFError) as error:
            part.unlink()
            raise web.DownloadFailed(
                '%s cannot be unpacked.' % part.name,
                '%s.' % str(error).rstrip('.'),
                'The download was deleted. Try again.') from None
        finally:
            unpacked.unlink(missing_ok=True)


def _text(digest: Digest | None) -> str:
    return '%s:%s' % (digest.algorithm, digest.value) if digest else ''


def _record_path(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(path.name + '.json')


def _load(path: pathlib.Path, source: Source) -> _Record | None:
    """Return the record of a stored image, or None if there is none."""
    try:
        record = _Record(**json.loads(_record_path(path).read_text()))
        size = path.stat().st_size
    except (OSError, ValueError, TypeError):
        return None
    return record if (record.address, record.size) == (
        source.address, size) else None


@contextlib.contextmanager
def _lock(path: pathlib.Path, progress: progresses.Progress) -> Iterator[None]:
    """Let only one process at a time download an image."""
    with open(path.with_name(path.name + '.lock'), 'wb') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.line('Waiting for another process that downloads it')
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
