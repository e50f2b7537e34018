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

from nova_vmrun.catalog import ignored
from nova_vmrun.catalog import table
from tests.unit.machine import base


class IgnoredTestCase(base.TestCase):

    def test_nothing_is_refused(self):
        for each in ignored.ROWS:
            expected = each.image + each.flavor if each.warns else ()
            self.assertEqual(
                tuple(sorted(expected)),
                tuple(sorted(table.find_disobeyed(
                    dict.fromkeys(each.image, 'x'),
                    dict.fromkeys(each.flavor, 'x')))))

    def test_limits_are_mentioned_in_the_log(self):
        for name in ('quota:cpu_shares', 'quota:disk_read_iops_sec',
                     'quota:vif_inbound_peak'):
            self.assertEqual((name,), table.find_disobeyed({}, {name: '1'}))

    def test_devices_of_other_hypervisors_are_not(self):
        self.assertEqual((), table.find_disobeyed(
            {'hw_rng_model': 'virtio', 'hw_video_model': 'qxl'}, {}))
