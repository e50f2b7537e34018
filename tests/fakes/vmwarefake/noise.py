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

"""Messages that have nothing to do with what a tool was asked for.

Loaders and libraries print complaints although nothing is wrong. ``NOISE=1``
makes each program print all of them: those on a Linux without libaio.so.1 and
with another libxml2, and those on a macOS where Fusion was never opened.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import session as sessions

_AIO = ('[AppLoader] Use shipped Linux kernel AIO access library.\n'
        'An up-to-date "libaio" or "libaio1" package from your system is '
        'preferred.\n')
_DESKTOP = ('[AppLoader] Use shipped PC/SC Lite smart card framework.\n'
            '[AppLoader] GLib does not have GSettings support.\n')
_XML = 'Warning: program compiled against libxml 212 using older 209\n'
_PROXY = ('I/O warning : failed to load external entity '
          '"/etc/vmware/hostd/proxy.xml"\n')
_DISK_LIBRARY = ('VixDiskLib: Invalid configuration file parameter. Failed '
                 'to read configuration file.\n')
# Only the words that clients look for are known.
_LOCATION = ('LocationGetRoot: cannot find the product.\n'
             'Cannot determine message file path.\n')

#: Standard error before a program does anything.
_LINUX = {'vmrun': _AIO + _XML + _PROXY, 'vmware': _AIO + _DESKTOP + _XML,
          'vmplayer': _AIO + _DESKTOP + _XML, 'vmware-vmx': _AIO,
          'vmware-vdiskmanager': _AIO + _DISK_LIBRARY}
_MACOS_ERROR = {'vmware-vdiskmanager': _DISK_LIBRARY}


def at_start(session: sessions.Session, program: str) -> None:
    """Print the messages of a program's loader and libraries."""
    if not session.knobs.flag('NOISE'):
        return
    host = session.product.host
    if host == 'linux':
        sys.stderr.write(_LINUX[program])
    elif host == 'macos':
        sys.stderr.write(_MACOS_ERROR.get(program, ''))
        session.write(_LOCATION if program == 'vmrun' else '')


def at_connection(session: sessions.Session) -> None:
    """Print the message of vmrun when it connects to the product."""
    if session.knobs.flag('NOISE') and session.product.host == 'macos':
        session.line('%s| ServiceImpl_Opener: PID %d' % (
            time.strftime('%Y-%m-%dT%H:%M:%S.000'), os.getpid()))
