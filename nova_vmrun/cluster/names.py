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

"""Names of nodes, which become names of hosts, users and files."""

import re

from nova_vmrun.aio import errors

_NAME = re.compile(r'[a-z0-9]([a-z0-9-]*[a-z0-9])?'
                   r'([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*')
_LONGEST = 63
# Of accounts in POSIX systems, without what shells and ssh treat specially.
_USER = re.compile(r'[a-z_][a-z0-9_.-]{0,31}')


def check(name: str) -> None:
    """Raise an error unless a node can have a name.

    :raises AioError:
    """
    if len(name) > _LONGEST or not _NAME.fullmatch(name):
        raise errors.AioError(
            'A node cannot have the name %.100r.' % name, '',
            'Choose one of lower-case letters, digits, dots and hyphens, such '
            'as "lab-2", with at most %d characters.' % _LONGEST)


def is_user(name: str) -> bool:
    """Return whether ssh can be told to log in as a user."""
    return _USER.fullmatch(name) is not None
