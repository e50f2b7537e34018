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

"""``nova-vmrun vmx render``: print the .vmx that a server would get.

Separate from the other vmx commands to keep it fast: it prints plain text and
does not need their table formatters.
"""

import argparse
from collections import abc
import dataclasses
import json
import uuid

from cliff import app
from cliff import command

from nova_vmrun.cmd import plain
from nova_vmrun.formats import guestos
from nova_vmrun.formats import identity
from nova_vmrun.machine.choices import generation
from nova_vmrun.machine import hardware
from nova_vmrun.machine import model
from nova_vmrun.machine import render
from nova_vmrun.server import disks

_EXAMPLE_MAC = 'fa:16:3e:00:00:01'
# Namespace of the uuids of servers that are only rendered, so that the same
# command always prints the same text.
_NAMESPACE = uuid.UUID('6d0e8f0c-2c55-5d4b-9a55-3f6f1c1f7a10')
_FLAVOR = {'vcpus': 1, 'ram': 2048, 'disk': 20, 'ephemeral': 0, 'swap': 0}
_CONNECTIONS = ('bridged', 'nat', 'hostonly')
_VNC_PORT = 5900
_AGENT_SOCKET = '/var/lib/nova/instances/agent'
# Virtual hardware of Workstation 17 and Fusion 13.
_HW_VERSION = 20


def _flavor(text: str) -> dict[str, int]:
    flavor = dict(_FLAVOR)
    for part in text.split(','):
        key, value = plain.pair(part)
        if key not in flavor or not value.isdecimal():
            raise argparse.ArgumentTypeError(
                '%r is not KEY=NUMBER with one of the keys %s'
                % (part, ', '.join(flavor)))
        flavor[key] = int(value)
    return flavor


def _nic(text: str) -> model.Nic:
    mac, _, network = text.partition(',')
    network = network or 'nat'
    if network in _CONNECTIONS:
        return model.Nic(mac, '', network)
    try:
        segment = identity.to_segment(network)
    except ValueError:
        return model.Nic(mac, '', 'custom', network)
    return model.Nic(mac, '', model.SEGMENT, segment=segment)


class Render(plain.Plain, command.Command):
    """Print the .vmx that a server would get.

    Starts nothing and needs neither Nova nor VMware. Each line ends with a
    comment that says what set it.
    """

    # For a command that knows its name, cliff searches all installed packages
    # for plug-ins, and again for the package it belongs to. Both take longer
    # than rendering.
    def __init__(self, app: app.App, app_args: argparse.Namespace) -> None:
        super().__init__(app, app_args)

    def get_epilog(self) -> str:
        return ''

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('--name', metavar='<name>', default='server',
                            help='Name of the server')
        parser.add_argument('--uuid', metavar='<uuid>',
                            help='Id of the server (default: derived from its '
                                 'name)')
        parser.add_argument(
            '--flavor', metavar='<key=number,...>', type=_flavor,
            default=_FLAVOR,
            help='vcpus, ram (MiB), disk and ephemeral (GiB), swap (MiB); '
                 'default: vcpus=1,ram=2048,disk=20')
        parser.add_argument(
            '--extra-spec', metavar='<key=value>', action='append',
            type=plain.pair, default=[],
            help='Extra spec of the flavor (repeat for more)')
        parser.add_argument(
            '--property', metavar='<key=value>', action='append',
            type=plain.pair, default=[],
            help='Image property (repeat for more)')
        parser.add_argument(
            '--properties-file', metavar='<file.json>',
            help='Image properties as a JSON object, for example the output '
                 'of "openstack image show -f json -c properties"')
        parser.add_argument(
            '--nic', metavar='<mac[,network]>', action='append', type=_nic,
            default=[], help='Network adapter (repeat for more); the network '
            'is nat (default), bridged, hostonly, vmnetN, or the id of a '
            'Neutron network of type local, which is a LAN segment')
        parser.add_argument('--product', default='ws',
                            choices=('ws', 'player', 'fusion'),
                            help='Workstation, Player or Fusion')
        parser.add_argument('--arch', default=guestos.X86_64,
                            choices=(guestos.X86_64, guestos.AARCH64),
                            help='CPU architecture of the host')
        parser.add_argument('--hw-version', metavar='<number>', type=int,
                            default=_HW_VERSION,
                            help='virtualHW.version (default: %(default)s)')
        parser.add_argument('--default-guestos', metavar='<id>',
                            default='otherlinux-64',
                            help='Same as [vmrun] default_guestos')
        parser.add_argument('--template-dir', metavar='<directory>',
                            action='append', default=[],
                            help='Same as [vmrun] template_dirs')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.app.stdout.write(render.render(
            _machine(parsed_args), parsed_args.template_dir))


def _machine(arguments: argparse.Namespace) -> model.Machine:
    properties = _properties(arguments)
    flavor, extra_specs = arguments.flavor, dict(arguments.extra_spec)
    version = generation.hw_version(extra_specs, arguments.hw_version)
    guest = guestos.choose(properties, arguments.default_guestos,
                           arguments.arch, version.value)
    chosen = hardware.choose(
        properties, extra_specs, guest, flavor['vcpus'],
        arguments.hw_version, arguments.product)
    return model.Machine(
        uuid=arguments.uuid or str(uuid.uuid5(_NAMESPACE, arguments.name)),
        name=arguments.name, guestos=guest.id, family=guest.family,
        vcpus=flavor['vcpus'],
        memory_mb=model.round_memory(flavor['ram']),
        disks=tuple(model.Disk(disk.path, chosen.disk_bus)
                    for disk in _disks(flavor)),
        cdroms=tuple(model.Cdrom(name, chosen.cdrom_bus)
                     for name in _cdrom_names(chosen)),
        floppy=chosen.floppy_image and chosen.floppy_image + '.flp',
        nics=_nics(arguments.nic, chosen),
        serials=tuple(model.Serial('file', name)
                      for name in _serial_names(chosen)),
        agent_socket=_AGENT_SOCKET if chosen.guest_agent else None,
        vnc=model.Vnc('127.0.0.1', _VNC_PORT), hardware=chosen)


def _properties(arguments: argparse.Namespace) -> dict[str, str]:
    properties: dict[str, str] = {}
    if arguments.properties_file:
        with open(arguments.properties_file, encoding='utf-8') as file:
            found = json.load(file)
        # The output of "openstack image show" nests them under this key.
        properties = {key: str(value) for key, value in
                      found.get('properties', found).items()}
    properties.update(arguments.property)
    return properties


def _disks(flavor: dict[str, int]) -> abc.Iterator[disks.Disk]:
    yield disks.root(None, None)
    if flavor['ephemeral']:
        yield disks.ephemeral(0, None, None)
    if flavor['swap']:
        yield disks.swap(None, None)


def _cdrom_names(chosen: model.Hardware) -> abc.Iterator[str]:
    yield disks.config_drive(None).path
    for image_id in chosen.iso_images:
        yield image_id + '.iso'
    yield from chosen.tools_isos


def _serial_names(chosen: model.Hardware) -> abc.Iterator[str]:
    for number in range(chosen.serial_ports):
        yield 'serial%d.log' % number if number else 'console.log'


def _nics(adapters: list[model.Nic],
          chosen: model.Hardware) -> tuple[model.Nic, ...]:
    return tuple(
        dataclasses.replace(nic, model=chosen.nic_model,
                            rx_kbps=chosen.nic_rx_kbps,
                            tx_kbps=chosen.nic_tx_kbps)
        for nic in adapters or [_nic(_EXAMPLE_MAC)])
