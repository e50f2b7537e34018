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

"""Guests whose disks are on an iSCSI target with CHAP.

Nova runs in this process; QEMU runs the VMs of the fake vmrun.
"""

import os
import shutil
import signal

import fixtures

from tests.e2e.guest import console
from tests.e2e.guest import images
from tests.functional.api import test_boot_from_volume
from tests.functional.api import test_iscsi
from tests.functional import fake_vmware

_MEMORY_MB = 256
# Seconds for one test.
_TIMEOUT = 2400


class BootTestCase(test_iscsi.TestCase, test_boot_from_volume.TestCase):
    """A server whose root disk is a LUN."""

    def setUp(self):
        images.need_programs('qemu-system-x86_64', 'qemu-nbd', 'qemu-img')
        image = images.image('raw')
        self.useFixture(fixtures.Timeout(_TIMEOUT, gentle=True))
        super().setUp()
        self.volume = self.cinder.add(bootable=True)
        with open(image, 'rb') as source, open(
                self.cinder.content(self.volume), 'r+b') as lun:
            shutil.copyfileobj(source, lun)

    def _fake_vmware(self):
        return fake_vmware.FakeVmware(ENGINE='qemu')

    def add_flavor(self, **options):
        return super().add_flavor(memory_mb=_MEMORY_MB, **options)

    def console(self, server):
        return console.Console.of_file(os.path.join(self.path(server),
                                                    'console.log'))

    def test_it_counts_its_boots(self):
        """Also after its daemon was killed, and after it was shelved."""
        server = self.request(self.existing(self.volume))
        self.console(server).wait_boots(1)
        server = self._stop_server(server)
        with open(os.path.join(
                os.path.dirname(self.lun(server, self.volume)),
                'daemon.pid')) as file:
            os.kill(int(file.read()), signal.SIGKILL)
        server = self._start_server(server)
        self.console(server).wait_boots(2)
        server = self._shelve_server(server,
                                     expected_state='SHELVED_OFFLOADED')
        self.assertFalse(os.path.exists(self.lun(server, self.volume)))
        server = self._unshelve_server(server)
        self.console(server).wait_boots(3)
        self._delete_server(server)
        self.assertNothingLeft()
