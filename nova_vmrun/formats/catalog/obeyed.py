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

"""What a server gets if an image or a flavor asks for it."""

from nova_vmrun.formats.catalog import kinds
from nova_vmrun.formats.catalog import row
from nova_vmrun.formats import properties as props

GUEST = 'The guest operating system'
DISKS = 'Disks and drives'
NETWORK = 'Network'
FIRMWARE = 'Firmware and boot'
CPU = 'CPU'
DEVICES = 'Other devices'
RESCUE = 'Rescue'
NOVA = 'Obeyed by Nova itself'
SECTIONS = (GUEST, DISKS, NETWORK, FIRMWARE, CPU, DEVICES, RESCUE, NOVA)

MAX_CPUS = 65536
_SCHEDULER = "The scheduler's: it chooses the host."
_API = "Nova's API reads it. Volumes are refused."
_SIGNATURE = "The image's signature, which Nova checks when it fetches it."
_THREADS = ' VMware has no threads; they count as cores.'

ROWS = (
    row.Obeyed(
        image=props.names('guestos') + ('vmware_ostype',), section=GUEST,
        about="An id of VMware's; see :doc:`vmx`."),
    row.Obeyed(
        image=('os_distro',), section=GUEST,
        about='Together with ``os_version``, it chooses the id.'),
    row.Obeyed(
        image=('os_version',), section=GUEST,
        about='The version of ``os_distro`` or of Windows.'),
    row.Obeyed(
        image=('os_type',), section=GUEST,
        about='``linux`` or ``windows``, where nothing says more.'),
    row.Obeyed(
        image=('hw_architecture', 'architecture'), section=GUEST,
        about="Must be the host's. ``i686`` asks for a 32-bit id."),

    row.Obeyed(
        image=('vmrun_disk_bus',), kind=kinds.Word(props.DISK_BUSES),
        section=DISKS, about='The bus of the disks. With ``scsi`` the '
        'controller is chosen as for ``hw_disk_bus``.'),
    row.Obeyed(
        image=('hw_disk_bus',), kind=kinds.Word(props.NOVA_DISK_BUSES),
        section=DISKS, about='The bus of the disks. With ``scsi`` the '
        'controller is that of ``hw_scsi_model``, of ``vmware_adaptertype`` '
        "or the guest's default."),
    row.Obeyed(
        image=('hw_scsi_model',), kind=kinds.Word(props.SCSI_MODELS),
        section=DISKS,
        about='The SCSI controller. Alone it puts the disks on SCSI.'),
    row.Obeyed(
        image=('vmware_adaptertype',), kind=kinds.Word(props.ADAPTER_TYPES),
        section=DISKS, about="The disks' controller, in vSphere's words."),
    row.Obeyed(
        image=('hw_cdrom_bus',), kind=kinds.Word(props.NOVA_DISK_BUSES),
        section=DISKS, about='The bus of the CD drives.'),
    row.Obeyed(
        image=props.names('iso_images'), kind=kinds.ImageIds(True),
        section=DISKS, about='Each image becomes a CD drive.'),
    row.Obeyed(
        image=props.names('floppy_image'), kind=kinds.ImageIds(False),
        section=DISKS, about='The image becomes the floppy in the drive.'),
    row.Obeyed(
        image=props.names('tools_iso'), kind=kinds.Words(props.TOOLS_ISOS),
        section=DISKS, about="ISO images of VMware Tools from the product's "
        'own folder, each in a CD drive.'),
    row.Obeyed(
        image=props.names('cow') + ('img_linked_clone',
                                    'vmware_linked_clone'),
        kind=kinds.BOOLEAN, section=DISKS,
        about='Whether the disk refers to a shared base or is a full copy.'),
    row.Obeyed(
        image=props.names('ova_disk'), section=DISKS,
        about='Which disk of an OVA the image is, if several have content: '
        "the OVF's ``diskId``, or the name of the file. It cannot be changed "
        'once the image was used.'),
    row.Obeyed(
        image=props.DISK_TYPE_NAMES, kind=kinds.Word(props.DISK_TYPES),
        section=DISKS, about='What the image claims to be. The driver looks '
        'at the image itself, so this changes nothing.'),

    row.Obeyed(
        image=('hw_vif_model',), kind=kinds.Word(props.NIC_MODELS),
        section=NETWORK, about='The model of all network adapters.'),
    row.Obeyed(
        flavor=('quota:vif_inbound_average',), kind=kinds.Integer(1, 10 ** 8),
        section=NETWORK,
        about='The most that each adapter receives, in KB/s.'),
    row.Obeyed(
        flavor=('quota:vif_outbound_average',), kind=kinds.Integer(1, 10 ** 8),
        section=NETWORK, about='The most that each adapter sends, in KB/s.'),
    row.Obeyed(
        flavor=('quota:vif_limit',), kind=kinds.Integer(1, 10 ** 6),
        section=NETWORK, about='The most that each adapter receives and '
        "sends, in Mbit/s, as in Nova's vSphere driver. The averages win."),

    row.Obeyed(
        flavor=('vmware:hw_version',), section=FIRMWARE,
        about='The generation of the virtual hardware, ``vmx-10`` to the '
        'newest that the product runs, which is the default.'),
    row.Obeyed(
        image=('hw_firmware_type',), kind=kinds.Word(props.FIRMWARE),
        section=FIRMWARE, about='The firmware.'),
    row.Obeyed(
        image=('os_secure_boot',), flavor=('os:secure_boot',),
        kind=kinds.Word(props.SECURE_BOOT), section=FIRMWARE,
        about='Needs UEFI, which ``required`` brings with it unless '
        '``hw_firmware_type`` says otherwise.'),
    row.Obeyed(
        image=props.names('boot_order'), kind=kinds.Words(props.BOOT_DEVICES),
        section=FIRMWARE, about='The devices to boot from, in the order they '
        'are tried.'),

    *(row.Obeyed(
        image=('hw_cpu_' + part,), flavor=('hw:cpu_' + part,),
        kind=kinds.Integer(1, 1024), section=CPU,
        about='Preferred number of %s, met as far as the number of vCPUs '
        "allows. A flavor's preferences replace an image's.%s" % (what, more))
      for part, what, more in (
          ('sockets', 'sockets', ''), ('cores', 'cores of a socket', ''),
          ('threads', 'threads of a core', _THREADS))),
    *(row.Obeyed(
        image=('hw_cpu_max_' + part,), flavor=('hw:cpu_max_' + part,),
        kind=kinds.Integer(1, MAX_CPUS), section=CPU,
        about='Most %s. A flavor that cannot be divided so is refused. An '
        "image can only lower a flavor's limit." % what)
      for part, what in (
          ('sockets', 'sockets'), ('cores', 'cores of a socket'),
          ('threads', 'threads of a core'))),
    row.Obeyed(
        image=props.names('nested_hypervisor'), kind=kinds.BOOLEAN,
        section=CPU, about='The guest can run VMs of its own.'),

    row.Obeyed(
        image=('hw_video_ram',), kind=kinds.Integer(1, 256), section=DEVICES,
        about='Video memory in MiB, within ``hw_video:ram_max_mb`` of the '
        'flavor.'),
    row.Obeyed(
        flavor=('hw_video:ram_max_mb',), kind=kinds.Integer(0, 10 ** 6),
        section=DEVICES, about='The most video memory that an image can ask '
        'for, in MiB; 0 by default.'),
    row.Obeyed(
        image=('hw_serial_port_count',), flavor=('hw:serial_port_count',),
        kind=kinds.Integer(0, 4), section=DEVICES,
        about='Number of serial ports, 1 by default. The first is the '
        "console log. An image can only lower a flavor's number."),
    row.Obeyed(
        image=('hw_usb_model',), flavor=('hw:usb_model',),
        kind=kinds.Word(props.USB), section=DEVICES,
        about="USB controller. Both models are VMware's xHCI."),
    row.Obeyed(
        image=props.names('show_gui'), kind=kinds.BOOLEAN, section=DEVICES,
        about='A window on the host, if ``[vmrun] show_gui`` allows it.'),

    row.Obeyed(
        image=('hw_rescue_device',), section=RESCUE,
        kind=kinds.Word({word: word for word in ('disk', 'cdrom', 'floppy')}),
        about='Of the rescue image: what it is attached as.'),
    row.Obeyed(
        image=('hw_rescue_bus',), section=RESCUE,
        kind=kinds.Word({word: word for word in ('ide', 'sata', 'scsi')}),
        about='Of the rescue image: the bus it is attached to.'),

    row.Obeyed(
        image=('img_config_drive',), section=NOVA,
        about='``mandatory`` gives each server of the image a config drive.'),
    row.Obeyed(
        image=('os_shutdown_timeout',), section=NOVA,
        about='Seconds that the guest gets to shut down.'),
    row.Obeyed(
        image=('img_signature', 'img_signature_certificate_uuid',
               'img_signature_hash_method', 'img_signature_key_type'),
        section=NOVA, about=_SIGNATURE),
    row.Obeyed(
        image=('img_block_device_mapping', 'block_device_mapping',
               'img_bdm_v2', 'bdm_v2', 'img_mappings', 'mappings',
               'img_root_device_name', 'root_device_name'),
        section=NOVA, about=_API),
    row.Obeyed(
        image=('img_hv_requested_version', 'hypervisor_version_requires'),
        section=NOVA, about=_SCHEDULER),
    row.Obeyed(
        image=('trait:*',), flavor=('trait*', 'resources*', 'group_policy',
                                    'capabilities:*',
                                    'aggregate_instance_extra_specs:*'),
        section=NOVA, about=_SCHEDULER),
)
