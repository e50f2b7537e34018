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

"""Properties that a server obeys.

A row is the only place with a property's names, range and documentation. The
choices of nova_vmrun.machine read the rows by their names here. Properties
that lead to fixed lines of the .vmx are in nova_vmrun.catalog.options.
"""

from nova_vmrun.catalog import kinds
from nova_vmrun.catalog import properties as props
from nova_vmrun.catalog import row

GUEST = 'The guest operating system'
DISKS = 'Disks and drives'
NETWORK = 'Network'
FIRMWARE = 'Firmware and boot'
CPU = 'CPU'
DEVICES = 'Other devices'
RESCUE = 'Rescue'
NOVA = 'Obeyed by Nova itself'
SECTIONS = (GUEST, DISKS, NETWORK, FIRMWARE, CPU, DEVICES, RESCUE, NOVA)

MAX_SERIAL_PORTS = 4
_NO_LIMIT = 65536
_SCHEDULER = "Used by Nova's scheduler to choose the host."
_API = "Read by Nova's API. Volumes are refused."
_SIGNATURE = 'Signature of the image, which Nova checks when downloading it.'
_THREADS = ' VMware has no threads, so they count as cores.'
# What each part of a CPU topology is called in the documentation.
_PARTS = {'sockets': 'sockets', 'cores': 'cores per socket',
          'threads': 'threads per core'}

GUEST_ID = row.Obeyed(
    image=props.names('guestos') + ('vmware_ostype',), kind=kinds.TEXT,
    section=GUEST, about='A VMware guest OS identifier; see :doc:`vmx`.')
OS_DISTRO = row.Obeyed(
    image=('os_distro',), kind=kinds.TEXT, section=GUEST,
    about='With ``os_version``, selects the guest OS identifier.')
OS_VERSION = row.Obeyed(
    image=('os_version',), kind=kinds.TEXT, section=GUEST,
    about='The version of ``os_distro`` or of Windows.')
OS_TYPE = row.Obeyed(
    image=('os_type',), kind=kinds.TEXT, section=GUEST,
    about='``linux`` or ``windows``; used if nothing is more specific.')
ARCHITECTURE = row.Obeyed(
    image=('hw_architecture', 'architecture'), kind=kinds.TEXT, section=GUEST,
    about="Must match the host's architecture. ``i686`` selects a 32-bit "
    'guest OS identifier.')

OWN_DISK_BUS = row.Obeyed(
    image=props.names('disk_bus'), kind=kinds.Word(props.DISK_BUSES),
    section=DISKS, about='Bus of the disks. For ``scsi``, the controller is '
    'chosen as for ``hw_disk_bus``.')
DISK_BUS = row.Obeyed(
    image=('hw_disk_bus',), kind=kinds.Word(props.NOVA_DISK_BUSES),
    section=DISKS, about='Bus of the disks. For ``scsi``, the controller '
    'comes from ``hw_scsi_model``, from ``vmware_adaptertype``, or from the '
    "guest's default.")
SCSI_MODEL = row.Obeyed(
    image=('hw_scsi_model',), kind=kinds.Word(props.SCSI_MODELS),
    section=DISKS,
    about='SCSI controller. On its own, it also puts the disks on SCSI.')
ADAPTER_TYPE = row.Obeyed(
    image=('vmware_adaptertype',), kind=kinds.Word(props.ADAPTER_TYPES),
    section=DISKS, about="Controller of the disks, in vSphere's terms.")
CDROM_BUS = row.Obeyed(
    image=('hw_cdrom_bus',), kind=kinds.Word(props.NOVA_DISK_BUSES),
    section=DISKS, about='Bus of the CD drives.')
ISO_IMAGES = row.Obeyed(
    image=props.names('iso_images'), kind=kinds.ImageIds(), section=DISKS,
    about='Images to attach, each in its own CD drive.')
FLOPPY_IMAGE = row.Obeyed(
    image=props.names('floppy_image'), kind=kinds.ImageId(), section=DISKS,
    about='Image to insert in the floppy drive.')
TOOLS_ISOS = row.Obeyed(
    image=props.names('tools_iso'), kind=kinds.Words(props.TOOLS_ISOS),
    section=DISKS, about="VMware Tools ISO images from the product's install "
    'folder, each in its own CD drive.')
LINKED_CLONE = row.Obeyed(
    image=props.names('cow') + ('img_linked_clone', 'vmware_linked_clone'),
    kind=kinds.BOOLEAN, section=DISKS,
    about='Whether the root disk is linked to a shared base or is a full '
    'copy.')
OVA_DISK = row.Obeyed(
    image=props.names('ova_disk'), kind=kinds.TEXT, section=DISKS,
    about='Which disk of an OVA to use if several have content: the '
    "``diskId`` in the OVF, or the file name. It cannot be changed once the "
    'image has been used.')
DISK_TYPE = row.Obeyed(
    image=props.DISK_TYPE_NAMES, kind=kinds.Word(props.DISK_TYPES),
    section=DISKS, about='Type that the image claims to have. It has no '
    'effect, because the driver inspects the image itself.')
STORAGE_TAG = row.Obeyed(
    image=props.names('storage_tag'), flavor=('vmrun:storage_tag',),
    kind=kinds.TEXT, section=DISKS,
    about='Tag or name of the storage folder that the disks go to; see '
    ':doc:`storage`. The flavor takes precedence.')
STORAGE_POLICY = row.Obeyed(
    flavor=('vmware:storage_policy',), kind=kinds.TEXT, section=DISKS,
    about='The same as ``vmrun:storage_tag``, on hosts with ``[vmrun] '
    'storage_folders``.')
EPHEMERAL_STORAGE_TAG = row.Obeyed(
    flavor=('vmrun:ephemeral_storage_tag',), kind=kinds.TEXT, section=DISKS,
    about='Tag of the storage folder that ephemeral disks go to. Without it, '
    'they go where the root disk is.')
SWAP_STORAGE_TAG = row.Obeyed(
    flavor=('vmrun:swap_storage_tag',), kind=kinds.TEXT, section=DISKS,
    about='Tag of the storage folder that the swap disk goes to. Without it, '
    'the disk goes where the root disk is.')

NIC_MODEL = row.Obeyed(
    image=('hw_vif_model',), kind=kinds.Word(props.NIC_MODELS),
    section=NETWORK, about='Model of all network adapters.')
RECEIVE_LIMIT = row.Obeyed(
    flavor=('quota:vif_inbound_average',), kind=kinds.Integer(1, 10 ** 8),
    section=NETWORK, about='Receive limit of each adapter, in KB/s.')
SEND_LIMIT = row.Obeyed(
    flavor=('quota:vif_outbound_average',), kind=kinds.Integer(1, 10 ** 8),
    section=NETWORK, about='Send limit of each adapter, in KB/s.')
VIF_LIMIT = row.Obeyed(
    flavor=('quota:vif_limit',), kind=kinds.Integer(1, 10 ** 6),
    section=NETWORK, about='Receive and send limit of each adapter, in '
    "Mbit/s, as in Nova's vSphere driver. The averages take precedence.")

HARDWARE_VERSION = row.Obeyed(
    flavor=('vmware:hw_version',), kind=kinds.TEXT, section=FIRMWARE,
    about='Virtual hardware version, from ``vmx-10`` to the newest one that '
    'the product supports, which is the default.')
FIRMWARE_TYPE = row.Obeyed(
    image=('hw_firmware_type',), kind=kinds.Word(props.FIRMWARE),
    section=FIRMWARE, about='Firmware of the VM.')
SECURE_BOOT = row.Obeyed(
    image=('os_secure_boot',), flavor=('os:secure_boot',),
    kind=kinds.Word(props.SECURE_BOOT), section=FIRMWARE,
    about='Needs UEFI. ``required`` selects UEFI unless ``hw_firmware_type`` '
    'says otherwise.')
BOOT_ORDER = row.Obeyed(
    image=props.names('boot_order'), kind=kinds.Words(props.BOOT_DEVICES),
    section=FIRMWARE, about='Devices to boot from, in order.')

CPU_PREFERENCES = {part: row.Obeyed(
    image=('hw_cpu_' + part,), flavor=('hw:cpu_' + part,),
    kind=kinds.Integer(1, 1024), section=CPU,
    about='Preferred number of %s, used as far as the number of vCPUs '
    'allows. The preferences of a flavor override those of an image.%s'
    % (name, _THREADS if part == 'threads' else ''))
    for part, name in _PARTS.items()}
CPU_LIMITS = {part: row.Obeyed(
    image=('hw_cpu_max_' + part,), flavor=('hw:cpu_max_' + part,),
    kind=kinds.Integer(1, _NO_LIMIT), section=CPU,
    about='Maximum number of %s. A flavor whose vCPUs cannot be arranged '
    "this way is refused. An image can only lower a flavor's limit." % name)
    for part, name in _PARTS.items()}

MAX_VIDEO_RAM = row.Obeyed(
    flavor=('hw_video:ram_max_mb',), kind=kinds.Integer(0, 10 ** 6),
    section=DEVICES, about='Maximum video memory that an image can ask for, '
    'in MiB; 0 by default.')
SERIAL_PORTS = row.Obeyed(
    image=('hw_serial_port_count',), flavor=('hw:serial_port_count',),
    kind=kinds.Integer(0, MAX_SERIAL_PORTS), section=DEVICES,
    about='Number of serial ports for consoles, 1 by default. The first one '
    "is the console log. An image can only lower a flavor's number. With "
    '``hw_qemu_guest_agent``, at most 3.')
GUEST_AGENT = row.Obeyed(
    image=('hw_qemu_guest_agent',), kind=kinds.BOOLEAN, section=DEVICES,
    about='Adds a serial port for the QEMU guest agent; see '
    ':doc:`guest_agent`.')
ADMIN_USER = row.Obeyed(
    image=('os_admin_user',), kind=kinds.TEXT, section=GUEST,
    about='The user whose password Nova sets in a running guest: ``root`` by '
    'default, ``Administrator`` on Windows. Needs ``hw_qemu_guest_agent``.')
REQUIRE_QUIESCE = row.Obeyed(
    image=('os_require_quiesce',), kind=kinds.BOOLEAN, section=DISKS,
    about='A snapshot of a running server fails if the guest cannot freeze '
    'its file systems. Needs ``hw_qemu_guest_agent``.')
SHOW_GUI = row.Obeyed(
    image=props.names('show_gui'), kind=kinds.BOOLEAN, section=DEVICES,
    about='Open a window on the host, if ``[vmrun] show_gui`` allows it.')

ROWS: tuple[row.Obeyed[object], ...] = (
    GUEST_ID, OS_DISTRO, OS_VERSION, OS_TYPE, ARCHITECTURE,
    OWN_DISK_BUS, DISK_BUS, SCSI_MODEL, ADAPTER_TYPE, CDROM_BUS, ISO_IMAGES,
    FLOPPY_IMAGE, TOOLS_ISOS, LINKED_CLONE, OVA_DISK, DISK_TYPE,
    STORAGE_TAG, STORAGE_POLICY, EPHEMERAL_STORAGE_TAG, SWAP_STORAGE_TAG,
    NIC_MODEL, RECEIVE_LIMIT, SEND_LIMIT, VIF_LIMIT,
    HARDWARE_VERSION, FIRMWARE_TYPE, SECURE_BOOT, BOOT_ORDER,
    *CPU_PREFERENCES.values(), *CPU_LIMITS.values(),
    MAX_VIDEO_RAM, SERIAL_PORTS, SHOW_GUI, GUEST_AGENT, ADMIN_USER,
    REQUIRE_QUIESCE,

    # Read by the rescue operations.
    row.Obeyed(
        image=('hw_rescue_device',), section=RESCUE,
        kind=kinds.same('disk', 'cdrom', 'floppy'),
        about='Device type that the rescue image is attached as.'),
    row.Obeyed(
        image=('hw_rescue_bus',), section=RESCUE,
        kind=kinds.same('ide', 'sata', 'scsi'),
        about='Bus that the rescue image is attached to.'),

    row.Obeyed(
        image=('img_config_drive',), kind=kinds.TEXT, section=NOVA,
        about='``mandatory`` gives each server of the image a config drive.'),
    row.Obeyed(
        image=('os_shutdown_timeout',), kind=kinds.TEXT, section=NOVA,
        about='Time for the guest to shut down, in seconds.'),
    row.Obeyed(
        image=('img_signature', 'img_signature_certificate_uuid',
               'img_signature_hash_method', 'img_signature_key_type'),
        kind=kinds.TEXT, section=NOVA, about=_SIGNATURE),
    row.Obeyed(
        image=('img_block_device_mapping', 'block_device_mapping',
               'img_bdm_v2', 'bdm_v2', 'img_mappings', 'mappings',
               'img_root_device_name', 'root_device_name'),
        kind=kinds.TEXT, section=NOVA, about=_API),
    row.Obeyed(
        image=('img_hv_requested_version', 'hypervisor_version_requires'),
        kind=kinds.TEXT, section=NOVA, about=_SCHEDULER),
    row.Obeyed(
        image=('trait:*',), flavor=('trait*', 'resources*', 'group_policy',
                                    'capabilities:*',
                                    'aggregate_instance_extra_specs:*'),
        kind=kinds.TEXT, section=NOVA, about=_SCHEDULER),
)
