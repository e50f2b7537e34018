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

"""An Ethernet switch for the cables of VMs, in user space."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    import socket

_MOST_PENDING = 1 << 20     # bytes; more are lost, as on a wire
_LARGEST_FRAME = 65536
_HEADER = 14

#: Prefix of the MAC addresses of QEMU's user-mode network.
SERVICES_PREFIX = b'\x52\x55'


class Port:
    """Where frames enter and leave the switch."""

    @property
    def wants_to_write(self) -> bool:
        return False

    def fileno(self) -> int:
        raise NotImplementedError()

    def takes(self, frame: bytes) -> bool:
        """Whether frames like this one may leave here."""
        return True

    def read(self) -> list[bytes] | None:
        """Return the frames that have come, None if the port is closed."""
        raise NotImplementedError()

    def write(self, frame: bytes) -> None:
        raise NotImplementedError()

    def flush(self) -> None:
        """Write what waits; by default nothing ever does."""

    def close(self) -> None:
        raise NotImplementedError()


class CablePort(Port):
    """A cable to QEMU, with the length before each frame.

    :param sock: a connected stream socket.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.setblocking(False)
        self._received = b''
        self._pending = b''

    @property
    def wants_to_write(self) -> bool:
        return bool(self._pending)

    def fileno(self) -> int:
        return self._sock.fileno()

    def read(self) -> list[bytes] | None:
        """Return the frames that have come, None if the cable is cut."""
        try:
            data = self._sock.recv(_LARGEST_FRAME * 4)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        self._received += data
        return list(self._frames())

    def _frames(self) -> abc.Iterator[bytes]:
        while len(self._received) >= 4:
            length = int.from_bytes(self._received[:4], 'big')
            if len(self._received) < 4 + length:
                return
            yield self._received[4:4 + length]
            self._received = self._received[4 + length:]

    def write(self, frame: bytes) -> None:
        if len(self._pending) < _MOST_PENDING:
            self._pending += len(frame).to_bytes(4, 'big') + frame
            self.flush()

    def flush(self) -> None:
        try:
            while self._pending:
                sent = self._sock.send(self._pending)
                self._pending = self._pending[sent:]
        except BlockingIOError:
            return
        except OSError:
            self._pending = b''     # the next read notices it

    def close(self) -> None:
        self._sock.close()


class ServicesPort(CablePort):
    """The cable to NAT and DHCP.

    They answer every frame as if it were for them, so they get no others.
    """

    def takes(self, frame: bytes) -> bool:
        return bool(frame[0] & 1) or frame.startswith(SERVICES_PREFIX)


class HostPort(Port):
    """The interface of the host.

    :param fd: descriptor of a tap device.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        os.set_blocking(fd, False)

    def fileno(self) -> int:
        return self._fd

    def read(self) -> list[bytes] | None:
        try:
            return [os.read(self._fd, _LARGEST_FRAME)]
        except BlockingIOError:
            return []
        except OSError:
            return None

    def write(self, frame: bytes) -> None:
        try:
            os.write(self._fd, frame)
        except OSError:
            return      # the interface is down or busy; the frame is lost

    def close(self) -> None:
        os.close(self._fd)


class Switch:
    """Forwards frames to the port where their destination was last seen."""

    def __init__(self) -> None:
        self.ports: list[Port] = []
        self._where: dict[bytes, Port] = {}

    def add(self, port: Port) -> None:
        self.ports.append(port)

    def remove(self, port: Port) -> None:
        self.ports.remove(port)
        self._where = {mac: where for mac, where in self._where.items()
                       if where is not port}
        port.close()

    def forward(self, source: Port, frame: bytes) -> None:
        """Forward a frame that came in at ``source``."""
        if len(frame) < _HEADER:
            return
        destination, sender = frame[:6], frame[6:12]
        if not sender[0] & 1:
            self._where[sender] = source
        known = self._where.get(destination)
        for port in self.ports if known is None else [known]:
            if port is not source and port.takes(frame):
                port.write(frame)
