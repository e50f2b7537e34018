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

"""VNC and serial ports (facts 6.2)."""

import os
import socket
import struct

from tests.contract import base
from tests.contract import des
from tests.contract import ports


def connect(path):
    """Return a connection to a Unix socket."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(base.SETTLE)
    client.connect(path)
    return client


class Viewer(object):
    """The part of an RFB client that the tests need."""

    def __init__(self, port, version=b'RFB 003.008\n'):
        self.socket = socket.create_connection(('127.0.0.1', port),
                                               base.SETTLE)
        self.banner = self.read(12)
        self.socket.sendall(version)

    def read(self, size):
        data = b''
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise EOFError(data)
            data += more
        return data

    def security_types(self):
        return list(self.read(self.read(1)[0]))

    def choose(self, kind):
        self.socket.sendall(bytes([kind]))

    def result(self):
        return struct.unpack('>I', self.read(4))[0]

    def init(self):
        """Return (width, height, name)."""
        self.socket.sendall(b'\1')
        width, height = struct.unpack('>HH16x', self.read(20))
        return width, height, self.read(self.result()).decode()

    def picture(self, width, height):
        """Ask for the whole screen, Raw encoding, and return its bytes."""
        self.socket.sendall(struct.pack('>BxHi', 2, 1, 0))
        self.socket.sendall(struct.pack('>BBHHHH', 3, 0, 0, 0, width,
                                        height))
        _, count = struct.unpack('>BxH', self.read(4))
        data = b''
        for _ in range(count):
            _, _, w, h, encoding = struct.unpack('>HHHHi', self.read(12))
            assert encoding == 0, encoding
            data += self.read(w * h * 4)
        return data


class VncTest(base.ContractCase):

    def vnc_vm(self, **keys):
        self.port = ports.free()
        found = {'RemoteDisplay__vnc__enabled': 'TRUE',
                 'RemoteDisplay__vnc__port': self.port,
                 'RemoteDisplay__vnc__ip': '127.0.0.1'}
        found.update(keys)
        return self.make_vm(disk=False, **found)

    def start(self, machine):
        self.done('start', machine.vmx, 'nogui')

    def test_vnc_answers_when_start_returns(self):
        self.start(self.vnc_vm())
        self.assertEqual(b'RFB 003.008\n', Viewer(self.port).banner)

    def test_vnc_without_password_needs_no_login(self):
        self.start(self.vnc_vm())
        viewer = Viewer(self.port)
        self.assertEqual([1], viewer.security_types())
        viewer.choose(1)
        self.assertEqual(0, viewer.result())

    def test_vnc_shows_a_screen(self):
        self.start(self.vnc_vm())
        viewer = Viewer(self.port)
        viewer.security_types()
        viewer.choose(1)
        viewer.result()
        width, height, _ = viewer.init()
        pixels = viewer.picture(width, height)
        self.assertEqual(width * height * 4, len(pixels))

    @base.fakes_only
    def test_vnc_screen_is_not_blank(self):
        self.start(self.vnc_vm())
        viewer = Viewer(self.port)
        viewer.security_types()
        viewer.choose(1)
        viewer.result()
        pixels = viewer.picture(*viewer.init()[:2])
        self.assertTrue(len({pixels[n:n + 4] for n in range(
            0, len(pixels), 4)}) > 4)

    def test_vnc_old_protocol(self):
        self.start(self.vnc_vm())
        viewer = Viewer(self.port, b'RFB 003.003\n')
        self.assertEqual(1, viewer.result())

    def login(self, password):
        viewer = Viewer(self.port)
        self.assertEqual([2], viewer.security_types())
        viewer.choose(2)
        viewer.socket.sendall(des.vnc_response(password, viewer.read(16)))
        return viewer.result()

    def test_vnc_password_is_asked_for(self):
        self.start(self.vnc_vm(RemoteDisplay__vnc__password='opensesa'))
        self.assertEqual(0, self.login(b'opensesa'))

    def test_vnc_wrong_password_refused(self):
        self.start(self.vnc_vm(RemoteDisplay__vnc__password='opensesa'))
        self.assertNotEqual(0, self.login(b'wrong'))

    def test_vnc_password_becomes_a_key(self):
        machine = self.vnc_vm(RemoteDisplay__vnc__password='opensesa')
        self.start(machine)
        self.assertIsNone(machine.get('RemoteDisplay.vnc.password'))
        self.assertTrue(machine.get('RemoteDisplay.vnc.key'))

    def test_vnc_key_still_opens(self):
        machine = self.vnc_vm(RemoteDisplay__vnc__password='opensesa')
        self.start(machine)
        self.done('stop', machine.vmx, 'hard')
        self.start(machine)
        self.assertEqual(0, self.login(b'opensesa'))

    def test_vnc_busy_port_starts_without_vnc(self):
        machine = self.vnc_vm()
        with socket.socket() as taken:
            taken.bind(('127.0.0.1', self.port))
            taken.listen(1)
            self.start(machine)
        self.assertTrue(machine.is_listed)
        self.assertNotIn('Started VNC server', machine.log())

    def test_vnc_closes_with_power_off(self):
        machine = self.vnc_vm()
        self.start(machine)
        self.done('stop', machine.vmx, 'hard')
        self.assertRaises(OSError, Viewer, self.port)

    def test_vnc_disabled_by_default(self):
        machine = self.vnc_vm(RemoteDisplay__vnc__enabled=None)
        self.start(machine)
        self.assertRaises(OSError, Viewer, self.port)


class WindowVncTest(base.ContractCase):

    def shown(self, **keys):
        port = ports.free()
        machine = self.make_vm(
            disk=False, RemoteDisplay__vnc__enabled='TRUE',
            RemoteDisplay__vnc__ip='127.0.0.1',
            RemoteDisplay__vnc__port=port, **keys)
        return machine, port

    def answers(self, port):
        with socket.socket() as client:
            return client.connect_ex(('127.0.0.1', port)) == 0

    @base.product('player')
    def test_vnc_of_player_without_a_window(self):
        machine, port = self.shown()
        self.done('start', machine.vmx, 'nogui')
        self.assertTrue(self.answers(port))

    @base.fakes_only
    def test_vnc_of_player_with_a_window(self):
        self.use_product('player', DISPLAY='1')
        machine, port = self.shown()
        self.done('start', machine.vmx, 'gui')
        self.assertFalse(self.answers(port))
        self.assertIn('-s"RemoteDisplay.vnc.enabled=FALSE"', machine.log())
        self.assertEqual('TRUE', machine.get('RemoteDisplay.vnc.enabled'))

    @base.fakes_only
    def test_vnc_with_a_window_that_was_not_open(self):
        self.knobs['DISPLAY'] = '1'
        machine, port = self.shown()
        self.done('start', machine.vmx, 'gui')
        self.assertFalse(self.answers(port))

    @base.fakes_only
    def test_vnc_with_a_window_that_was_open(self):
        self.knobs.update(DISPLAY='1', GUI_OPEN='1')
        machine, port = self.shown()
        self.done('start', machine.vmx, 'gui')
        self.assertTrue(self.answers(port))


class SerialTest(base.ContractCase):

    def serial_vm(self, **keys):
        found = {'serial0__present': 'TRUE'}
        found.update({'serial0__' + key: value
                      for key, value in keys.items()})
        return self.make_vm(disk=False, **found)

    @base.needs_guest
    def test_serial_file_gets_the_console(self):
        self.knobs['CONSOLE'] = 'line one\\nlogin:'
        machine = self.serial_vm(fileType='file', fileName='console.log')
        self.done('start', machine.vmx, 'nogui')
        with open(machine.path('console.log')) as f:
            self.assertEqual(['line one', 'login:'],
                             f.read().splitlines())

    def test_serial_pipe_server_makes_a_socket(self):
        machine = self.serial_vm(fileType='pipe', fileName='tty.sock',
                                 pipe__endPoint='server')
        self.done('start', machine.vmx, 'nogui')
        connect(machine.path('tty.sock')).close()

    @base.needs_guest
    def test_serial_pipe_carries_the_console(self):
        self.knobs['CONSOLE'] = 'login:'
        machine = self.serial_vm(fileType='pipe', fileName='tty.sock',
                                 pipe__endPoint='server')
        self.done('start', machine.vmx, 'nogui')
        with connect(machine.path('tty.sock')) as client:
            self.assertEqual(b'login:\r\n', client.recv(100))
            client.sendall(b'hello')
            self.assertEqual(b'hello', client.recv(100))

    def test_serial_pipe_survives_stop_suspend_and_resume(self):
        """The port of a guest agent, beside no other port."""
        machine = self.make_vm(
            disk=False, serial1__present='TRUE', serial1__fileType='pipe',
            serial1__fileName='agent', serial1__pipe__endPoint='server')
        for verb in (('stop', 'hard'), ('suspend', 'hard'), ('stop', 'hard')):
            self.done('start', machine.vmx, 'nogui')
            with connect(machine.path('agent')):
                self.done(verb[0], machine.vmx, verb[1])

    def test_serial_pipe_that_nobody_reads(self):
        machine = self.serial_vm(fileType='pipe', fileName='agent',
                                 pipe__endPoint='server')
        self.done('start', machine.vmx, 'nogui')
        with connect(machine.path('agent')) as client:
            client.sendall(b'x' * 4096)
            for verb in ('pause', 'unpause'):
                self.done(verb, machine.vmx)
            self.done('stop', machine.vmx, 'hard')

    def test_serial_bad_type_refused(self):
        machine = self.serial_vm(fileType='nonsense', fileName='x')
        self.refused('The operation was canceled', 'start', machine.vmx,
                     'nogui')

    def test_serial_over_the_network_is_not_offered(self):
        machine = self.serial_vm(fileType='network',
                                 fileName='telnet://127.0.0.1:5001')
        machine.set(msg__autoAnswer=None)
        self.refused('The operation was canceled', 'start', machine.vmx,
                     'nogui')

    @base.needs_guest
    def test_serial_boot_lines_again_after_reset(self):
        self.knobs['CONSOLE'] = 'login:'
        machine = self.serial_vm(fileType='file', fileName='console.log')
        self.done('start', machine.vmx, 'nogui')
        self.done('reset', machine.vmx, 'hard')
        with open(machine.path('console.log')) as f:
            self.assertEqual(2, f.read().count('login:'))

    def test_floppy_image_missing_asks(self):
        machine = self.make_vm(disk=False, floppy0__present='TRUE',
                               floppy0__fileType='file',
                               floppy0__fileName='none.flp',
                               msg__autoAnswer=None)
        self.refused('The operation was canceled', 'start', machine.vmx,
                     'nogui')
        self.assertFalse(os.path.exists(machine.path('none.flp')))
