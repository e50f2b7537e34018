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

"""A small Linux that reports on its serial port what it sees.

tests/guest/README.rst describes how it is made and what it prints.
"""

import json
import pathlib
import subprocess
import sys
from typing import NotRequired, TypedDict

from nova_vmrun.aio import assets
from nova_vmrun.aio import errors

# The hardware that its kernel has drivers for, and the user to log in as.
PROPERTIES = {'hw_scsi_model': 'vmpvscsi', 'hw_vif_model': 'vmxnet3',
              'hw_cdrom_bus': 'ide', 'os_admin_user': 'root'}
_SAID = '@guest '
_FACTS = _SAID + 'facts '
# Seconds. A Debian mirror may be slow.
_TIMEOUT = 300


class Data(TypedDict):
    """What the guest keeps on its data partition."""

    boots: int


class Disk(TypedDict):
    """A disk, as the guest sees it."""

    bytes: int
    driver: str
    root: NotRequired[bool]
    data: Data


class Nic(TypedDict):
    """A network adapter, as the guest sees it; addresses have a prefix."""

    mac: str
    driver: str
    addresses: list[str]


class Facts(TypedDict):
    """The part of the guest's report about itself that the demo needs."""

    hostname: str
    instance_id: str
    kernel: str
    cpus: int
    memory_kb: int
    disks: list[Disk]
    nics: list[Nic]


def make(folder: pathlib.Path) -> pathlib.Path:
    """Build the guest's disk from Debian packages, or reuse an earlier one.

    :param folder: where to build it
    :returns: path of a qcow2 image
    :raises AioError: it cannot be built here
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


def facts(log: str) -> Facts | None:
    """Return what the guest reported about itself when it last booted.

    :param log: text of its serial port
    :returns: None if it has reported nothing yet
    """
    for line in reversed(log.splitlines()):
        _, found, text = line.partition(_FACTS)
        if found:
            try:
                told: Facts = json.loads(text)
                return told
            except ValueError:
                continue        # it is still writing
    return None


def without_facts(log: str) -> str:
    """Return the log without the lines that are meant for programs."""
    return '\n'.join(line for line in log.splitlines()
                     if _SAID not in line)


def root_disk(told: Facts) -> Disk | None:
    """Return the disk that the guest runs from, or None if unknown."""
    return next((disk for disk in told['disks'] if disk.get('root')), None)


def summary(told: Facts) -> list[str]:
    """Return lines with the facts that a user wants to see."""
    disk = root_disk(told)
    rows: list[tuple[str, object]] = [
        ('hostname', told['hostname']),
        ('instance id', told['instance_id']),
        ('kernel', told['kernel']),
        ('processors', told['cpus']),
        ('memory', '%d MiB' % (told['memory_kb'] // 1024))]
    if disk is not None:
        rows.append(('disk', '%d MiB, driver %s' % (
            disk['bytes'] // 1024 ** 2, disk['driver'])))
    rows += [('network', '%s, %s, driver %s' % (
        nic['mac'], ' '.join(nic['addresses']), nic['driver']))
        for nic in told['nics']]
    if disk is not None:
        rows.append(('boots so far', disk['data']['boots']))
    return ['%-14s %s' % row for row in rows]
