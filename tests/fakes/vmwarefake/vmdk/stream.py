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

"""streamOptimized disks (type 5), written by qemu-img."""

from __future__ import annotations

import os
import subprocess

from vmwarefake import files
from vmwarefake import vmdk
from vmwarefake.vmdk import create
from vmwarefake.vmdk import disk


class NoQemuImg(vmdk.DiskError):
    """qemu-img is missing."""


def convert(link: disk.Disk, path: str, adapter: str, hardware: int) -> None:
    """Copy a disk and all its parents to a streamOptimized disk.

    :raises vmdk.DiskError: if the target exists or qemu-img fails.
    """
    if os.path.lexists(path):
        raise vmdk.DiskError(vmdk.EXISTS, path)
    files.check_space(path)
    command = ['qemu-img', 'convert', '-f', 'vmdk', '-O', 'vmdk',
               '-o', 'subformat=streamOptimized', link.path, path]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    except FileNotFoundError:
        raise NoQemuImg(vmdk.UNSUPPORTED, path,
                        'qemu-img is needed to write a streamOptimized disk '
                        'and was not found on PATH')
    if done.returncode:
        files.remove(path)
        raise vmdk.DiskError(1, path, done.stdout.decode('utf-8', 'replace'))
    new = disk.open_link(path)
    described = create.describe(path, 0, link.capacity, adapter, hardware)
    described.header['createType'] = 'streamOptimized'
    new.descriptor.header = described.header
    new.descriptor.ddb = described.ddb
    new.save()
