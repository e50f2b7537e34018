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

"""The steps of a resize, as Operations."""

from unittest import mock

from nova.compute import task_states
from nova.compute import vm_states
from nova import conf as nova_conf
from nova import objects
from oslo_utils import uuidutils

from nova_vmrun.ops.resize import moves
from tests.crash import disk_content
from tests.crash import operation

CONF = nova_conf.CONF
_SINCE = b'what the guest wrote since'


class Migrate(operation.Operation):
    """More memory, with unchanged disks."""

    task_state = task_states.RESIZE_MIGRATING
    root_gb = 1
    extra_specs = {}

    def make(self, host):
        instance = host.add_server(self.image_id, flavor={
            'root_gb': 1, 'extra_specs': self.extra_specs})
        self.old_flavor = instance.flavor
        return instance

    def before(self, host):
        self.instance.flavor = self.old_flavor
        self.new_flavor = self.old_flavor.obj_clone()
        self.new_flavor.flavorid = 'large'
        self.new_flavor.memory_mb = 128
        self.new_flavor.root_gb = self.root_gb
        self.instance.migration_context = objects.MigrationContext(
            migration_id=1)
        self.first = _migration(self.destination)
        super().before(host)

    @property
    def destination(self):
        return CONF.my_ip

    def migrate(self, host):
        leaves = self.destination != CONF.my_ip
        with mock.patch.object(
                moves, 'destination', return_value=moves.Destination(
                    'second', self.destination) if leaves else None):
            host.driver.migrate_disk_and_power_off(
                None, self.instance, self.destination, self.new_flavor, [])

    def finish(self, host, power_on=True):
        self.instance.flavor = self.new_flavor
        host.driver.finish_migration(
            None, self.first, self.instance, '', [], None, True, {},
            power_on=power_on)

    def bring_back(self, host):
        self.instance.flavor = self.old_flavor
        host.driver.finish_revert_migration(None, self.instance, [],
                                            self.first)

    def migration(self, host):
        return self.first

    def run(self, host):
        self.migrate(host)

    def check_started(self, host):
        """Check that Nova has rolled the resize back."""
        operation.Operation.check(self, host)
        self.require_one_folder(host)

    def complete(self, host):
        self.instance.task_state = None
        self.finish(host)

    def require_one_folder(self, host):
        operation.require_equal([], host.beside(self.instance.uuid),
                                'folders of a resize')


class MigrateLarger(Migrate):
    """The disk is copied and grown."""

    root_gb = 2


class MigrateAway(Migrate):
    """A resize to another host."""

    @property
    def destination(self):
        return operation.OTHER_HOST

    def check_started(self, host):
        super().check_started(host)
        operation.require_equal([], host.elsewhere(), 'files elsewhere')

    def complete(self, host):
        operation.require_equal([self.instance.uuid + '_prepared'],
                                host.elsewhere(), 'files elsewhere')
        self.instance.task_state = self.task_state
        self.bring_back(host)


class RollBack(Migrate):
    """The rollback at the start of Nova after a crash in a resize."""

    root_gb = 2

    def before(self, host):
        super().before(host)
        self.migrate(host)

    def run(self, host):
        self.bring_back(host)

    def complete(self, host):
        """Do nothing: the rollback is complete."""

    def check(self, host):
        super().check(host)
        self.require_one_folder(host)


class Finish(MigrateLarger):
    """Nova does not repair such a server; a hard reboot does."""

    task_state = task_states.RESIZE_FINISH

    def before(self, host):
        super().before(host)
        self.migrate(host)

    def run(self, host):
        self.finish(host)

    def check_started(self, host):
        operation.require(
            self.content in host.contents(self.instance.uuid),
            'the old disk is not whole')

    def complete(self, host):
        self.instance.task_state = None

    def repeat(self, host):
        host.driver.reboot(None, self.instance, [], 'HARD')


class _Resized(MigrateLarger):
    """A resized server whose guest has written to its disk."""

    task_state = None
    vm_state = vm_states.RESIZED

    def before(self, host):
        super().before(host)
        self.migrate(host)
        self.finish(host, power_on=False)
        disk_content.write(host.root_disk(self.instance.uuid), _SINCE)
        self.since = host.content(self.instance.uuid)
        host.driver.power_on(None, self.instance, [])

    def complete(self, host):
        self.instance.task_state = None

    def require_disk(self, host):
        operation.require(self.since == host.content(self.instance.uuid),
                          'the disk has another content')


class Confirm(_Resized):

    def run(self, host):
        host.driver.confirm_migration(None, self.first, self.instance, [])

    def check_started(self, host):
        self.require_disk(host)

    def repeat(self, host):
        host.power_on_if_off(self.instance)
        self.run(host)

    def check(self, host):
        super().check(host)
        self.require_one_folder(host)


class Revert(_Resized):

    task_state = task_states.RESIZE_REVERTING

    def run(self, host):
        self.instance.task_state = self.task_state
        host.driver.destroy(None, self.instance, [])
        self.bring_back(host)

    def check_started(self, host):
        operation.require(
            self.content in host.contents(self.instance.uuid),
            'the old disk is not whole')

    def repeat(self, host):
        self.run(host)

    def require_disk(self, host):
        operation.Operation.require_disk(self, host)


class MigrateAgain(_Resized):
    """A resize after one that was neither confirmed nor reverted."""

    task_state = task_states.RESIZE_MIGRATING

    def before(self, host):
        super().before(host)
        self.first = _migration(self.destination)
        self.new_flavor = self.instance.flavor.obj_clone()
        self.new_flavor.flavorid = 'large'
        self.new_flavor.root_gb = 3

    def run(self, host):
        self.migrate(host)

    def complete(self, host):
        Migrate.complete(self, host)

    def check_started(self, host):
        self.check(host)


def _migration(destination):
    return objects.Migration(uuid=uuidutils.generate_uuid(),
                             dest_host=destination, source_compute='host',
                             dest_compute='host' if destination == CONF.my_ip
                             else 'second')
