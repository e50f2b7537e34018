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

"""Choice of the vmrun that the compute service runs: VMware's or the fake.

The fake programs behave like VMware's and create real files, so all of
OpenStack can be tried on a machine without VMware.
"""

from collections.abc import Mapping
import dataclasses
import os
import pathlib
import platform
import shutil
import subprocess
import sys

from nova_vmrun.aio import assets
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun import exception
from nova_vmrun.host import product
from nova_vmrun.host import x_libraries
from nova_vmrun import system

_INSTALL_TIMEOUT = 60
_KNOB = 'FAKE_VMRUN_'
_STATE = 'FAKE_VMRUN_STATE'

ENGINE = 'FAKE_VMRUN_ENGINE'
QEMU, PLAIN = 'qemu', 'plain'
_QEMU_PROGRAMS = ('qemu-system-x86_64', 'qemu-nbd')
_MACHINES = {QEMU: 'with QEMU as its machines',
             PLAIN: 'with machines that boot nothing'}


@dataclasses.dataclass(frozen=True)
class Programs:
    """The programs to run.

    :ivar vmrun: path
    :ivar vdiskmanager: path, or None to look beside vmrun
    :ivar fake: whether they are the fakes
    :ivar engine: what the fakes run machines with, such as qemu
    """
    vmrun: str
    vdiskmanager: str | None
    fake: bool
    engine: str = PLAIN

    def describe(self) -> str:
        """Return one line that tells the user which programs these are."""
        if self.fake:
            return ('VMware: none, the fake vmrun stands in for it, %s (%s)'
                    % (_MACHINES.get(self.engine, 'by ' + self.engine),
                       self.vmrun))
        lost = x_libraries.missing_libraries()
        return 'VMware: %s%s' % (
            self.vmrun, '. ' + x_libraries.describe(lost) if lost else '')


def choose(layout: aio_layout.Layout,
           settings: aio_settings.Settings) -> Programs:
    """Find VMware's vmrun, or install the fakes.

    :raises AioError: the user named a path that is not a program, or neither
        VMware nor the fakes are installed
    """
    if settings.fake:
        return install_fakes(layout, settings)
    try:
        path = product.find_program('vmrun', 'vmrun_path', settings.vmrun_path,
                                    is_executable=_is_vmware)
        # Otherwise openrc would still name the fakes of an earlier run.
        shutil.rmtree(layout.fakes, ignore_errors=True)
        return Programs(os.path.abspath(path), None, False)
    except exception.InvalidConfiguration as error:
        if settings.vmrun_path:
            raise errors.AioError(
                '%s is no program.' % settings.vmrun_path, '',
                'Give the path of vmrun with --vmrun-path, or --fake.'
            ) from error
    return install_fakes(layout, settings)


def describe(layout: aio_layout.Layout,
             settings: aio_settings.Settings) -> str:
    """Describe in one line what the last "up" chose."""
    if layout.fakes.is_dir():
        return _fakes(layout, settings).describe()
    try:
        return 'VMware: %s' % product.find_program(
            'vmrun', 'vmrun_path', settings.vmrun_path,
            is_executable=_is_vmware)
    except exception.InvalidConfiguration as error:
        return str(error)


def _is_vmware(path: str) -> bool:
    """Return whether a path is a program, but not a fake that is on PATH."""
    return shutil.which(path) is not None and not product.is_fake(path)


def fakes_source() -> pathlib.Path:
    """Return the folder of the fake programs.

    :raises AioError: the folder is not found
    """
    try:
        return assets.folder('fakes', 'install')
    except errors.AioError as error:
        raise errors.AioError(
            'Neither vmrun nor the fake of it was found.', error.details,
            'Install VMware Workstation, Player or Fusion, or nova-vmrun '
            'again.') from error


def install_fakes(layout: aio_layout.Layout,
                  settings: aio_settings.Settings) -> Programs:
    """Install the fake programs in the state directory.

    :raises AioError: they cannot be installed
    """
    source = fakes_source()
    layout.fake_state.mkdir(mode=0o700, exist_ok=True)
    try:
        done = subprocess.run(
            [sys.executable, str(source / 'install'), str(layout.fakes)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=_INSTALL_TIMEOUT)
        failure = done.stdout if done.returncode else None
    except (OSError, subprocess.TimeoutExpired) as error:
        failure = str(error)
    if failure is not None:
        raise errors.AioError(
            'The fake programs could not be installed in %s.' % layout.fakes,
            failure.strip(), 'Correct that, and run the command again.')
    return _fakes(layout, settings)


def _fakes(layout: aio_layout.Layout,
           settings: aio_settings.Settings) -> Programs:
    return Programs(str(layout.fakes / 'vmrun'),
                    str(layout.fakes / 'vmware-vdiskmanager'), True,
                    settings.knobs.get(ENGINE, PLAIN))


def default_engine() -> str:
    """Return the engine of a new control plane if the user chooses none.

    :returns: QEMU if it and its disk server are installed, else PLAIN
    """
    if (system.here().name == 'linux' and platform.machine() == 'x86_64'
            and all(map(shutil.which, _QEMU_PROGRAMS))):
        return QEMU
    return PLAIN


def knobs(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the fake's variables, except for the one that places its state.

    :param environ: environment variables
    """
    return {name: value for name, value in environ.items()
            if name.startswith(_KNOB) and name != _STATE}


def environment(layout: aio_layout.Layout,
                settings: aio_settings.Settings) -> dict[str, str]:
    """Return the variables that the fakes need; VMware's need none."""
    return dict(settings.knobs, **{_STATE: str(layout.fake_state)})
