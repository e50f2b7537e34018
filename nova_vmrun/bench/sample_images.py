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

"""Images to measure with, which resemble those of installed systems."""

from collections.abc import Callable
import os
import random
import shutil

from oslo_utils import units

from nova_vmrun.bench import rig as rigs

_SEED = 6


def make_qcow2(rig: rigs.Rig, path: str, size: int, content: int) -> None:
    """Make a qcow2 image.

    Half of its content is random, half can be compressed, in pieces of 1 MiB
    all over the disk.

    :param path: the file to make
    :param size: bytes of the disk
    :param content: bytes that are not zero
    :raises VmrunError: qemu-img failed
    """
    source, pieces = random.Random(_SEED), size // units.Mi
    raw = path + '.raw'
    with open(raw, 'wb') as file:
        file.truncate(size)
        for piece in source.sample(range(pieces), content // units.Mi):
            file.seek(piece * units.Mi)
            file.write(source.randbytes(16 * units.Ki) * 64 if piece % 2 else
                       source.randbytes(units.Mi))
    rig.run(rig.qemu_img_path, 'convert', '-f', 'raw', '-O', 'qcow2', raw,
            path)
    os.remove(raw)


def file_download(path: str) -> Callable[[str], None]:
    """Return a download that moves no bytes: a second name for a file."""
    def download(target: str) -> None:
        os.link(path, target)

    return download


def stream_download(path: str) -> Callable[[str], None]:
    """Return a download that writes a file in chunks, as Glance's does."""
    def download(target: str) -> None:
        with open(path, 'rb') as source, open(target, 'wb') as file:
            shutil.copyfileobj(source, file, 64 * units.Ki)

    return download
