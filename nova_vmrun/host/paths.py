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

"""What paths are equal to, inside of, and too long for."""

import os
import re

from nova_vmrun import exception
from nova_vmrun import system

# Surrogates represent bytes that are not UTF-8.
_NOT_IN_DESCRIPTORS = re.compile('["\x00-\x1f\x7f\ud800-\udfff]')


def canonical(path: str) -> str:
    """Return a path in a form that is equal for equal files.

    File systems of macOS ignore case, and whether accents are composed. Use
    the result for comparison only, not for opening the file.

    :param path: of a file that may no longer exist
    """
    return system.here().normalized(os.path.realpath(path))


def fits_descriptor(path: str) -> bool:
    """Return whether the descriptor of a VMDK can hold a path."""
    return not _NOT_IN_DESCRIPTORS.search(path)


def is_inside(path: str, folder: str) -> bool:
    """Return whether a path is a folder or something in it.

    :param path: as canonical() returns it
    :param folder: as canonical() returns it
    """
    return path == folder or path.startswith(os.path.join(folder, ''))


def require_socket(path: str, users: str, alternative: str) -> None:
    """Raise an error if the path of a Unix socket is too long.

    :param path: in [DEFAULT] instances_path
    :param users: what needs the socket
    :param alternative: to a shorter path
    :raises InvalidConfiguration: it is too long for this system
    """
    longest, length = system.here().longest_socket_path, len(os.fsencode(path))
    if length > longest:
        raise exception.InvalidConfiguration(
            '[DEFAULT] instances_path is too long for %s.' % users,
            'The path of a Unix socket can have %d bytes; %s has %d.'
            % (longest, path, length),
            'Use a shorter path, or %s.' % alternative)
