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

The order is the same everywhere: a property of ours (vmrun_), the
predecessor's (vix_), Nova's own (hw_, os_), Nova's legacy names (vmware_),
and then the defaults of the guest operating system. Flavors win over images
where Nova says so.
"""

import dataclasses

from nova_vmrun import exception
from nova_vmrun.formats import cpu_topology
from nova_vmrun.formats import guestos as guests
from nova_vmrun.formats import machine as machines
from nova_vmrun.formats import profiles
from nova_vmrun.formats import properties as props

# Generations of virtual hardware that bring a device.
_NVME_SINCE = 13
_SECURE_BOOT_SINCE = 14

_ARM_NIC_MODELS = ('e1000e', 'vmxnet3')
_ARM_DISK_BUSES = ('nvme', 'sata', 'pvscsi')
_DEFAULT_BOOT_ORDER = ('hdd', 'cdrom', 'floppy')
_MAX_VIDEO_RAM_MB = 256
_MAX_SERIAL_PORTS = machines.MAX_SERIALS
_TPM = ('hw_tpm_model', 'hw_tpm_version', 'hw:tpm_model', 'hw:tpm_version')

# Simple switches: field, image property, flavor extra specs, default.
_SWITCHES = (
    ('hide_hypervisor', 'img_hide_hypervisor_id',
     ('hide_hypervisor_id', 'hw:hide_hypervisor_id'), False),
    ('pmu', 'hw_pmu', ('hw:pmu',), False),
    ('hpet', 'hw_time_hpet', ('hw:time_hpet',), True),
    ('boot_menu', 'hw_boot_menu', ('hw:boot_menu',), False),
)
_MACHINE_FIELDS = (
    'cores_per_socket', 'firmware', 'secure_boot', 'nested',
    'hide_hypervisor', 'pmu', 'hpet', 'boot_menu', 'boot_order',
    'video_ram_mb', 'usb', 'sound')


@dataclasses.dataclass(frozen=True)
class Hardware:
    """What properties and defaults ask for.

    :ivar disk_bus: bus of the disks, one of machine.BUSES
    :ivar cdrom_bus: bus of CD drives
    :ivar nic_model: one of machine.NIC_MODELS
    :ivar cores_per_socket: or None
    :ivar video_ram_mb: MiB, or None
    :ivar serial_ports: how many
    :ivar nic_rx_kbps: limit of what the guest receives, kbit/s, or None
    :ivar nic_tx_kbps: limit of what the guest sends, kbit/s, or None
    :ivar linked_clone: whether the image insists on (or forbids) a linked
        disk, or None
    :ivar disk_type: what vmware_disktype says of the image, or None
    :ivar iso_images: ids of images, each to be a CD drive
    :ivar floppy_image: id of an image, or None
    :ivar tools_isos: file names in the product's folder of ISO images
    :ivar unsupported: flavor keys that VMware's desktop products cannot obey
    :ivar origins: names of these fields to a phrase that says what set them
    """

    disk_bus: str
    cdrom_bus: str
    nic_model: str
    firmware: str
    secure_boot: bool
    nested: bool
    hide_hypervisor: bool
    pmu: bool
    hpet: bool
    boot_menu: bool
    boot_order: tuple
    cores_per_socket: int
    video_ram_mb: int
    serial_ports: int
    usb: str
    sound: str
    nic_rx_kbps: int
    nic_tx_kbps: int
    linked_clone: bool
    disk_type: str
    iso_images: tuple
    floppy_image: str
    tools_isos: tuple
    unsupported: tuple
    origins: dict

    def machine_fields(self):
        """What goes into a Machine as it is, origins included."""
        fields = {name: getattr(self, name) for name in _MACHINE_FIELDS}
        fields['origins'] = dict(self.origins)
        return fields


def choose(properties, extra_specs, guest, vcpus, hw_version=20):
    """Chooses the hardware of a server.

    :param properties: mapping of image properties to text, as the image or
        instance.system_metadata has them
    :param extra_specs: mapping of the flavor's extra specs to text
    :param guest: a GuestOS
    :param vcpus: of the flavor
    :param hw_version: virtualHW.version
    :returns: a Hardware
    :raises InvalidProperty: a value outside its table, or one that another
        contradicts
    """
    props.refuse_unknown(properties)
    _refuse_tpm(properties, extra_specs)
    return _Chooser(properties, extra_specs, guest, vcpus, hw_version).all()


def _refuse_tpm(properties, extra_specs):
    for values in (properties, extra_specs):
        name, value = props.first(values, _TPM)
        if name:
            raise exception.InvalidProperty(
                name, value, 'A virtual TPM needs an encrypted VM, and only '
                "VMware's own window can make one.",
                'Remove the property.')


class _Chooser:
    """Fills a Hardware field by field, noting where each came from."""

    def __init__(self, properties, extra_specs, guest, vcpus, hw_version):
        self._properties = properties
        self._specs = extra_specs
        self._guest = guest
        self._profile = profiles.PROFILES[guest.profile]
        self._vcpus = vcpus
        self._hw_version = hw_version
        self._values = {}
        self._origins = {'guestos': guest.origin}
        self._default_origin = 'default of %s guests' % self._profile.family

    def all(self):
        self._disk_bus()
        self._cdrom_bus()
        self._nic_model()
        self._firmware()
        self._nested()
        self._switches()
        self._boot_order()
        self._cores()
        self._video_ram()
        self._serial_ports()
        self._usb_and_sound()
        self._nic_limits()
        self._image_handling()
        unsupported = tuple(sorted(
            key for key in self._specs
            if key.startswith('quota:') and key not in _OBEYED_QUOTAS))
        return Hardware(unsupported=unsupported, origins=self._origins,
                        **self._values)

    def _set(self, field, value, origin=None):
        self._values[field] = value
        self._origins[field] = origin or self._default_origin

    def _set_from(self, field, kind, name, value, shown):
        self._set(field, value, '%s %s=%s' % (kind, name, shown))

    def _image(self, *candidates):
        return props.first(self._properties, candidates)

    def _is_arm(self):
        return self._guest.arch == guests.AARCH64

    # -- disks and drives --

    def _disk_bus(self):
        name, value = self._image('vmrun_disk_bus')
        if name:
            bus = props.one_of(name, value, props.DISK_BUSES)
        else:
            name, bus = self._nova_disk_bus()
        if bus == 'scsi':
            name, bus = self._scsi_model(name)
        if name is None:
            bus = self._profile.disk_bus
            if bus == 'nvme' and self._hw_version < _NVME_SINCE:
                bus = 'sata'
            self._set('disk_bus', bus)
            return
        self._check_bus(name, bus)
        self._set_from('disk_bus', 'image property', name, bus,
                       self._properties[name])

    def _nova_disk_bus(self):
        name, value = self._image('hw_disk_bus')
        if name:
            return name, props.one_of(name, value, props.NOVA_DISK_BUSES)
        name, value = self._image('vmware_adaptertype')
        if name:
            return name, props.one_of(name, value, props.ADAPTER_TYPES)
        if self._image('hw_scsi_model')[0]:
            return 'hw_scsi_model', 'scsi'
        return None, None

    def _scsi_model(self, asked_by):
        """Finds the controller for those who ask for SCSI alone."""
        for name in ('hw_scsi_model', 'vmware_adaptertype'):
            value = self._properties.get(name, '')
            if value and value.lower() != 'ide':
                return name, props.one_of(name, value, props.SCSI_MODELS)
        return asked_by, self._profile.scsi

    def _check_bus(self, name, bus):
        reason = None
        if bus == 'nvme' and self._hw_version < _NVME_SINCE:
            reason = 'NVMe needs virtual hardware %d.' % _NVME_SINCE
        elif self._is_arm() and bus not in _ARM_DISK_BUSES:
            reason = 'Apple silicon has no such controller.'
        if reason:
            raise exception.InvalidProperty(
                name, self._properties[name], reason, 'Use sata.')

    def _cdrom_bus(self):
        name, value = self._image('hw_cdrom_bus')
        if not name:
            self._set('cdrom_bus', self._profile.cdrom_bus)
            return
        bus = props.one_of(name, value, props.NOVA_DISK_BUSES)
        if bus == 'scsi':
            bus = self._profile.scsi
            if self._values['disk_bus'] in machines.SCSI_BUSES:
                bus = self._values['disk_bus']
        self._check_bus(name, bus)
        self._set_from('cdrom_bus', 'image property', name, bus, value)

    # -- network --

    def _nic_model(self):
        name, value = self._image('hw_vif_model')
        if not name:
            self._set('nic_model', self._profile.nic_model)
            return
        model = props.one_of(name, value, props.NIC_MODELS)
        if self._is_arm() and model not in _ARM_NIC_MODELS:
            raise exception.InvalidProperty(
                name, value, 'Apple silicon has no such adapter.',
                'Use one of: %s.' % ', '.join(_ARM_NIC_MODELS))
        self._set_from('nic_model', 'image property', name, model, model)

    def _nic_limits(self):
        for field, key in (('nic_rx_kbps', 'quota:vif_inbound_average'),
                           ('nic_tx_kbps', 'quota:vif_outbound_average')):
            if key in self._specs:
                # Nova's unit is kilobytes per second.
                limit = 8 * props.integer(key, self._specs[key], 1, 10 ** 8)
                self._set_from(field, 'flavor', key, limit, limit // 8)
            elif 'quota:vif_limit' in self._specs:
                # Megabits per second, as Nova's vSphere driver has it.
                limit = 1000 * props.integer(
                    'quota:vif_limit', self._specs['quota:vif_limit'],
                    1, 10 ** 6)
                self._set_from(field, 'flavor', 'quota:vif_limit', limit,
                               limit // 1000)
            else:
                self._set(field, None)

    # -- firmware and CPU --

    def _firmware(self):
        name, value = self._image('hw_firmware_type')
        firmware, origin = self._profile.firmware, None
        if name:
            firmware = props.one_of(name, value, props.FIRMWARE)
            origin = 'image property %s=%s' % (name, value.lower())
            if firmware == 'bios' and self._is_arm():
                raise exception.InvalidProperty(
                    name, value, 'Apple silicon has UEFI only.', 'Use uefi.')
        secure, secure_origin = self._secure_boot(
            firmware, may_change=name is None)
        if secure and firmware == 'bios':
            firmware, origin = 'efi', secure_origin
        self._set('firmware', firmware, origin)
        self._set('secure_boot', secure, secure_origin)

    def _secure_boot(self, firmware, may_change):
        kind, values = 'flavor', self._specs
        name, value = props.first(self._specs, ('os:secure_boot',))
        if not name:
            kind, values = 'image property', self._properties
            name, value = self._image('os_secure_boot')
        possible = not self._is_arm() and (
            self._hw_version >= _SECURE_BOOT_SINCE)
        if not name:
            return (self._profile.secure_boot and firmware == 'efi' and
                    possible), None
        policy = props.one_of(name, value, props.SECURE_BOOT)
        origin = '%s %s=%s' % (kind, name, policy)
        if policy == 'required':
            if not possible or (firmware == 'bios' and not may_change):
                raise exception.InvalidProperty(
                    name, values[name], 'Secure boot needs UEFI firmware and '
                    'virtual hardware %d.' % _SECURE_BOOT_SINCE,
                    'Set hw_firmware_type=uefi.')
            return True, origin
        return (policy == 'optional' and firmware == 'efi' and
                possible), origin

    def _nested(self):
        name, value = self._image(*props.names('nested_hypervisor'))
        if name:
            nested = props.boolean(name, value)
            self._set_from('nested', 'image property', name, nested, nested)
        elif self._guest.id in profiles.NESTED_GUESTS:
            self._set('nested', True, 'guest %s' % self._guest.id)
        else:
            self._set('nested', self._profile.nested)

    def _switches(self):
        for field, image_name, spec_names, default in _SWITCHES:
            kind = 'flavor'
            name, value = props.first(self._specs, spec_names)
            if not name:
                kind = 'image property'
                name, value = self._image(image_name)
            if name:
                value = props.boolean(name, value)
                self._set_from(field, kind, name, value, value)
            else:
                self._set(field, default, 'default')

    def _cores(self):
        cores, origin = cpu_topology.cores_per_socket(
            self._vcpus, self._properties, self._specs)
        if cores is None and self._profile.one_socket and self._vcpus > 1:
            cores = self._vcpus
        self._set('cores_per_socket', cores, origin)

    # -- the rest --

    def _boot_order(self):
        name, value = self._image(*props.names('boot_order'))
        if not name:
            self._set('boot_order', _DEFAULT_BOOT_ORDER, 'default')
            return
        order = props.words(name, value, props.BOOT_DEVICES)
        self._set_from('boot_order', 'image property', name, order,
                       ','.join(order))

    def _video_ram(self):
        name, value = self._image('hw_video_ram')
        if not name:
            self._set('video_ram_mb', None)
            return
        key = 'hw_video:ram_max_mb'
        limit = props.integer(key, self._specs.get(key, '0'), 0, 10 ** 6)
        asked = props.integer(name, value, 1, _MAX_VIDEO_RAM_MB)
        if asked > limit:
            raise exception.InvalidProperty(
                name, value, 'The flavor allows %d MiB.' % limit,
                "Set the flavor's %s." % key)
        self._set_from('video_ram_mb', 'image property', name, asked, asked)

    def _serial_ports(self):
        key, allowed = props.first(self._specs, ('hw:serial_port_count',))
        name, asked = self._image('hw_serial_port_count')
        if key:
            allowed = props.integer(key, allowed, 0, _MAX_SERIAL_PORTS)
        if name:
            asked = props.integer(name, asked, 0, _MAX_SERIAL_PORTS)
            if key and asked > allowed:
                raise exception.InvalidProperty(
                    name, asked, 'The flavor allows %d.' % allowed,
                    'Ask for fewer serial ports.')
            self._set_from('serial_ports', 'image property', name, asked,
                           asked)
        elif key:
            self._set_from('serial_ports', 'flavor', key, allowed, allowed)
        else:
            self._set('serial_ports', 1, 'default')

    def _usb_and_sound(self):
        name, value = self._image('hw_usb_model')
        if name:
            usb = props.one_of(name, value, props.USB)
            self._set_from('usb', 'image property', name, usb, usb)
        else:
            self._set('usb', self._profile.usb)
        name, value = self._image('hw_sound_model')
        if name:
            sound = props.one_of(name, value, props.SOUND)
            self._set_from('sound', 'image property', name, sound, sound)
        else:
            self._set('sound', None, 'default')

    def _image_handling(self):
        name, value = self._image(
            *props.names('cow'), 'img_linked_clone', 'vmware_linked_clone')
        self._set('linked_clone',
                  props.boolean(name, value) if name else None, name)
        name, value = self._image('hw_disk_type', 'vmware_disktype')
        self._set('disk_type', props.one_of(name, value, props.DISK_TYPES)
                  if name else None, name)
        name, value = self._image(*props.names('iso_images'))
        self._set('iso_images',
                  props.image_ids(name, value) if name else (), name)
        name, value = self._image(*props.names('floppy_image'))
        if name:
            self._set('floppy_image', self._one_image(name, value), name)
        else:
            self._set('floppy_image', None)
        self._tools_isos()

    def _one_image(self, name, value):
        ids = props.image_ids(name, value)
        if len(ids) != 1:
            raise exception.InvalidProperty(name, value, 'There is one '
                                            'floppy drive.', 'Name one image.')
        if self._is_arm():
            raise exception.InvalidProperty(
                name, value, 'Apple silicon has no floppy drive.',
                'Use an ISO image.')
        return ids[0]

    def _tools_isos(self):
        name, value = self._image(
            'vmrun_tools_iso', 'vmrun_tools', *props.OWN['tools_iso'])
        found = ()
        if name:
            found = tuple(iso + '.iso' for iso in props.words(
                name, value, props.TOOLS_ISOS))
        self._set('tools_isos', found, name)


_OBEYED_QUOTAS = frozenset([
    'quota:vif_inbound_average', 'quota:vif_outbound_average',
    'quota:vif_limit'])
