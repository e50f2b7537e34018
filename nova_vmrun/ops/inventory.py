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
"""What Placement is told of a host."""

import os_resource_classes as orc
from oslo_config import cfg

from nova_vmrun.formats import machine
from nova_vmrun.host import resources as host_resources


def of_host(conf: cfg.ConfigOpts, resources: host_resources.Host,
            max_vcpus: int, reserved_gb: int, ratios: dict) -> dict:
    """Returns the inventory of a host.

    :param conf: nova.conf.CONF
    :param max_vcpus: that one server can have
    :param reserved_gb: GiB of disk that Nova keeps for others
    :param ratios: of overcommitment, by resource class
    :returns: dict of resource classes to what Placement takes for them
    """
    return {
        orc.VCPU: _inventory(
            resources.vcpus, max_vcpus, conf.reserved_host_cpus,
            ratios[orc.VCPU]),
        orc.MEMORY_MB: _inventory(
            resources.memory_mb, machine.MAX_MEMORY_MB,
            conf.reserved_host_memory_mb, ratios[orc.MEMORY_MB]),
        orc.DISK_GB: _inventory(
            resources.disk_gb, resources.disk_gb,
            reserved_gb + resources.disk_gb_of_others,
            ratios[orc.DISK_GB]),
    }


def _inventory(total: int, largest: int, reserved: int,
               ratio: float) -> dict:
    return {
        'total': total,
        'min_unit': 1,
        'max_unit': min(largest, total),
        'step_size': 1,
        'reserved': min(reserved, total),
        'allocation_ratio': ratio,
    }
