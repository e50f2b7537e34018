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

"""The processes of one host: VMs, and tools that outlive nova-compute."""

from collections import abc
import time

import psutil

_SECONDS = 60


def using(folders: abc.Collection[str]) -> list[psutil.Process]:
    """Return the processes whose command lines name one of some folders."""
    return [process for process in psutil.process_iter(['cmdline'])
            if any(folder in word for folder in folders
                   for word in process.info['cmdline'] or ())]


def vms(folders: abc.Collection[str]) -> list[str]:
    """Return the .vmx paths of all VMs in some folders, listed or not."""
    return sorted(process.info['cmdline'][-1]
                  for process in using(folders) if _is_vm(process))


def end(folders: abc.Collection[str]) -> None:
    """Kill the processes that use some folders, and wait for their end."""
    found = using(folders)
    for process in found:
        process.kill()
    _wait_for(found)


def wait_for_tools(folders: abc.Collection[str]) -> None:
    """Wait for the end of the tools that use some folders."""
    _wait_for([process for process in using(folders) if not _is_vm(process)])


def _wait_for(processes: list[psutil.Process]) -> None:
    deadline = time.monotonic() + _SECONDS
    while processes:
        if time.monotonic() > deadline:
            raise AssertionError('Processes still run: %s' % processes)
        time.sleep(0.002)
        processes = [process for process in processes if _is_alive(process)]


def _is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs; a zombie may stay for a while."""
    try:
        return (process.is_running() and
                process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _is_vm(process: psutil.Process) -> bool:
    return any(word.endswith('/machine.py')
               for word in process.info['cmdline'] or ())
