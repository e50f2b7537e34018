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

"""vmrun processes that have outlived the nova-compute that ran them.

vmrun starts its VM even if nothing waits for it any more. Until then, the VM
seems to be off, and deleting the server would leave a VM behind.
"""

from collections.abc import Callable
import os
import time

from oslo_log import log as logging
import psutil

from nova_vmrun.server import vm_process

LOG = logging.getLogger(__name__)

_POLL_SECONDS = 0.1


def wait_for(limits: dict[str, float], host_type: str,
             sleep: Callable[[float], None] = time.sleep,
             clock: Callable[[], float] = time.time) -> None:
    """Wait until no other vmrun works on the given VMs.

    Kill a vmrun that has exceeded its time limit, as the nova-compute that ran
    it would have done, but not its VM. Ignore a vmrun that only keeps the
    window of a started VM open.

    :param limits: seconds that a vmrun may take, by path of the VM's .vmx
    :param host_type: value of vmrun's -T
    """
    for process, timeout in _find(limits, host_type):
        LOG.warning('Waiting for "%s", which an earlier nova-compute ran',
                    ' '.join(process.info['cmdline']))
        while _is_alive(process):
            if clock() > process.info['create_time'] + timeout:
                LOG.warning('Killing process %d, which hangs', process.pid)
                _kill(process)
                break
            sleep(_POLL_SECONDS)


def _find(limits: dict[str, float], host_type: str
          ) -> list[tuple[psutil.Process, float]]:
    # The VM's own process names its .vmx, too, but has no -T.
    found = []
    for process in psutil.process_iter(['cmdline', 'create_time']):
        words = process.info['cmdline'] or []
        if not _is_vmrun(words, host_type):
            continue
        named = limits.keys() & set(words)
        if named and not _is_window(words, named):
            found.append((process, max(limits[path] for path in named)))
    return found


def _is_window(words: list[str], paths: set[str]) -> bool:
    """Return whether a vmrun only keeps the window of a started VM open."""
    return 'gui' in words and all(
        vm_process.is_held_by_vm(os.path.dirname(path)) for path in paths)


def _is_vmrun(words: list[str], host_type: str) -> bool:
    return ('-T', host_type) in zip(words, words[1:])


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and
                    process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.Error as error:
        LOG.warning('Cannot kill process %d: %s', process.pid, error)
