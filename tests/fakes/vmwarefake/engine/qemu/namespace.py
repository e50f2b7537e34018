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


"""A network namespace of an ordinary user's own."""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_LONGEST_REASON = 1000


def enter() -> None:
    """Move this process into new user and network namespaces.

    It keeps its user, and may make interfaces there. It must have only one
    thread, and there is no way back.

    :raises OSError: if this machine does not let this user do so.
    """
    user, group = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
        error = ctypes.get_errno()
        raise OSError(error, 'no namespace can be made: '
                      + os.strerror(error))
    for name, content in (('setgroups', 'deny'),
                          ('uid_map', '%d %d 1' % (user, user)),
                          ('gid_map', '%d %d 1' % (group, group))):
        with open('/proc/self/' + name, 'w') as f:
            f.write(content)


def explain(error: OSError) -> str:
    """Return what went wrong, without the number of the error."""
    text = error.strerror or str(error)
    return '%s: %s' % (error.filename, text) if error.filename else text


def try_in_child(action: abc.Callable[[], object]) -> str | None:
    """Do something in a child process, whose namespaces end with it.

    :returns: why it cannot be done, None if it can.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        reason = 'it was interrupted'
        try:
            action()
            reason = ''
        except OSError as e:
            reason = explain(e)
        finally:
            os.write(writer, reason[:_LONGEST_REASON].encode())
            os._exit(0)
    os.close(writer)
    with open(reader, encoding='utf-8', errors='replace') as f:
        reason = f.read()
    _, status = os.waitpid(child, 0)
    return reason or ('its trial was killed' if status else None)
