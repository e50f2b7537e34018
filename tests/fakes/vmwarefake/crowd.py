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

"""Concurrent starts, some of which fail in the products.

With the knob CROWD a start fails if that many others are in progress. The VM
stays off, and its next start works.
"""

from __future__ import annotations

import contextlib
import fcntl
import os

from vmwarefake import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake import session as sessions

_FOLDER = 'starts'
_FILE = 'crowd.json'
#: Unknown error and The operation was canceled, alternately, as observed.
_CODES = (1, 10)


@contextlib.contextmanager
def place(session: sessions.Session, vmx: str) -> abc.Iterator[None]:
    """Count as a start in progress.

    :raises errors.Refused: if there are too many.
    """
    if not session.knobs['CROWD']:
        yield
        return
    folder = session.state.path(_FOLDER)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, str(os.getpid()))
    with open(path, 'w') as own:
        fcntl.flock(own, fcntl.LOCK_EX)
        try:
            if _others(folder, path) >= session.knobs.number('CROWD'):
                _lose(session, vmx)
            yield
        finally:
            os.unlink(path)


def _others(folder: str, own: str) -> int:
    """Count the starts in progress of other processes that are alive."""
    count = 0
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if path == own:
            continue
        with contextlib.suppress(FileNotFoundError):
            with open(path) as f:
                try:
                    fcntl.flock(f, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    count += 1
    return count


def _lose(session: sessions.Session, vmx: str) -> None:
    with session.state.shared(_FILE, {'lost': 0, 'may_start': []}) as known:
        if vmx in known['may_start']:
            known['may_start'].remove(vmx)
            return
        known['may_start'].append(vmx)
        known['lost'] += 1
        code = _CODES[(known['lost'] - 1) % len(_CODES)]
    raise errors.vix(code)
