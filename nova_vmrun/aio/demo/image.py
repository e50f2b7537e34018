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

"""A small disk image that is real except that it has no operating system."""

import os
import pathlib
import random
import shutil
import struct
import subprocess

from nova_vmrun.aio import errors

SECTOR = 512
SIZE = 64 * 1024 ** 2
_DATA = 512 * 1024
_FIRST_SECTOR = 2048
_LINUX = 0x83
_TIMEOUT = 60


def make(folder: str | os.PathLike[str]) -> pathlib.Path:
    """Make a qcow2 image with a partition table and half a megabyte of data.

    The data is random, so that compression does not shrink it on its way.

    :param folder: where to make it
    :returns: path of the image
    :raises AioError: qemu-img is missing or fails
    """
    folder = pathlib.Path(folder)
    program = shutil.which('qemu-img')
    if program is None:
        raise errors.AioError(
            'qemu-img is not installed.', '',
            'Install it: apt-get install qemu-utils.')
    raw = folder / 'demo.raw'
    image = folder / 'demo.qcow2'
    with open(raw, 'wb') as stream:
        stream.truncate(SIZE)
        stream.write(partition_table())
        stream.seek(_FIRST_SECTOR * SECTOR)
        stream.write(random.Random(0).randbytes(_DATA))
    try:
        subprocess.run(
            [program, 'convert', '-f', 'raw', '-O', 'qcow2', raw, image],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=_TIMEOUT,
            env=dict(os.environ, LC_ALL='C'))
    except subprocess.CalledProcessError as error:
        raise errors.AioError(
            'qemu-img could not make the image.',
            error.stdout.decode(errors='replace').strip(), '') from error
    raw.unlink()
    return image


def partition_table() -> bytes:
    """Return a master boot record with a Linux partition of the whole disk.

    It is one sector long.
    """
    boot_code = bytes(446)
    # Status, first address, type and last address; then start and length in
    # sectors.
    entry = struct.pack('<B3sB3sII', 0x80, b'\xfe\xff\xff', _LINUX,
                        b'\xfe\xff\xff', _FIRST_SECTOR,
                        SIZE // SECTOR - _FIRST_SECTOR)
    return boot_code + entry + bytes(3 * len(entry)) + b'\x55\xaa'
