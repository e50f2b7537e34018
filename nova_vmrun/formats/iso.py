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

"""ISO 9660 images of a few small files, such as config drives.

Names are written three times: unchanged for Rock Ridge (Linux) and Joliet
(Windows), and as ISO 9660:1999 names for other systems.
"""

from collections import abc
import io
import os
import posixpath
import struct

import pycdlib
from pycdlib import pycdlibexception

# Levels of the standards: names of any case, and Joliet's longest names.
_INTERCHANGE_LEVEL = 4
_JOLIET_LEVEL = 3
_ROCK_RIDGE = '1.09'


def write(path: str, files: abc.Mapping[str, bytes], label: str,
          publisher: str = '') -> None:
    """Write an ISO image.

    :param path: of the image; an existing file is overwritten
    :param files: contents by relative path, such as "openstack/latest/user"
    :param label: volume label, at most 16 characters for Joliet
    :raises ValueError: a name that an ISO image cannot have
    :raises OSError: the image cannot be written
    """
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=_INTERCHANGE_LEVEL, joliet=_JOLIET_LEVEL,
            rock_ridge=_ROCK_RIDGE, vol_ident=label, pub_ident_str=publisher)
    try:
        for folder in _folders(files):
            iso.add_directory('/' + folder, joliet_path='/' + folder,
                              rr_name=posixpath.basename(folder))
        for name, content in sorted(files.items()):
            iso.add_fp(io.BytesIO(content), len(content), '/' + name,
                       joliet_path='/' + name,
                       rr_name=posixpath.basename(name))
        # Write to memory first, since pycdlib seeks back and forth.
        image = io.BytesIO()
        iso.write_fp(image)
    except pycdlibexception.PyCdlibException as error:
        raise ValueError(str(error)) from error
    finally:
        iso.close()
    with open(path, 'wb') as file:
        file.write(image.getbuffer())


def read(path: str) -> dict[str, bytes]:
    """Return the contents of all files of an image, by relative path.

    The image must have Joliet names, as those of write and of genisoimage -J.

    :param path: of an image that was created on this host, since all of it is
        read into memory
    :raises ValueError: it is not such an image, or is truncated
    :raises OSError: it cannot be read
    """
    iso = pycdlib.PyCdlib()
    try:
        iso.open(path)
    except (pycdlibexception.PyCdlibException, struct.error) as error:
        raise ValueError(str(error)) from error
    found = {}
    try:
        _require_whole(iso, path)
        for folder, _, names in iso.walk(joliet_path='/'):
            for name in names:
                file = posixpath.join(folder, name)
                content = io.BytesIO()
                iso.get_file_from_iso_fp(content, joliet_path=file)
                found[file.lstrip('/')] = content.getvalue()
    except pycdlibexception.PyCdlibException as error:
        raise ValueError(str(error)) from error
    finally:
        iso.close()
    return found


def _require_whole(iso: pycdlib.PyCdlib, path: str) -> None:
    """Refuse an image of which pycdlib would return incomplete files."""
    size = os.path.getsize(path)
    expected = iso.pvd.space_size * iso.pvd.log_block_size
    if size < expected:
        raise ValueError('It has %d bytes instead of %d.' % (size, expected))


def _folders(files: abc.Iterable[str]) -> list[str]:
    """Return the folders of files, each after the one that holds it."""
    found = set()
    for name in files:
        folder = posixpath.dirname(name)
        while folder:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return sorted(found)
