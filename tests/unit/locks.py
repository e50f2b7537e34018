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

"""Locks as VMware makes them: a folder with a file in it."""

import os

from nova_vmrun.host import files
from nova_vmrun import system


def line(pid=None, program='vmware-vmx', born=None,
         machine='ABCDEFGHIJKLMNOP'):
    """Returns what stands in a lock.

    :param pid: of its holder; this very process if None
    :param born: ticks since the boot; those of the process if None
    :param machine: VMware's id of the host
    """
    pid = pid or os.getpid()
    if born is None:
        born = system.here().lock_start_time(pid) or 1
    return '%s %d-%d(%s) 1 X %d lc=1' % (
        machine, pid, born, program, born)


def lock(path, **options):
    """Locks a file; returns the lock."""
    folder = path + '.lck'
    os.mkdir(folder)
    files.write_atomically(os.path.join(folder, 'M12345.lck'),
                           line(**options).ljust(512, '\0'))
    return folder
