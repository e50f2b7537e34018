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

from nova_vmrun.catalog import kinds
from nova_vmrun.catalog import obeyed
from nova_vmrun.catalog import properties
from nova_vmrun.catalog import row
from nova_vmrun.machine import model
from tests.unit.machine import base


class ObeyedTestCase(base.TestCase):

    def test_every_named_row_is_in_the_catalog(self):
        named = [each for each in vars(obeyed).values()
                 if isinstance(each, row.Obeyed)]
        named += [*obeyed.CPU_PREFERENCES.values(),
                  *obeyed.CPU_LIMITS.values()]
        self.assertGreater(len(named), 30)
        for each in named:
            self.assertIn(each, obeyed.ROWS)

    def test_every_row_is_in_a_section(self):
        self.assertEqual(set(obeyed.SECTIONS),
                         {each.section for each in obeyed.ROWS})

    def test_the_drivers_own_properties_come_first(self):
        for each in obeyed.ROWS:
            own = [name for name in each.image
                   if name in properties.OWN_NAMES]
            self.assertEqual(own, list(each.image[:len(own)]))

    def test_a_machine_can_have_the_values(self):
        for each, allowed in (
                (obeyed.OWN_DISK_BUS, (*model.BUSES, 'scsi')),
                (obeyed.DISK_BUS, (*model.BUSES, 'scsi')),
                (obeyed.SCSI_MODEL, model.SCSI_BUSES),
                (obeyed.ADAPTER_TYPE, model.BUSES),
                (obeyed.CDROM_BUS, (*model.CDROM_BUSES, 'scsi')),
                (obeyed.NIC_MODEL, model.NIC_MODELS),
                (obeyed.FIRMWARE_TYPE, model.FIRMWARE),
                (obeyed.BOOT_ORDER, model.BOOT_DEVICES)):
            self.assertIsInstance(each.kind, (kinds.Word, kinds.Words))
            self.assertLessEqual(set(each.kind.words.values()), set(allowed))

    def test_cpu_topology(self):
        for part in ('sockets', 'cores', 'threads'):
            self.assertEqual(
                (('hw_cpu_' + part,), ('hw:cpu_max_' + part,)),
                (obeyed.CPU_PREFERENCES[part].image,
                 obeyed.CPU_LIMITS[part].flavor))
