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

"""The owner of a server's .vmx: nothing else opens one.

VMware rewrites the file whenever a VM stops or is suspended, which takes a
second or two. So there are two ways to read (once, or with retries) and one
way to write: under the server's lock, checked, and atomically.
"""

from collections import abc
import contextlib
import os
import time
from typing import TypeVar

from oslo_concurrency import lockutils
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.machine import merge
from nova_vmrun.server import layout as layout_module

LOG = logging.getLogger(__name__)

T = TypeVar('T')
# Changes the given settings in place.
Change = abc.Callable[[vmx.Vmx], None]
# Takes the server's current settings and those rendered last (None if lost);
# returns the rendered text and the text to write to the .vmx.
Make = abc.Callable[[vmx.Vmx | None, vmx.Vmx | None], tuple[str, str]]

_TRIES = 5
_INTERVAL = 0.5
# Enough for vmrun to find a running VM, but too little to start one.
_PLACEHOLDER = 'config.version = "8"\nvirtualHW.version = "10"\n'


def patiently(read: abc.Callable[[], T],
              sleep: abc.Callable[[float], None] = time.sleep) -> T:
    """Read a file that VMware may be rewriting right now.

    :param read: reads and parses the file
    :param sleep: sleeps for some seconds
    :raises InvalidVmx: the file is still malformed after two seconds
    """
    for _ in range(_TRIES - 1):
        try:
            return read()
        except exception.InvalidVmx:
            sleep(_INTERVAL)
    return read()


class OpenVmx:
    """A server's .vmx while nothing else writes it or starts the VM.

    It is parsed once, however many steps read and change it.

    :ivar uuid: of the server
    """

    def __init__(self, layout: layout_module.Layout, uuid: str) -> None:
        self.uuid = uuid
        self._path = layout.vmx(uuid)
        self._rendered = layout.rendered(uuid)
        self._keys: vmx.Vmx | None = None

    def exists(self) -> bool:
        return self._keys is not None or os.path.exists(self._path)

    @property
    def keys(self) -> vmx.Vmx:
        """The settings in the file; change them with edit.

        :raises VmNotFound: there is no such file
        :raises InvalidVmx: it is malformed
        """
        if self._keys is None:
            self._keys = _load(self.uuid, self._path)
        return self._keys

    def edit(self, change: Change) -> None:
        """Change some settings, and write the file if they differ.

        Leave the rendered copy unchanged: it says what Nova requested.

        :raises VmNotFound: there is no such file
        :raises InvalidVmx: it is malformed
        :raises InvalidText: a value cannot be written
        """
        keys = self.keys.copy()
        change(keys)
        if keys != self.keys:
            _write(self._path, keys)
            self._keys = keys

    def render(self, make: Make) -> None:
        """Rewrite the file and the rendered copy beside it, if they differ.

        :raises InvalidVmx: the current file is malformed
        """
        live = self.keys if self.exists() else None
        before, former = None, None
        if live is not None:
            before, former = self._former()
        rendered, text = make(live, former)
        keys = vmx.parse(text)
        if keys != live:
            # Whether a crash comes before or after the .vmx is written, the
            # copy lists all of our keys in it.
            between = (rendered if before is None else
                       merge.append_new(before, rendered))
            if between != before:
                files.write_atomically(self._rendered, between)
            files.write_atomically(self._path, text)
            before = between
        if rendered != before:
            files.write_atomically(self._rendered, rendered)
        self._keys = keys

    def _former(self) -> tuple[str | None, vmx.Vmx | None]:
        """Return the settings that were rendered last, as text and parsed."""
        try:
            text, encoding = vmx.decode(files.read(self._rendered))
            return text, vmx.parse(text, encoding)
        except (FileNotFoundError, exception.InvalidVmx) as error:
            LOG.warning('The copy as rendered of the .vmx of server %s is '
                        'lost: %s', self.uuid, error)
            return None, None


# Writes the .vmx of a server that is off.
Rewrite = abc.Callable[[OpenVmx], None]


class VmxFiles:
    """The .vmx files of this host's servers.

    :param layout: paths of the files
    :param sleep: sleeps for some seconds; tests replace it
    """

    def __init__(self, layout: layout_module.Layout,
                 sleep: abc.Callable[[float], None] = time.sleep) -> None:
        self._layout = layout
        self._sleep = sleep

    def exists(self, uuid: str) -> bool:
        return os.path.exists(self._layout.vmx(uuid))

    def load(self, uuid: str) -> vmx.Vmx:
        """Read a server's .vmx as it is now.

        :raises VmNotFound: there is no such file
        :raises InvalidVmx: it is malformed; VMware may be rewriting it
        """
        return _load(uuid, self._layout.vmx(uuid))

    def load_patiently(self, uuid: str) -> vmx.Vmx:
        """Read a .vmx that VMware may be rewriting.

        :raises VmNotFound: there is no such file
        :raises InvalidVmx: it is still malformed after two seconds
        """
        return patiently(lambda: self.load(uuid), self._sleep)

    @contextlib.contextmanager
    def opened(self, uuid: str) -> abc.Iterator[OpenVmx]:
        """Yield a server's .vmx, locked against other writes and starts.

        Not reentrant. Do not wait for Neutron in the block.
        """
        with lockutils.lock('vmrun-vmx-%s' % uuid):
            yield OpenVmx(self._layout, uuid)

    def edit(self, uuid: str, change: Change) -> None:
        """Change some settings of a server's .vmx; see OpenVmx.edit."""
        with self.opened(uuid) as file:
            file.edit(change)

    def edit_copy(self, uuid: str, folder: str, change: Change) -> None:
        """Change a new copy of a server's .vmx, which nothing else uses yet.

        :param folder: of the copy
        :raises VmNotFound: there is no copy in the folder
        :raises InvalidVmx: it is malformed
        """
        path = os.path.join(folder, os.path.basename(self._layout.vmx(uuid)))
        keys = _load(uuid, path)
        change(keys)
        _write(path, keys)

    @contextlib.contextmanager
    def placeholder(self, uuid: str) -> abc.Iterator[None]:
        """Write a .vmx by which vmrun finds a running VM whose own is lost.

        It has too few settings to start the server, so remove it if the block
        fails.
        """
        path = self._layout.vmx(uuid)
        files.write_atomically(path, _PLACEHOLDER)
        try:
            yield
        except exception.VmrunError:
            os.remove(path)
            raise


def _load(uuid: str, path: str) -> vmx.Vmx:
    try:
        return vmx.load(files.read(path))
    except FileNotFoundError:
        raise exception.VmNotFound(
            'The .vmx of server %s is lost.' % uuid,
            'There is no %s.' % path,
            'Reboot the server hard, which rewrites it.')
    except exception.InvalidVmx as error:
        raise exception.InvalidVmx(
            'The .vmx of server %s cannot be read.' % uuid, error.brief,
            'Correct it, or remove it: a hard reboot rewrites it.')


def _write(path: str, keys: vmx.Vmx) -> None:
    text = vmx.dump(keys, controls=keys)
    if vmx.parse(text) != keys:
        raise exception.InvalidVmx(
            'The settings for %s cannot be written.' % path,
            'What VMware would read differs from what was meant.')
    files.write_atomically(path, text)
