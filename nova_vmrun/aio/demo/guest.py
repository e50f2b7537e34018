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

"""A small Linux that tells on its serial port what it sees.

tests/guest/README.rst says how it is made and what it prints.
"""

import json
import pathlib
import subprocess
import sys

from nova_vmrun.aio import assets
from nova_vmrun.aio import errors

# Hardware that its kernel has drivers for.
PROPERTIES = {'hw_scsi_model': 'vmpvscsi', 'hw_vif_model': 'vmxnet3',
              'hw_cdrom_bus': 'ide'}
_SAID = '@guest '
_FACTS = _SAID + 'facts '
# Seconds; a mirror may be slow.
_TIMEOUT = 300


def make(folder):
    """Makes its disk of Debian's packages, or finds one made earlier.

    :param folder: pathlib.Path where to
    :returns: pathlib.Path of a qcow2 image
    :raises AioError: it cannot be made here
    """
    program = assets.folder('guest', 'make_guest') / 'make_guest'
    try:
        done = subprocess.run(
            [sys.executable, str(program), str(folder), '--quiet',
             '--format', 'qcow2'], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise errors.AioError('The guest cannot be made.', '%s.' % error)
    if done.returncode:
        raise errors.AioError('The guest cannot be made.',
                              done.stderr.strip() + '.')
    return pathlib.Path(done.stdout.strip())


def facts(log):
    """What the guest has told at its last boot.

    :param log: text of its serial port
    :returns: dict, or None if it has told nothing yet
    """
    for line in reversed(log.splitlines()):
        _, found, text = line.partition(_FACTS)
        if found:
            try:
                return json.loads(text)
            except ValueError:
                continue        # it is still writing
    return None


def without_facts(log):
    """The log without what is meant for programs."""
    return '\n'.join(line for line in log.splitlines()
                     if _SAID not in line)


def root_disk(told):
    """The disk that the guest runs from.

    :param told: its facts
    :returns: dict, or None
    """
    return next((disk for disk in told['disks'] if disk.get('root')), None)


def summary(told):
    """The facts that a person wants to see.

    :param told: its facts
    :returns: list of lines
    """
    disk = root_disk(told)
    rows = [('hostname', told['hostname']),
            ('instance id', told['instance_id']),
            ('kernel', told['kernel']),
            ('processors', told['cpus']),
            ('memory', '%d MiB' % (told['memory_kb'] // 1024)),
            ('disk', '%d MiB, driver %s' % (disk['bytes'] // 1024 ** 2,
                                            disk['driver']))]
    rows += [('network', '%s, %s, driver %s' % (
        nic['mac'], ' '.join(nic['addresses']), nic['driver']))
        for nic in told['nics']]
    rows.append(('boots so far', disk['data']['boots']))
    return ['%-14s %s' % row for row in rows]
