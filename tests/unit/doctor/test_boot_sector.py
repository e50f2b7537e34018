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

import os
import shutil
import socket
import subprocess
import time

import fixtures
import testtools

from nova_vmrun.doctor import boot_sector
from tests.unit import base

_QEMU = shutil.which('qemu-system-x86_64')


class BootSectorTestCase(base.TestCase):

    def test_a_firmware_takes_it(self):
        sector = boot_sector.build()
        self.assertEqual((512, b'\x55\xaa'), (len(sector), sector[-2:]))

    @testtools.skipUnless(_QEMU, 'needs QEMU')
    def test_it_writes_to_both_ports(self):
        folder = self.useFixture(fixtures.TempDir()).path
        disk, notes, port = (os.path.join(folder, name)
                             for name in ('disk', 'notes', 'port'))
        with open(disk, 'wb') as file:
            file.write(boot_sector.build().ljust(1 << 20, b'\0'))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(port)
            listener.listen()
            listener.settimeout(60)
            guest = subprocess.Popen([
                _QEMU, '-display', 'none', '-m', '16',
                '-drive', 'format=raw,file=' + disk,
                '-serial', 'unix:' + port, '-serial', 'file:' + notes])
            try:
                connection, _ = listener.accept()
                received = self.read(connection, notes)
            finally:
                guest.kill()
                guest.wait()
        self.assertEqual(256 * 1024, received.count(b'x'))

    def read(self, connection, notes):
        """Return what comes from a port until the guest notes the end."""
        expected = (boot_sector.START +
                    boot_sector.PART * boot_sector.PARTS + boot_sector.END)
        received, found, deadline = b'', b'', time.monotonic() + 60
        with connection:
            connection.settimeout(0.2)
            while time.monotonic() < deadline:
                try:
                    received += connection.recv(1 << 16)
                except TimeoutError:
                    if found == expected:
                        break
                with open(notes, 'rb') as file:
                    found = file.read()
        self.assertEqual(expected, found)
        return received
