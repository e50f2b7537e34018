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

"""Network interfaces of the host, made with the kernel's own calls."""

from __future__ import annotations

import fcntl
import os
import socket
import struct

_TUNSETIFF = 0x400454ca
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914
_SIOCSIFADDR, _SIOCSIFNETMASK = 0x8916, 0x891c
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_LONGEST_NAME = 15


def create(name: str, address: str, mask: str) -> int:
    """Make a tap interface that exists as long as it is open.

    :param name: such as ``vmnet8``.
    :param address: IPv4 address of the host on it.
    :param mask: netmask.
    :returns: the descriptor to read and write frames.
    :raises OSError: if this machine or this user cannot make one, or if the
        name is taken.
    """
    if len(name) > _LONGEST_NAME:
        raise OSError('%s is too long for an interface' % name)
    # Not in /sys, which shows the interfaces of another namespace.
    if name in (known for _, known in socket.if_nameindex()):
        raise FileExistsError('there is a network interface %s already'
                              % name)
    fd = os.open('/dev/net/tun', os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(fd, _TUNSETIFF, struct.pack(
            '16sH22x', name.encode(), _IFF_TAP | _IFF_NO_PI))
        _set_address(name, address, mask)
        bring_up(name)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _set_address(name: str, address: str, mask: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for request, value in ((_SIOCSIFADDR, address),
                               (_SIOCSIFNETMASK, mask)):
            fcntl.ioctl(sock, request, struct.pack(
                '16sHH4s8x', name.encode(), socket.AF_INET, 0,
                socket.inet_aton(value)))


def bring_up(name: str) -> None:
    """Enable an interface.

    :raises OSError: if this user may not do so.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        query = struct.pack('16sH22x', name.encode(), 0)
        flags = struct.unpack('16sH22x', fcntl.ioctl(
            sock, _SIOCGIFFLAGS, query))[1]
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack(
            '16sH22x', name.encode(), flags | _IFF_UP | _IFF_RUNNING))
