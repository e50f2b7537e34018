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

import os

_MOST_PENDING = 1 << 20     # bytes; what comes beyond is lost, as on a wire
_LARGEST_FRAME = 65536
_HEADER = 14

#: How the hardware addresses of QEMU's user-mode network begin.
SERVICES_PREFIX = b'\x52\x55'


class CablePort(object):
    """A cable that QEMU speaks into: a length before each frame.

    :param sock: a connected stream socket.
    """

    def __init__(self, sock):
        self._sock = sock
        self._sock.setblocking(False)
        self._received = b''
        self._pending = b''

    def fileno(self):
        return self._sock.fileno()

    def takes(self, frame):
        return True

    @property
    def wants_to_write(self):
        return bool(self._pending)

    def read(self):
        """Return the frames that have come, None when the cable is cut."""
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

    def _frames(self):
        while len(self._received) >= 4:
            length = int.from_bytes(self._received[:4], 'big')
            if len(self._received) < 4 + length:
                return
            yield self._received[4:4 + length]
            self._received = self._received[4 + length:]

    def write(self, frame):
        if len(self._pending) < _MOST_PENDING:
            self._pending += len(frame).to_bytes(4, 'big') + frame
            self.flush()

    def flush(self):
        try:
            while self._pending:
                sent = self._sock.send(self._pending)
                self._pending = self._pending[sent:]
        except BlockingIOError:
            return
        except OSError:
            self._pending = b''     # reading will find the cable cut

    def close(self):
        self._sock.close()


class ServicesPort(CablePort):
    """The cable to NAT and DHCP.

    They answer every frame that they see as if it were meant for them, so
    they are shown no other.
    """

    def takes(self, frame):
        return bool(frame[0] & 1) or frame.startswith(SERVICES_PREFIX)


class HostPort(object):
    """The host's own interface.

    :param fd: of a tap device.
    """

    wants_to_write = False

    def __init__(self, fd):
        self._fd = fd
        os.set_blocking(fd, False)

    def fileno(self):
        return self._fd

    def takes(self, frame):
        return True

    def read(self):
        try:
            return [os.read(self._fd, _LARGEST_FRAME)]
        except BlockingIOError:
            return []
        except OSError:
            return None

    def write(self, frame):
        try:
            os.write(self._fd, frame)
        except OSError:
            return      # the interface is down or busy; the frame is lost

    def flush(self):
        """Nothing ever waits here."""

    def close(self):
        os.close(self._fd)


class Switch(object):
    """Passes frames on to where their destination was last seen."""

    def __init__(self):
        self.ports = []
        self._where = {}

    def add(self, port):
        self.ports.append(port)

    def remove(self, port):
        self.ports.remove(port)
        self._where = {mac: where for mac, where in self._where.items()
                       if where is not port}
        port.close()

    def pass_on(self, source, frame):
        """Send a frame that came in at ``source`` to where it belongs."""
        if len(frame) < _HEADER:
            return
        destination, sender = frame[:6], frame[6:12]
        if not sender[0] & 1:
            self._where[sender] = source
        known = self._where.get(destination)
        for port in self.ports if known is None else [known]:
            if port is not source and port.takes(frame):
                port.write(frame)
