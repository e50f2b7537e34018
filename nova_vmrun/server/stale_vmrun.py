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

"""Runs of vmrun that outlived the nova-compute that began them.

A vmrun that starts a VM brings it up also when nobody waits for it any more.
Whoever looked meanwhile would take the VM for one that is off, and a server
that is deleted then would leave a VM behind.
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
    """Waits until no other vmrun works on some VMs.

    One that is older than its time limit is killed, as whoever had begun it
    would have done; the VM goes on. One that keeps the window of a VM open
    which is up is left alone.

    :param limits: paths of their .vmx files, to the seconds that one may
        take from its beginning
    :param host_type: value of vmrun's -T
    """
    for process, timeout in _find(limits, host_type):
        LOG.warning('Waiting for "%s", which an earlier nova-compute began',
                    ' '.join(process.info['cmdline']))
        while _is_alive(process):
            if clock() > process.info['create_time'] + timeout:
                LOG.warning('Process %d hangs and is killed', process.pid)
                _kill(process)
                break
            sleep(_POLL_SECONDS)


def _find(limits: dict[str, float], host_type: str
          ) -> list[tuple[psutil.Process, float]]:
    # The VM's own process names its .vmx too.
    found = []
    for process in psutil.process_iter(['cmdline', 'create_time']):
        words = process.info['cmdline'] or []
        if not _is_vmrun(words, host_type):
            continue
        named = limits.keys() & set(words)
        if named and not _is_window(words, named):
            found.append((process, max(map(limits.get, named))))
    return found


def _is_window(words: list[str], paths: set[str]) -> bool:
    """Tells whether a vmrun that started a VM with a window is done."""
    return 'gui' in words and all(
        vm_process.is_held_by_vm(os.path.dirname(path)) for path in paths)


def _is_vmrun(words, host_type):
    return ('-T', host_type) in zip(words, words[1:])


def _is_alive(process):
    try:
        return (process.is_running() and
                process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _kill(process):
    try:
        process.kill()
    except psutil.Error as error:
        LOG.warning('Process %d cannot be killed: %s', process.pid, error)
