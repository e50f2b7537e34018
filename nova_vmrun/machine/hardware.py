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

"""Which virtual hardware a server gets, and why.

The order is the same for every device: a property of ours (vmrun_), the
predecessor's (vix_), Nova's own (hw_, os_), Nova's legacy names (vmware_),
and then the defaults of the guest operating system. Flavors win over images
where Nova says so.
"""

from collections.abc import Mapping
import dataclasses
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
from nova_vmrun.machine.choices import request as requests
from nova_vmrun.machine.choices import storage

FUSION = 'fusion'

# Fields that go into a Machine as they are.
_MACHINE_FIELDS = (
    'hw_version', 'cores_per_socket', 'firmware', 'secure_boot', 'nested',
    'boot_order', 'video_ram_mb', 'usb')


@dataclasses.dataclass(frozen=True)
class Hardware:
    """What properties and defaults ask for.

    :ivar hw_version: virtualHW.version
    :ivar disk_bus: bus of the disks, one of machine.BUSES
    :ivar cdrom_bus: bus of CD drives
    :ivar nic_model: one of machine.NIC_MODELS
    :ivar cores_per_socket: or None
    :ivar video_ram_mb: MiB, or None
    :ivar serial_ports: how many
    :ivar nic_rx_kbps: limit of what the guest receives, kbit/s, or None
    :ivar nic_tx_kbps: limit of what the guest sends, kbit/s, or None
    :ivar options: a value for each of catalog.options.FIELDS
    :ivar show_gui: whether the image wants a window on the host, or None; a
        tenant must not be the one to decide, so [vmrun] show_gui comes first
    :ivar linked_clone: whether the image insists on (or forbids) a linked
        disk, or None
    :ivar disk_type: what vmware_disktype says of the image, or None
    :ivar iso_images: ids of images, each to be a CD drive
    :ivar floppy_image: id of an image, or None
    :ivar tools_isos: file names in the product's folder of ISO images
    :ivar unsupported: properties and extra specs that are not obeyed although
        somebody may rely on them, for a warning
    :ivar origins: names of these fields to a phrase that says what set them
    """

    hw_version: int
    disk_bus: str
    cdrom_bus: str
    nic_model: str
    nic_rx_kbps: int | None
    nic_tx_kbps: int | None
    firmware: str
    secure_boot: bool
    boot_order: tuple[str, ...]
    cores_per_socket: int | None
    nested: bool
    video_ram_mb: int | None
    serial_ports: int
    usb: str
    options: dict[str, Any]
    show_gui: bool | None
    linked_clone: bool | None
    disk_type: str | None
    iso_images: tuple[str, ...]
    floppy_image: str | None
    tools_isos: tuple[str, ...]
    unsupported: tuple[str, ...]
    origins: dict[str, str]

    def machine_fields(self) -> dict[str, Any]:
        """Makes the arguments of Machine that are chosen here.

        :returns: a dict, origins included; guestos and family are the guest's
        """
        fields = {name: getattr(self, name) for name in _MACHINE_FIELDS}
        return dict(fields, options=dict(self.options),
                    origins=dict(self.origins))


def choose(properties: Mapping[str, str], extra_specs: Mapping[str, str],
           guest: guestos.GuestOS, vcpus: int, hw_version: int = 20,
           product: str | None = None, image_adapter: str | None = None,
           fresh: frozenset[str] = table.BOTH) -> Hardware:
    """Chooses the hardware of a server.

    :param properties: mapping of image properties to text, as the image or
        instance.system_metadata has them
    :param extra_specs: mapping of the flavor's extra specs to text
    :param guest: a GuestOS
    :param vcpus: of the flavor
    :param hw_version: the newest virtualHW.version that the product runs
    :param product: ws, player or fusion; None: whichever runs the guest
    :param image_adapter: ide or buslogic if VMware wrote the image's disk for
        that controller; properties come first
    :param fresh: which of table.IMAGE and table.FLAVOR a user chooses now;
        only there is refused what the catalog refuses
    :returns: a Hardware
    :raises InvalidProperty: a value outside its table, or one that another
        contradicts
    """
    props.refuse_unknown(properties)
    unsupported = table.disobeyed(properties, extra_specs, fresh)
    version = generation.hw_version(extra_specs, hw_version, fresh)
    request = requests.Request(properties, extra_specs, guest, vcpus,
                               version.value, image_adapter)
    _refuse_macos(guest, product)
    choices = dict(_choices(request), hw_version=version)
    chosen, passed_over = devices.options(request, fresh)
    origins = {name: choice.origin
               for name, choice in {**choices, **chosen}.items()}
    return Hardware(
        unsupported=unsupported + passed_over,
        options={name: choice.value for name, choice in chosen.items()},
        origins=dict(origins, guestos=guest.origin),
        **{name: choice.value for name, choice in choices.items()})


def _choices(request: requests.Request) -> dict[str, requests.Choice]:
    bus = storage.disk_bus(request)
    chosen_firmware = firmware.firmware(request)
    return dict(
        disk_bus=bus,
        cdrom_bus=storage.cdrom_bus(request, bus.value),
        nic_model=network.nic_model(request),
        nic_rx_kbps=network.rx_kbps(request),
        nic_tx_kbps=network.tx_kbps(request),
        firmware=chosen_firmware,
        secure_boot=firmware.secure_boot(request, chosen_firmware.value),
        boot_order=firmware.boot_order(request),
        cores_per_socket=cpu.cores_per_socket(request),
        nested=devices.nested(request),
        video_ram_mb=devices.video_ram_mb(request),
        serial_ports=devices.serial_ports(request),
        usb=devices.usb(request),
        show_gui=devices.show_gui(request),
        linked_clone=images.linked_clone(request),
        disk_type=images.disk_type(request),
        iso_images=images.iso_images(request),
        floppy_image=images.floppy_image(request),
        tools_isos=images.tools_isos(request))


def _refuse_macos(guest: guestos.GuestOS, product: str | None) -> None:
    if guest.family == 'darwin' and product not in (None, FUSION):
        raise exception.UnknownGuestOS(
            'guestOS', guest.id, 'macOS runs on Fusion only, on computers of '
            "Apple's.", 'Boot the image on a host with Fusion.')
