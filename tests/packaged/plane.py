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

"""A control plane for the tests that packages bring, with the fakes.

Its guests boot nothing, and are there at once. Or QEMU runs them, and this
host reaches those on the NAT network.
"""

from collections.abc import Iterator
import contextlib
import os
import pathlib
import subprocess
import sys

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import ports


_PLAIN = {'FAKE_VMRUN_ENGINE': 'plain'}
_QEMU = {'FAKE_VMRUN_ENGINE': 'qemu', 'FAKE_VMRUN_NET': 'tap',
         'FAKE_VMRUN_QEMU_HARDWARE': 'native'}


@contextlib.contextmanager
def control_plane(state_dir: str | None, folder: pathlib.Path, *options: str,
                  boots: bool = False) -> Iterator[aio_layout.Layout]:
    """Use a control plane, or start one and remove it at the end.

    :param state_dir: of a control plane to use, which is left as it is
    :param folder: for the state directory of a new one
    :param options: of "aio up", for a new one
    :param boots: whether guests of a new one boot, in QEMU
    """
    layout = aio_layout.Layout(state_dir or folder / 'state')
    if state_dir:
        yield layout
        return
    os.environ.update(_QEMU if boots else _PLAIN)
    try:
        _aio(layout, 'up', '--fake', *options,
             '--port-base', str(ports.free_base()))
        yield layout
    finally:
        _aio(layout, 'wipe', '--yes')


def _aio(layout: aio_layout.Layout, *words: str) -> None:
    subprocess.run([sys.executable, '-m', 'nova_vmrun.cmd.main', 'aio',
                    *words, '--state-dir', str(layout.root)], check=True)
