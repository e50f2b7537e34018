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

"""The default hardware of each kind of guest.

It follows the wizards of VMware's products and the drivers that guests have
before VMware Tools are installed.
"""

from collections.abc import Mapping
import dataclasses


@dataclasses.dataclass(frozen=True)
class Profile:
    """Defaults of a kind of guest.

    :ivar family: name of the template
    :ivar disk_bus: a bus of nova_vmrun.machine.model
    :ivar scsi: the SCSI controller if a property only asks for SCSI
    :ivar one_socket: whether all cores go into one socket
    :ivar local_time: whether it takes its hardware clock to show the time of
        its time zone, as Windows does, rather than UTC
    """

    family: str
    firmware: str
    disk_bus: str
    cdrom_bus: str
    nic_model: str
    scsi: str = 'lsilogic'
    usb: str = 'none'
    secure_boot: bool = False
    nested: bool = False
    one_socket: bool = False
    local_time: bool = False

    @property
    def options(self) -> Mapping[str, object]:
        """Its defaults for fields of nova_vmrun.catalog.options."""
        return {'usb': self.usb, 'nested': self.nested}


PROFILES = {
    'linux': Profile('linux', 'bios', 'lsilogic', 'sata', 'e1000'),
    'linux-legacy': Profile(
        'linux-legacy', 'bios', 'lsilogic', 'ide', 'e1000'),
    # Desktop editions of Windows use at most two sockets, so all cores of a
    # server go into one.
    'windows-11': Profile(
        'windows-11', 'efi', 'nvme', 'sata', 'e1000e', 'lsisas1068',
        secure_boot=True, one_socket=True, local_time=True),
    'windows-10': Profile(
        'windows-client', 'efi', 'nvme', 'sata', 'e1000e', 'lsisas1068',
        one_socket=True, local_time=True),
    'windows-8': Profile(
        'windows-client', 'bios', 'lsisas1068', 'sata', 'e1000e',
        'lsisas1068', one_socket=True, local_time=True),
    'windows-7': Profile(
        'windows-client', 'bios', 'lsisas1068', 'sata', 'e1000',
        'lsisas1068', one_socket=True, local_time=True),
    'windows-2016': Profile(
        'windows-server', 'efi', 'lsisas1068', 'sata', 'e1000e',
        'lsisas1068', local_time=True),
    'windows-2012': Profile(
        'windows-server', 'bios', 'lsisas1068', 'sata', 'e1000e',
        'lsisas1068', local_time=True),
    'windows-2008': Profile(
        'windows-server', 'bios', 'lsisas1068', 'sata', 'e1000',
        'lsisas1068', local_time=True),
    'windows-2003-64': Profile(
        'windows-legacy', 'bios', 'lsilogic', 'ide', 'e1000',
        local_time=True),
    'windows-2003': Profile(
        'windows-legacy', 'bios', 'lsilogic', 'ide', 'vlance',
        local_time=True),
    # XP and older have no driver for VMware's LSI controllers.
    'windows-xp-64': Profile(
        'windows-legacy', 'bios', 'ide', 'ide', 'e1000', 'buslogic',
        one_socket=True, local_time=True),
    'windows-xp': Profile(
        'windows-legacy', 'bios', 'ide', 'ide', 'vlance', 'buslogic',
        one_socket=True, local_time=True),
    'bsd': Profile('bsd', 'bios', 'lsilogic', 'sata', 'e1000'),
    'solaris-11': Profile(
        'solaris', 'bios', 'lsisas1068', 'sata', 'e1000', 'lsisas1068'),
    'solaris-10': Profile('solaris', 'bios', 'lsilogic', 'ide', 'e1000'),
    'solaris-9': Profile('solaris', 'bios', 'ide', 'ide', 'vlance'),
    'darwin': Profile('darwin', 'efi', 'sata', 'sata', 'e1000e', usb='xhci'),
    # ESXi 7 dropped the drivers of the LSI controllers.
    'esxi-7': Profile(
        'esxi', 'efi', 'pvscsi', 'sata', 'vmxnet3', 'pvscsi', nested=True),
    'esxi-6': Profile(
        'esxi', 'bios', 'lsilogic', 'sata', 'e1000e', nested=True),
    'other-64': Profile('other', 'bios', 'lsilogic', 'ide', 'e1000'),
    'other': Profile('other', 'bios', 'ide', 'ide', 'vlance'),
    # Apple silicon has no IDE, no floppy drive and no BIOS, and its guests
    # need USB 3 for the keyboard.
    'arm': Profile(
        'arm', 'efi', 'nvme', 'sata', 'e1000e', 'pvscsi', usb='xhci'),
    'arm-windows': Profile(
        'arm', 'efi', 'nvme', 'sata', 'vmxnet3', 'pvscsi', usb='xhci',
        one_socket=True, local_time=True),
}
