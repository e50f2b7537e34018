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

"""The files of a guest, in a folder on the host.

Paths are those of the guest: with slashes, or with a drive letter and
backslashes. They never lead out of the folder.
"""

from __future__ import annotations

import os
import shutil

from vmwarefake import messages

NOT_FOUND = 4
EXISTS = 12
NOT_A_FILE = 20001
NOT_A_DIRECTORY = 20002

_LINUX = ('bin', 'etc', 'home', 'opt', 'root', 'sbin', 'tmp', 'usr/bin',
          'usr/sbin', 'var/log', 'var/tmp')
_WINDOWS = ('C:/Windows/System32', 'C:/Windows/Temp', 'C:/Users/Public',
            'C:/Temp')


class GuestError(Exception):
    """An operation in the guest failed; ``code`` is VIX's."""

    def __init__(self, code: int) -> None:
        super().__init__(messages.vix(code))
        self.code = code


class FileSystem:
    """The files of one guest.

    :param folder: on the host; made with the usual folders if missing.
    :param windows: whether the guest has drive letters.
    """

    def __init__(self, folder: str, windows: bool = False) -> None:
        self.folder = folder
        self.windows = windows
        if not os.path.isdir(folder):
            for name in _WINDOWS if windows else _LINUX:
                os.makedirs(os.path.join(folder, name), exist_ok=True)

    def host(self, path: str) -> str:
        """Return the path on the host of a guest's path.

        :raises GuestError: if the path is not absolute.
        """
        path = path.replace('\\', '/')
        absolute = path[1:2] == ':' if self.windows else path[:1] == '/'
        if not absolute or '\0' in path:
            raise GuestError(22)
        inside = os.path.normpath('/' + path).lstrip('/')
        return os.path.join(self.folder, inside)

    def is_file(self, path: str) -> bool:
        return os.path.isfile(self.host(path))

    def is_directory(self, path: str) -> bool:
        return os.path.isdir(self.host(path))

    def _need(self, path: str) -> str:
        host = self.host(path)
        if not os.path.lexists(host):
            raise GuestError(NOT_FOUND)
        return host

    def _need_directory(self, path: str) -> str:
        host = self._need(path)
        if not os.path.isdir(host):
            raise GuestError(NOT_A_DIRECTORY)
        return host

    def _free_place(self, path: str) -> str:
        host = self.host(path)
        if os.path.lexists(host):
            raise GuestError(EXISTS)
        if not os.path.isdir(os.path.dirname(host)):
            raise GuestError(NOT_FOUND)
        return host

    def list(self, path: str) -> list[str]:
        return sorted(os.listdir(self._need_directory(path)))

    def make_directory(self, path: str) -> None:
        os.mkdir(self._free_place(path))

    def remove_directory(self, path: str) -> None:
        shutil.rmtree(self._need_directory(path))

    def remove_file(self, path: str) -> None:
        host = self._need(path)
        if os.path.isdir(host):
            raise GuestError(NOT_A_FILE)
        os.unlink(host)

    def rename(self, old: str, new: str) -> None:
        os.rename(self._need(old), self._free_place(new))

    def write(self, path: str, data: bytes, append: bool = False) -> None:
        host = self.host(path)
        if os.path.isdir(host):
            raise GuestError(NOT_A_FILE)
        if not os.path.isdir(os.path.dirname(host)):
            raise GuestError(NOT_FOUND)
        with open(host, 'ab' if append else 'wb') as f:
            f.write(data)

    def read(self, path: str) -> bytes:
        host = self._need(path)
        if os.path.isdir(host):
            raise GuestError(NOT_A_FILE)
        with open(host, 'rb') as f:
            return f.read()

    def temporary(self) -> str:
        """Make an empty file with a new name and return its guest path."""
        folder = 'C:\\Windows\\Temp\\' if self.windows else '/tmp/'
        while True:
            path = '%svmware%s' % (folder, os.urandom(4).hex())
            if not os.path.lexists(self.host(path)):
                self.write(path, b'')
                return path

    def copy_in(self, host_path: str, path: str) -> None:
        """Copy a file or a folder of the host into the guest."""
        if not os.path.exists(host_path):
            raise GuestError(NOT_FOUND)
        target = self.host(path)
        if not os.path.isdir(os.path.dirname(target)):
            raise GuestError(NOT_FOUND)
        _copy(host_path, target)

    def copy_out(self, path: str, host_path: str) -> None:
        """Copy a file or a folder of the guest to the host."""
        source = self._need(path)
        if not os.path.isdir(os.path.dirname(os.path.abspath(host_path))):
            raise GuestError(NOT_FOUND)
        _copy(source, host_path)


def _copy(source: str, target: str) -> None:
    if os.path.isdir(source):
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif os.path.isdir(target):
        raise GuestError(NOT_A_FILE)
    else:
        shutil.copyfile(source, target)
