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

"""Paths as they can be compared."""

import os

from nova_vmrun import system


def canonical(path: str) -> str:
    """Returns a path in the one spelling in which paths can be compared.

    A file system of macOS takes all spellings of a name in upper and lower
    case, and with composed and decomposed accents, for one. Not for opening
    the file.

    :param path: of a file that may be gone
    """
    return system.here().same_spelling(os.path.realpath(path))
