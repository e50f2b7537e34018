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

from nova_vmrun.catalog import obeyed
from nova_vmrun import exception
from nova_vmrun.machine.choices import request as requests
from nova_vmrun.machine import model

_NVME_SINCE = 13
_ARM_BUSES = ('nvme', 'sata', 'pvscsi')


def disk_bus(request: requests.Request) -> requests.Choice[str]:
    """Choose the bus of all disks, one of model.BUSES."""
    found = _requested(request)
    if found is None:
        return _default(request)
    bus = found.value
    if bus == 'scsi':
        found, bus = _scsi(request, found)
    _check(request, found, bus)
    return found.choose(bus, written=found.text)


def _default(request: requests.Request) -> requests.Choice[str]:
    if request.image_adapter and not request.is_arm:
        return requests.Choice(request.image_adapter,
                               "ddb.adapterType of the image's disk")
    bus = request.profile.disk_bus
    if bus == 'nvme' and request.hw_version < _NVME_SINCE:
        bus = 'sata'
    return request.default(bus)


def _requested(request: requests.Request) -> requests.Property[str] | None:
    """Return the strongest property that asks for a bus or a controller."""
    for row in (obeyed.OWN_DISK_BUS, obeyed.DISK_BUS, obeyed.ADAPTER_TYPE,
                obeyed.SCSI_MODEL):
        found = request.image(row)
        if found is not None:
            return found
    return None


def _scsi(request: requests.Request, requested: requests.Property[str]
          ) -> tuple[requests.Property[str], str]:
    """Return the SCSI controller if a property only asks for SCSI."""
    model_ = request.image(obeyed.SCSI_MODEL)
    if model_ is not None:
        return model_, model_.value
    adapter = request.image(obeyed.ADAPTER_TYPE)
    if adapter is not None and adapter.value != 'ide':
        return adapter, adapter.value
    return requested, request.profile.scsi


def _check(request: requests.Request, found: requests.Property[str],
           bus: str) -> None:
    reason = ''
    if bus == 'nvme' and request.hw_version < _NVME_SINCE:
        reason = 'NVMe needs virtual hardware %d.' % _NVME_SINCE
    elif request.is_arm and bus not in _ARM_BUSES:
        reason = 'Apple silicon has no such controller.'
    if reason:
        raise exception.InvalidProperty(found.name, found.text, reason,
                                        'Use sata.')


def cdrom_bus(request: requests.Request,
              bus_of_disks: str) -> requests.Choice[str]:
    """Choose the bus of all CD drives, one of model.CDROM_BUSES."""
    found = request.image(obeyed.CDROM_BUS)
    if found is None:
        return request.default(request.profile.cdrom_bus)
    bus = found.value
    if bus == 'scsi':
        bus = request.profile.scsi
        if bus_of_disks in model.SCSI_BUSES:
            bus = bus_of_disks
    _check(request, found, bus)
    return found.choose(bus, written=found.text)


def volume_bus(request: requests.Request,
               disk_bus: requests.Choice[str]) -> requests.Choice[str]:
    """Choose the bus of volumes, one of model.BUSES except ide.

    A guest has the driver of the controller that it boots from. IDE has too
    few places.
    """
    if disk_bus.value == 'ide':
        return request.default(request.profile.scsi)
    return disk_bus
