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

"""Helpers for the tests of the catalog, the formats and the machine."""

import dataclasses
import os
import pathlib

import hypothesis
from hypothesis import strategies
import testtools

from nova_vmrun.catalog import options
from nova_vmrun.formats import guestos
from nova_vmrun.machine import hardware
from nova_vmrun.machine import model

FIXTURES = pathlib.Path(__file__).parents[2] / 'fixtures' / 'vmx'
UUID = '12345678-90ab-cdef-1234-567890abcdef'

hypothesis.settings.register_profile(
    'formats', max_examples=150, deadline=None, database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile('formats')

# Text that a .vmx can hold: no control characters but the tab, no halves of
# surrogate pairs.
printable = strategies.text(strategies.characters(
    exclude_categories=['Cs'],
    exclude_characters=[
        chr(c) for c in (*range(9), *range(10, 32), *range(127, 160))]))
# Any text at all, with what has a meaning in a .vmx more often than by chance.
hostile = strategies.text(strategies.one_of(
    strategies.characters(), strategies.sampled_from('"|=#\n\r\t \0\x7f{}%')))


def make_hardware(**fields):
    """Make a Hardware; what a test does not care about is filled in."""
    defaults = dict(
        hw_version=20, disk_bus='lsilogic', volume_bus='lsilogic',
        cdrom_bus='sata', nic_model='e1000',
        nic_rx_kbps=None, nic_tx_kbps=None,
        firmware='bios', secure_boot=False, local_time=False,
        boot_order=('hdd', 'cdrom', 'floppy'), cores_per_socket=None,
        serial_ports=1, guest_agent=False, options={}, show_gui=None,
        linked_clone=None, disk_type=None, storage_tag=None,
        storage_policy=None, ephemeral_storage_tag=None,
        swap_storage_tag=None, iso_images=(), floppy_image=None,
        tools_isos=(),
        unsupported=(), origins={})
    found = model.Hardware(**dict(defaults, **fields))
    return dataclasses.replace(
        found, options={**options.defaults(), **found.options})


def make_machine(**fields):
    """Make a Machine; what a test does not care about is filled in.

    :param fields: fields of Machine, and of its Hardware
    """
    of_hardware = {field.name for field in dataclasses.fields(model.Hardware)}
    chosen = make_hardware(**{name: fields.pop(name) for name in list(fields)
                              if name in of_hardware})
    defaults = dict(
        uuid=UUID, name='web', guestos='ubuntu-64', family='linux',
        memory_mb=2048, vcpus=2, hardware=chosen)
    return model.Machine(**dict(defaults, **fields))


def make_server(properties=(), extra_specs=(), vcpus=2, product='ws',
                hw_version=20, arch=guestos.X86_64, **fields):
    """Make the Machine of a server with these properties."""
    properties, extra_specs = dict(properties), dict(extra_specs)
    guest = guestos.choose(properties, arch=arch, hw_version=hw_version)
    chosen = hardware.choose(properties, extra_specs, guest, vcpus,
                             hw_version, product)
    defaults = dict(
        uuid=UUID, name='web', guestos=guest.id, family=guest.family,
        memory_mb=2048, vcpus=vcpus, hardware=chosen,
        disks=(model.Disk('root.vmdk', chosen.disk_bus),),
        cdroms=(model.Cdrom('config-drive.iso', chosen.cdrom_bus),),
        nics=(model.Nic('fa:16:3e:00:00:01', chosen.nic_model, 'nat'),))
    return model.Machine(**dict(defaults, **fields))


class TestCase(testtools.TestCase):
    """Base of the tests of formats."""

    def golden(self, name, text):
        """Compares a text with a file, or writes it (UPDATE_GOLDENS=1)."""
        path = FIXTURES / name
        if os.environ.get('UPDATE_GOLDENS') == '1':
            path.write_text(text, encoding='utf-8')
        self.assertEqual(path.read_text(encoding='utf-8'), text)
