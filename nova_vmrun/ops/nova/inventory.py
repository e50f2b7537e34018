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
"""The description of a host for Nova and Placement."""

from collections import abc
from typing import Any

from nova.objects import fields
import os_resource_classes as orc
from oslo_config import cfg
from oslo_serialization import jsonutils
from oslo_utils import versionutils

from nova_vmrun.host import cpu_traits
from nova_vmrun.host import product as host_product
from nova_vmrun.host import resources as host_resources
from nova_vmrun.machine import model

# Marks nodes that run on the fakes of our tests.
_FAKE_TRAIT = 'CUSTOM_VMRUN_FAKE'


def described(name: str, compute_id: str, product: host_product.Product,
              resources: host_resources.Host) -> dict[str, Any]:
    """Return the result of ComputeDriver.get_available_resource.

    :param name: of the node
    :param compute_id: its id in Nova
    """
    return {
        'uuid': compute_id,
        'hypervisor_hostname': name,
        # Nova refuses to start if the name of the host or of the product
        # changes.
        'hypervisor_type': ('%s (fake)' % product.name if product.is_fake
                            else product.name),
        'hypervisor_version': versionutils.convert_version_to_int(
            product.version or (0, 0, 0)),
        'vcpus': resources.vcpus,
        'vcpus_used': 0,
        'memory_mb': resources.memory_mb,
        'memory_mb_used': resources.memory_mb_used,
        'local_gb': resources.disk_gb,
        'local_gb_used': resources.disk_gb_used,
        'disk_available_least': resources.largest_disk_gb_free,
        'cpu_info': jsonutils.dumps(resources.cpu_info),
        'supported_instances': [
            (fields.Architecture.canonicalize(resources.architecture),
             fields.HVType.VMWARE, fields.VMMode.HVM)],
        'numa_topology': None,
        'stats': {'uptime': resources.uptime()},
    }


def traits(resources: host_resources.Host,
           product: host_product.Product
           ) -> tuple[set[str], abc.Set[str]]:
    """Return the traits of a host, and those of ours that it lacks."""
    own = set(resources.cpu_traits)
    if product.is_fake:
        own.add(_FAKE_TRAIT)
    return own, (cpu_traits.ALL | {_FAKE_TRAIT}) - own


def of_host(conf: cfg.ConfigOpts, resources: host_resources.Host,
            max_vcpus: int, reserved_gb: int,
            ratios: dict[str, float]) -> dict[str, dict[str, Any]]:
    """Return the inventory of a host, by resource class.

    :param conf: nova.conf.CONF
    :param max_vcpus: the maximum for one server
    :param reserved_gb: GiB of disk that Nova reserves
    :param ratios: allocation ratios by resource class
    """
    return {
        orc.VCPU: _inventory(
            resources.vcpus, max_vcpus, conf.reserved_host_cpus,
            ratios[orc.VCPU]),
        orc.MEMORY_MB: _inventory(
            resources.memory_mb, model.MAX_MEMORY_MB,
            conf.reserved_host_memory_mb, ratios[orc.MEMORY_MB]),
        orc.DISK_GB: _inventory(
            resources.disk_gb, resources.largest_disk_gb,
            reserved_gb + resources.disk_gb_used_by_others,
            ratios[orc.DISK_GB]),
    }


def _inventory(total: int, largest: int, reserved: int,
               ratio: float) -> dict[str, Any]:
    return {
        'total': total,
        'min_unit': 1,
        'max_unit': min(largest, total),
        'step_size': 1,
        'reserved': min(reserved, total),
        'allocation_ratio': ratio,
    }
