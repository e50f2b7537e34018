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

"""A control plane for the tests that packages bring, with the fakes."""

from collections.abc import Iterator
import contextlib
import os
import pathlib
import subprocess
import sys

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import ports


@contextlib.contextmanager
def control_plane(state_dir: str | None, folder: pathlib.Path, *options: str
                  ) -> Iterator[aio_layout.Layout]:
    """Use a control plane, or start one and remove it at the end.

    :param state_dir: of a control plane to use, which is left as it is
    :param folder: for the state directory of a new one
    :param options: of "aio up", for a new one
    """
    layout = aio_layout.Layout(state_dir or folder / 'state')
    if state_dir:
        yield layout
        return
    # Guests that boot nothing suffice, and are there at once.
    os.environ['FAKE_VMRUN_ENGINE'] = 'plain'
    try:
        _aio(layout, 'up', '--fake', *options,
             '--port-base', str(ports.free_base()))
        yield layout
    finally:
        _aio(layout, 'wipe', '--yes')


def _aio(layout: aio_layout.Layout, *words: str) -> None:
    subprocess.run([sys.executable, '-m', 'nova_vmrun.cmd.main', 'aio',
                    *words, '--state-dir', str(layout.root)], check=True)
