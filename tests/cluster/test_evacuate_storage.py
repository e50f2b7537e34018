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

"""Two hosts that share a storage folder, and both die in an evacuation."""

import pathlib
import subprocess

import fixtures
from openstack.compute.v2 import server as sdk_server

from tests.cluster import base
from tests.cluster import evacuations


class SharedStorageTestCase(evacuations.TestCase):

    shared: pathlib.Path

    @classmethod
    def make_cluster(cls) -> base.Cluster:
        folder = fixtures.TempDir()
        folder.setUp()
        cls.addClassCleanup(folder.cleanUp)
        cls.shared = pathlib.Path(folder.path)
        return base.Cluster(changes={
            ('vmrun', 'storage_folders'): 'nas:%s' % cls.shared,
            ('vmrun', 'default_storage_tag'): 'nas'})

    def test_both_hosts_die(self) -> None:
        server = self.boot_on('n1')
        [disk] = self.shared.glob('%s_*/root.vmdk' % server.id)
        inode = disk.stat().st_ino
        self.cut_power(server)
        self.write(disk)
        self.die_after_the_start(server)
        self.return_of('n2')
        self.evacuate(server)
        self.check_kept(server, disk, inode)
        self.return_of_n1()
        self.check_kept(server, disk, inode)
        self.assertFalse((self.nodes['n1'].instances / server.id).exists())
        self.cloud.compute.reboot_server(server, 'HARD')
        self.wait_for_status(server, 'ACTIVE')
        self.check_kept(server, disk, inode)

    def return_of_n1(self) -> None:
        self.return_of('n1')
        self.start_nodes()

    def write(self, disk: pathlib.Path) -> None:
        """Write to a disk as its guest did before."""
        self.qemu_io(disk, 'write -P 7 0 64k')

    def qemu_io(self, disk: pathlib.Path, command: str,
                *options: str) -> None:
        subprocess.run(['qemu-io', *options, '-f', 'vmdk', '-c', command,
                        disk], check=True, stdout=subprocess.DEVNULL)

    def check_kept(self, server: sdk_server.Server, disk: pathlib.Path,
                   inode: int) -> None:
        """Check that one VM runs, on n2, with the disk that it had."""
        self.check_runs_on('n2', server)
        self.assertEqual(inode, disk.stat().st_ino)
        self.assertEqual([disk], list(
            self.shared.glob('%s_*/root.vmdk' % server.id)))
        self.qemu_io(disk, 'read -P 7 0 64k', '-U', '-r')
