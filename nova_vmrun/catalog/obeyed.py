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

MAX_CPUS = 65536
_SCHEDULER = "Used by Nova's scheduler to choose the host."
_API = "Read by Nova's API. Volumes are refused."
_SIGNATURE = 'Signature of the image, which Nova checks when downloading it.'
_THREADS = ' VMware has no threads, so they count as cores.'

ROWS = (
    row.Obeyed(
        image=props.names('guestos') + ('vmware_ostype',), section=GUEST,
        about='A VMware guest OS identifier; see :doc:`vmx`.'),
    row.Obeyed(
        image=('os_distro',), section=GUEST,
        about='With ``os_version``, selects the guest OS identifier.'),
    row.Obeyed(
        image=('os_version',), section=GUEST,
        about='The version of ``os_distro`` or of Windows.'),
    row.Obeyed(
        image=('os_type',), section=GUEST,
        about='``linux`` or ``windows``; used if nothing is more specific.'),
    row.Obeyed(
        image=('hw_architecture', 'architecture'), section=GUEST,
        about="Must match the host's architecture. ``i686`` selects a 32-bit "
        'guest OS identifier.'),

    row.Obeyed(
        image=('vmrun_disk_bus',), kind=kinds.Word(props.DISK_BUSES),
        section=DISKS, about='Bus of the disks. For ``scsi``, the '
        'controller is chosen as for ``hw_disk_bus``.'),
    row.Obeyed(
        image=('hw_disk_bus',), kind=kinds.Word(props.NOVA_DISK_BUSES),
        section=DISKS, about='Bus of the disks. For ``scsi``, the '
        'controller comes from ``hw_scsi_model``, from '
        "``vmware_adaptertype``, or from the guest's default."),
    row.Obeyed(
        image=('hw_scsi_model',), kind=kinds.Word(props.SCSI_MODELS),
        section=DISKS,
        about='SCSI controller. On its own, it also puts the disks on SCSI.'),
    row.Obeyed(
        image=('vmware_adaptertype',), kind=kinds.Word(props.ADAPTER_TYPES),
        section=DISKS, about="Controller of the disks, in vSphere's terms."),
    row.Obeyed(
        image=('hw_cdrom_bus',), kind=kinds.Word(props.NOVA_DISK_BUSES),
        section=DISKS, about='Bus of the CD drives.'),
    row.Obeyed(
        image=props.names('iso_images'), kind=kinds.ImageIds(True),
        section=DISKS, about='Images to attach, each in its own CD drive.'),
    row.Obeyed(
        image=props.names('floppy_image'), kind=kinds.ImageIds(False),
        section=DISKS, about='Image to insert in the floppy drive.'),
    row.Obeyed(
        image=props.names('tools_iso'), kind=kinds.Words(props.TOOLS_ISOS),
        section=DISKS, about="VMware Tools ISO images from the product's "
        'install folder, each in its own CD drive.'),
    row.Obeyed(
        image=props.names('cow') + ('img_linked_clone',
                                    'vmware_linked_clone'),
        kind=kinds.BOOLEAN, section=DISKS,
        about='Whether the root disk is linked to a shared base or is a full '
        'copy.'),
    row.Obeyed(
        image=props.names('ova_disk'), section=DISKS,
        about='Which disk of an OVA to use if several have content: the '
        "``diskId`` in the OVF, or the file name. It cannot be changed once "
        'the image has been used.'),
    row.Obeyed(
        image=props.DISK_TYPE_NAMES, kind=kinds.Word(props.DISK_TYPES),
        section=DISKS, about='Type that the image claims to have. It has no '
        'effect, because the driver inspects the image itself.'),

    row.Obeyed(
        image=('hw_vif_model',), kind=kinds.Word(props.NIC_MODELS),
        section=NETWORK, about='Model of all network adapters.'),
    row.Obeyed(
        flavor=('quota:vif_inbound_average',), kind=kinds.Integer(1, 10 ** 8),
        section=NETWORK,
        about='Receive limit of each adapter, in KB/s.'),
    row.Obeyed(
        flavor=('quota:vif_outbound_average',), kind=kinds.Integer(1, 10 ** 8),
        section=NETWORK, about='Send limit of each adapter, in KB/s.'),
    row.Obeyed(
        flavor=('quota:vif_limit',), kind=kinds.Integer(1, 10 ** 6),
        section=NETWORK, about='Receive and send limit of each adapter, in '
        "Mbit/s, as in Nova's vSphere driver. The averages take precedence."),

    row.Obeyed(
        flavor=('vmware:hw_version',), section=FIRMWARE,
        about='Virtual hardware version, from ``vmx-10`` to the newest one '
        'that the product supports, which is the default.'),
    row.Obeyed(
        image=('hw_firmware_type',), kind=kinds.Word(props.FIRMWARE),
        section=FIRMWARE, about='Firmware of the VM.'),
    row.Obeyed(
        image=('os_secure_boot',), flavor=('os:secure_boot',),
        kind=kinds.Word(props.SECURE_BOOT), section=FIRMWARE,
        about='Needs UEFI. ``required`` selects UEFI unless '
        '``hw_firmware_type`` says otherwise.'),
    row.Obeyed(
        image=props.names('boot_order'), kind=kinds.Words(props.BOOT_DEVICES),
        section=FIRMWARE, about='Devices to boot from, in order.'),

    *(row.Obeyed(
        image=('hw_cpu_' + part,), flavor=('hw:cpu_' + part,),
        kind=kinds.Integer(1, 1024), section=CPU,
        about='Preferred number of %s, used as far as the number of vCPUs '
        'allows. The preferences of a flavor override those of an image.%s'
        % (what, more))
      for part, what, more in (
          ('sockets', 'sockets', ''), ('cores', 'cores of a socket', ''),
          ('threads', 'threads of a core', _THREADS))),
    *(row.Obeyed(
        image=('hw_cpu_max_' + part,), flavor=('hw:cpu_max_' + part,),
        kind=kinds.Integer(1, MAX_CPUS), section=CPU,
        about='Maximum number of %s. A flavor whose vCPUs cannot be arranged '
        "this way is refused. An image can only lower a flavor's limit."
        % what)
      for part, what in (
          ('sockets', 'sockets'), ('cores', 'cores of a socket'),
          ('threads', 'threads of a core'))),
    row.Obeyed(
        image=props.names('nested_hypervisor'), kind=kinds.BOOLEAN,
        section=CPU, about='Lets the guest run its own VMs.'),

    row.Obeyed(
        image=('hw_video_ram',), kind=kinds.Integer(1, 256), section=DEVICES,
        about="Video memory in MiB, up to the flavor's "
        '``hw_video:ram_max_mb``.'),
    row.Obeyed(
        flavor=('hw_video:ram_max_mb',), kind=kinds.Integer(0, 10 ** 6),
        section=DEVICES, about='Maximum video memory that an image can ask '
        'for, in MiB; 0 by default.'),
    row.Obeyed(
        image=('hw_serial_port_count',), flavor=('hw:serial_port_count',),
        kind=kinds.Integer(0, 4), section=DEVICES,
        about='Number of serial ports, 1 by default. The first one is the '
        "console log. An image can only lower a flavor's number."),
    row.Obeyed(
        image=('hw_usb_model',), flavor=('hw:usb_model',),
        kind=kinds.Word(props.USB), section=DEVICES,
        about="USB controller. Both models give VMware's xHCI."),
    row.Obeyed(
        image=props.names('show_gui'), kind=kinds.BOOLEAN, section=DEVICES,
        about='Open a window on the host, if ``[vmrun] show_gui`` allows it.'),

    row.Obeyed(
        image=('hw_rescue_device',), section=RESCUE,
        kind=kinds.Word({word: word for word in ('disk', 'cdrom', 'floppy')}),
        about='Device type that the rescue image is attached as.'),
    row.Obeyed(
        image=('hw_rescue_bus',), section=RESCUE,
        kind=kinds.Word({word: word for word in ('ide', 'sata', 'scsi')}),
        about='Bus that the rescue image is attached to.'),

    row.Obeyed(
        image=('img_config_drive',), section=NOVA,
        about='``mandatory`` gives each server of the image a config drive.'),
    row.Obeyed(
        image=('os_shutdown_timeout',), section=NOVA,
        about='Time for the guest to shut down, in seconds.'),
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
