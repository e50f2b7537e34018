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

"""Operations that the driver refuses with a reason.

nova.virt.driver.ComputeDriver would raise errors here that Nova does not
expect: the server would go to ERROR, or nobody would see the reason.
"""

from typing import Any, TypeAlias

from nova import context as nova_context
from nova import exception as nova_exception
from nova.objects import instance as nova_instance
from nova.virt import driver

Context: TypeAlias = nova_context.RequestContext
Instance: TypeAlias = nova_instance.Instance

_NO_LIVE_MIGRATION = (
    "VMware's desktop products cannot move a running server. Use a cold "
    'migration, which stops the server and starts it again.')


class RefusingDriver(driver.ComputeDriver):
    """Refuses live migration."""

    def check_can_live_migrate_destination(
            self, context: Context, instance: Instance, src_compute_info: Any,
            dst_compute_info: Any, block_migration: bool = False,
            disk_over_commit: bool = False) -> None:
        raise nova_exception.MigrationPreCheckError(reason=_NO_LIVE_MIGRATION)

    def check_can_live_migrate_source(
            self, context: Context, instance: Instance, dest_check_data: Any,
            block_device_info: dict[str, Any] | None = None) -> None:
        raise nova_exception.MigrationPreCheckError(reason=_NO_LIVE_MIGRATION)
