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

"""The buses of disks and CD drives."""

from nova_vmrun.catalog import properties as props
from nova_vmrun import exception
from nova_vmrun.machine.choices import request as requests
from nova_vmrun.machine import model

_NVME_SINCE = 13
_ARM_BUSES = ('nvme', 'sata', 'pvscsi')


def disk_bus(request: requests.Request) -> requests.Choice:
    """Chooses one of machine.BUSES for all disks."""
    asked, bus = _asked_bus(request)
    if bus == 'scsi':
        asked, bus = _scsi_model(request, asked)
    if not asked.name:
        if request.image_adapter and not request.is_arm:
            return requests.Choice(request.image_adapter, "ddb.adapterType "
                                   "of the image's disk")
        bus = request.profile.disk_bus
        if bus == 'nvme' and request.hw_version < _NVME_SINCE:
            bus = 'sata'
        return request.default(bus)
    _check(request, asked, bus)
    return asked.choose(bus, shown=asked.value)


def _asked_bus(request: requests.Request) -> tuple[requests.Asked, str]:
    for name, table in (('vmrun_disk_bus', props.DISK_BUSES),
                        ('hw_disk_bus', props.NOVA_DISK_BUSES),
                        ('vmware_adaptertype', props.ADAPTER_TYPES)):
        asked = request.image(name)
        if asked.name:
            return asked, props.one_of(name, asked.value, table)
    asked = request.image('hw_scsi_model')
    return asked, 'scsi' if asked.name else ''


def _scsi_model(request: requests.Request,
                asked_by: requests.Asked) -> tuple[requests.Asked, str]:
    """Finds the controller for a property that asks for SCSI alone."""
    for name in ('hw_scsi_model', 'vmware_adaptertype'):
        asked = request.image(name)
        if asked.name and asked.value.strip().lower() != 'ide':
            return asked, props.one_of(name, asked.value, props.SCSI_MODELS)
    return asked_by, request.profile.scsi


def _check(request: requests.Request, asked: requests.Asked, bus: str) -> None:
    reason = ''
    if bus == 'nvme' and request.hw_version < _NVME_SINCE:
        reason = 'NVMe needs virtual hardware %d.' % _NVME_SINCE
    elif request.is_arm and bus not in _ARM_BUSES:
        reason = 'Apple silicon has no such controller.'
    if reason:
        raise exception.InvalidProperty(asked.name, asked.value, reason,
                                        'Use sata.')


def cdrom_bus(request: requests.Request, bus_of_disks: str) -> requests.Choice:
    """Chooses one of machine.CDROM_BUSES for all CD drives."""
    asked = request.image('hw_cdrom_bus')
    if not asked.name:
        return request.default(request.profile.cdrom_bus)
    bus = props.one_of(asked.name, asked.value, props.NOVA_DISK_BUSES)
    if bus == 'scsi':
        bus = request.profile.scsi
        if bus_of_disks in model.SCSI_BUSES:
            bus = bus_of_disks
    _check(request, asked, bus)
    return asked.choose(bus, shown=asked.value)
