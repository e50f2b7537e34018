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

"""Judge a host: every check, in the order of the report."""

from collections.abc import Callable
from collections.abc import Iterable
from typing import TypeVar

from nova_vmrun.doctor.checks import environment
from nova_vmrun.doctor.checks import kernel
from nova_vmrun.doctor.checks import networking
from nova_vmrun.doctor.checks import product
from nova_vmrun.doctor.checks import storage
from nova_vmrun.doctor import cloud
from nova_vmrun.doctor import facts
from nova_vmrun.doctor import finding
from nova_vmrun.doctor import host_in_cloud

T = TypeVar('T')


def examine(host: facts.Host,
            control_plane: cloud.Cloud | facts.NoAnswer | None = None,
            in_cloud: host_in_cloud.HostInCloud | facts.NoAnswer | None = None
            ) -> list[finding.Finding]:
    """Return what all checks find.

    :param control_plane: None if there is none on this host
    :param in_cloud: what another cloud says about this host; None if it is
        not configured for one
    """
    return [
        *_judge('VMware', host.product, product.check),
        *_judge('modules', host.modules, kernel.check_modules),
        *_judge('libraries', host.libraries, kernel.check_libraries),
        # The fakes run no virtual machine monitor.
        *([] if host.is_fake else _judge(
            'processor', host.processor, kernel.check_processor)),
        *_judge('user', host.user, environment.check_user),
        *_judge('display', host.user, environment.check_display),
        *_judge('disk space', host.storage, storage.check_space),
        *_judge('file system', host.storage, storage.check_type),
        *_judge('storage folders', host.storage_folders,
                storage.check_folders),
        *_judge('networks', host.networks, networking.check_vmnets),
        *_judge('ports', host.ports, networking.check_ports),
        *_judge('loopback', host.ports, networking.check_loopback),
        *_judge('programs', host.programs, environment.check_programs),
        *_judge('clock', host.clock, environment.check_clock),
        *([] if control_plane is None else
          _judge('cloud', control_plane, cloud.check)),
        *([] if in_cloud is None else
          _judge('cloud', in_cloud, host_in_cloud.check))]


def _judge(topic: str, group: T | facts.NoAnswer,
           check: Callable[[T], Iterable[finding.Finding]]
           ) -> Iterable[finding.Finding]:
    if isinstance(group, facts.NoAnswer):
        return [finding.wrong(
            topic, group.reason,
            'Look at this by hand: whatever hangs or fails here does so for '
            'nova-compute, too.')]
    return check(group)
