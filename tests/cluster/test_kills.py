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

"""Parts are killed in the middle of an operation, then come back."""

from openstack.compute.v2 import server as sdk_server

from tests.cluster import base


class KillsTestCase(base.TestCase):
    """No server is lost, and none runs twice."""

    @classmethod
    def make_cluster(cls) -> base.Cluster:
        return base.patient()

    def begin_boot(self) -> sdk_server.Server:
        """Request a server, and stop while n1 converts its image."""
        image = self.new_image()
        self.nodes['n1'].qemu_img.close('convert')
        server: sdk_server.Server = self.request_boot(image, host='n1')
        self.wait_until(
            lambda: self.nodes['n1'].qemu_img.is_reached('convert'),
            'the image is being converted')
        return server

    def test_bus_in_the_middle_of_a_boot(self) -> None:
        server = self.begin_boot()
        self.cluster.kill_bus()
        self.nodes['n1'].qemu_img.open('convert')
        self.wait_for_status(server, 'ACTIVE')
        self.check_runs_on('n1', server)

    def test_node_in_the_middle_of_a_boot(self) -> None:
        server = self.begin_boot()
        self.nodes['n1'].compute.kill()
        self.nodes['n1'].qemu_img.open('convert')
        # The others go on meanwhile.
        self.boot_on('n2', name='meanwhile')
        self.start_nodes()
        self.wait_for_status(server, 'ERROR')
        self.assertEqual([], self.where_it_runs([server]))

    def begin_migration(self) -> sdk_server.Server:
        """Move a server from n1 to n2, and stop before its files go."""
        server = self.boot_on('n1')
        self.cluster.ssh.close()
        self.migrate(server, 'n2')
        self.wait_until(self.cluster.ssh.is_reached,
                        'the files are about to be sent')
        self.assertEqual([], self.where_it_runs([server]))
        return server

    def finish(self, server: sdk_server.Server) -> None:
        self.wait_for_status(server, 'VERIFY_RESIZE')
        self.check_runs_on('n2', server)
        self.confirm(server)
        self.check_runs_on('n2', server)
        self.check_disk('n2', server)

    def test_bus_in_the_middle_of_a_migration(self) -> None:
        server = self.begin_migration()
        self.cluster.kill_bus()
        self.cluster.ssh.open()
        self.finish(server)

    def test_destination_in_the_middle_of_a_migration(self) -> None:
        server = self.begin_migration()
        self.nodes['n2'].compute.kill()
        self.cluster.ssh.open()
        self.start_nodes()
        self.finish(server)

    def test_source_in_the_middle_of_a_migration(self) -> None:
        server = self.begin_migration()
        self.nodes['n1'].compute.kill()
        self.cluster.ssh.open()
        self.start_nodes()
        self.wait_for_status(server, 'ACTIVE')
        self.check_runs_on('n1', server)
        self.check_disk('n1', server)

    def migrated(self) -> sdk_server.Server:
        server = self.boot_on('n1')
        self.migrate(server, 'n2')
        self.wait_for_status(server, 'VERIFY_RESIZE')
        return server

    def test_source_before_a_migration_is_confirmed(self) -> None:
        server = self.migrated()
        self.nodes['n1'].compute.kill()
        self.cloud.compute.confirm_server_resize(server)
        self.start_nodes()
        self.wait_for_status(server, 'ACTIVE')
        self.check_runs_on('n2', server)
        self.wait_until(
            lambda: not list(self.nodes['n1'].instances.glob(
                server.id + '*')), 'n1 has nothing left of the server')

    def test_destination_before_a_migration_is_reverted(self) -> None:
        server = self.migrated()
        self.nodes['n2'].compute.kill()
        self.cloud.compute.revert_server_resize(server)
        self.start_nodes()
        self.wait_for_status(server, 'ACTIVE')
        self.check_runs_on('n1', server)

    def test_bus_before_a_migration_is_reverted(self) -> None:
        server = self.migrated()
        self.cluster.kill_bus()
        self.cloud.compute.revert_server_resize(server)
        self.wait_for_status(server, 'ACTIVE')
        self.check_runs_on('n1', server)
        self.check_disk('n1', server)
