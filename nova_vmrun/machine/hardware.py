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

"""The choice of a server's virtual hardware.

The order is the same for every device: the driver's own property (vmrun_),
the predecessor's (vix_), Nova's (hw_, os_), Nova's legacy name (vmware_), and
finally the default of the guest operating system. Flavors win over images
where Nova says so.
"""

from collections.abc import Mapping
from typing import Any

from nova_vmrun.catalog import properties as props
from nova_vmrun.catalog import table
from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.machine.choices import cpu
from nova_vmrun.machine.choices import devices
from nova_vmrun.machine.choices import firmware
from nova_vmrun.machine.choices import generation
from nova_vmrun.machine.choices import images
from nova_vmrun.machine.choices import network
from nova_vmrun.machine.choices import options
from nova_vmrun.machine.choices import request as requests
from nova_vmrun.machine.choices import storage
from nova_vmrun.machine import model

FUSION = 'fusion'


def choose(properties: Mapping[str, str], extra_specs: Mapping[str, str],
           guest: guestos.GuestOS, vcpus: int, hw_version: int = 20,
           product: str | None = None, image_adapter: str | None = None,
           chosen_now: frozenset[str] = table.BOTH) -> model.Hardware:
    """Choose the hardware of a server.

    :param properties: properties of the image, as the image or
        instance.system_metadata has them
    :param extra_specs: extra specs of the flavor
    :param vcpus: number of vCPUs of the flavor
    :param hw_version: newest virtualHW.version that the product runs
    :param product: ws, player or fusion; None: whichever runs the guest
    :param image_adapter: ide or buslogic if VMware made the image's disk for
        that controller; properties take precedence
    :param chosen_now: which of table.IMAGE and table.FLAVOR a user chooses
        now; only there, properties are refused that cannot be obeyed
    :raises InvalidProperty: a value is outside its range or contradicts
        another one
    :raises UnknownGuestOS: the product does not run the guest
    """
    props.refuse_unknown(properties)
    disobeyed = table.find_disobeyed(properties, extra_specs, chosen_now)
    version = generation.hw_version(extra_specs, hw_version, chosen_now)
    request = requests.Request(properties, extra_specs, guest, vcpus,
                               version.value, image_adapter)
    _refuse_macos(guest, product)
    choices = dict(_choices(request, chosen_now), hw_version=version)
    of_options, passed_over = options.choose(request, chosen_now)
    origins = {name: choice.origin
               for name, choice in {**choices, **of_options}.items()}
    return model.Hardware(
        unsupported=disobeyed + passed_over,
        options={name: choice.value for name, choice in of_options.items()},
        origins=dict(origins, guestos=guest.origin),
        **{name: choice.value for name, choice in choices.items()})


def _choices(request: requests.Request, chosen_now: frozenset[str]
             ) -> dict[str, requests.Choice[Any]]:
    bus = storage.disk_bus(request)
    agent = devices.guest_agent(request, chosen_now)
    firmware_type = firmware.firmware(request)
    return dict(
        disk_bus=bus,
        volume_bus=storage.volume_bus(request, bus),
        cdrom_bus=storage.cdrom_bus(request, bus.value),
        nic_model=network.nic_model(request),
        nic_rx_kbps=network.rx_kbps(request),
        nic_tx_kbps=network.tx_kbps(request),
        firmware=firmware_type,
        secure_boot=firmware.secure_boot(request, firmware_type.value),
        local_time=request.default(request.profile.local_time),
        boot_order=firmware.boot_order(request),
        cores_per_socket=cpu.cores_per_socket(request),
        serial_ports=devices.serial_ports(request, agent.value, chosen_now),
        guest_agent=agent,
        show_gui=devices.show_gui(request),
        linked_clone=images.linked_clone(request),
        disk_type=images.disk_type(request),
        storage_tag=images.storage_tag(request),
        storage_policy=images.storage_policy(request),
        ephemeral_storage_tag=images.ephemeral_storage_tag(request),
        swap_storage_tag=images.swap_storage_tag(request),
        iso_images=images.iso_images(request),
        floppy_image=images.floppy_image(request),
        tools_isos=images.tools_isos(request))


def _refuse_macos(guest: guestos.GuestOS, product: str | None) -> None:
    if guest.family == 'darwin' and product not in (None, FUSION):
        raise exception.UnknownGuestOS(
            'guestOS', guest.id, 'macOS only runs on Fusion, on Apple '
            'computers.', 'Boot the image on a host with Fusion.')
