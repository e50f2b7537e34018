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

import dataclasses

from nova_vmrun import exception
from nova_vmrun.machine import model
from tests.unit.machine import base


class RoundMemoryTestCase(base.TestCase):

    def test_next_multiple_of_four(self):
        self.assertEqual([4, 4, 8, 2048, 2052], [
            model.round_memory(size) for size in (1, 4, 5, 2048, 2049)])


class ValidateTestCase(base.TestCase):

    def _refused(self, *parts, **fields):
        error = self.assertRaises(
            model.InvalidMachine, model.validate,
            base.make_machine(**fields))
        for part in parts:
            self.assertIn(part, str(error))

    def _nic(self, **fields):
        nic = model.Nic('fa:16:3e:00:00:01', 'e1000', 'nat')
        return dataclasses.replace(nic, **fields)

    def test_a_valid_machine(self):
        model.validate(base.make_machine(
            name='"a" | 中 \t', nics=(self._nic(),), cores_per_socket=2,
            disks=(model.Disk('a.vmdk', 'nvme'),),
            cdroms=(model.Cdrom(None, 'ide'),),
            serials=(model.Serial('file', 'console.log'),),
            vnc=model.Vnc('127.0.0.1', 5900, 'de')))

    def test_memory(self):
        self._refused('multiple of 4', '2052', memory_mb=2049)
        self._refused('out of range', memory_mb=0)
        self._refused('out of range', memory_mb=model.MAX_MEMORY_MB + 4)

    def test_vcpus(self):
        self._refused('0 virtual CPUs', vcpus=0)
        self._refused('1 to 32 on virtual hardware 20', vcpus=33)
        self._refused('1 to 16 on virtual hardware 16', vcpus=17,
                      hw_version=16)
        model.validate(base.make_machine(vcpus=33, hw_version=22))

    def test_cores_must_divide_vcpus(self):
        self._refused('sockets of 3', vcpus=4, cores_per_socket=3)
        self._refused('sockets of 0', vcpus=4, cores_per_socket=0)

    def test_names_outside_their_range(self):
        self._refused("firmware cannot be 'uefi'", firmware='uefi')
        self._refused('boot device', boot_order=('usb',))
        self._refused('bus of a disk', disks=(model.Disk('a', 'virtio'),))
        self._refused('CD drive', cdroms=(model.Cdrom('a', 'nvme'),))
        self._refused('usb', options={'usb': 'usb3'})
        self._refused('sound', options={'sound': 'ac97'})
        self._refused('name of an option', options={'theremin': True})
        self._refused('keyboard',
                      vnc=model.Vnc('127.0.0.1', 5900, 'klingon'))
        self._refused('TCP port', vnc=model.Vnc('127.0.0.1', 0))
        self._refused('UUID', uuid='42')

    def test_secure_boot_needs_uefi(self):
        self._refused('UEFI', secure_boot=True)

    def test_nics(self):
        self._refused('MAC address', nics=(self._nic(mac='fa:16:3e'),))
        # Its first bit makes it the address of a group.
        self._refused('MAC address',
                      nics=(self._nic(mac='01:00:5e:00:00:01'),))
        self._refused('reserves MAC addresses',
                      nics=(self._nic(mac='00:0C:29:00:00:01'),))
        self._refused('Two network adapters', nics=(
            self._nic(), self._nic(mac='FA:16:3E:00:00:01')))
        self._refused('model', nics=(self._nic(model='virtio'),))
        self._refused('connection', nics=(self._nic(connection='team'),))
        self._refused('virtual network',
                      nics=(self._nic(connection='custom'),))
        self._refused('virtual network', nics=(
            self._nic(connection='custom', vnet='../vmnet8'),))
        for segment in (None, '', '10b5f867-de2d-4436-952c-7f4416b3948e',
                        '52 54 ab 10 00 00 00 00-00 00 00 00 00 00 00'):
            self._refused('LAN segment', nics=(
                self._nic(connection='pvn', segment=segment),))
        self._refused('11 network adapters', nics=tuple(
            self._nic(mac='fa:16:3e:00:00:%02x' % n) for n in range(11)))

    def test_serial_ports(self):
        self._refused('kind', serials=(model.Serial('tcp', 'a'),))
        self._refused('5 serial ports',
                      serials=(model.Serial('file', 'a'),) * 5)
        self._refused('5 serial ports', agent_socket='/i/agent',
                      serials=(model.Serial('file', 'a'),) * 4)

    def test_control_characters_in_every_text(self):
        for fields in (
                {'name': 'a\nb'}, {'machine_id': 'a\0'},
                {'guestinfo': {'a': 'b\r'}}, {'floppy': 'a\x1b'},
                {'disks': (model.Disk('a\n', 'sata'),)},
                {'cdroms': (model.Cdrom('a\n', 'sata'),)},
                {'serials': (model.Serial('file', 'a\n'),)},
                {'agent_socket': '/i/a\n'},
                {'serials': (model.Serial('network', 'a',
                                          proxy='b\n'),)}):
            self.assertRaises(exception.InvalidText, model.validate,
                              base.make_machine(**fields))

    def test_a_long_name(self):
        self._refused('256 characters', name='x' * 256)

    def test_names_of_guestinfo(self):
        for name in ('', 'a b', 'a=', 'a\n', '.a', 'a..b', 'ä'):
            self._refused('guestinfo', guestinfo={name: 'x'})
