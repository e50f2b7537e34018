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

from nova_vmrun.aio import providers
from nova_vmrun.doctor import cloud
from nova_vmrun.doctor import finding
from tests.unit import base


def _inventory(total):
    return {'total': total, 'reserved': 0, 'allocation_ratio': 1.0,
            'max_unit': total}


NOVA = cloud.Service('nova', 'ready', '34.0.0', '', '/logs/nova.log')
NODE = providers.Provider(
    {'VCPU': _inventory(4), 'MEMORY_MB': _inventory(4096),
     'DISK_GB': _inventory(40)}, {'DISK_GB': 30}, frozenset())
HEALTHY = cloud.Cloud((NOVA,), (NODE,), cloud.Leftovers(0, '', 'command'))


class CheckTestCase(base.TestCase):

    def problem(self, **fault):
        """Return the only finding; it has to say what to do."""
        found, = (each for each in cloud.check(
            dataclasses.replace(HEALTHY, **fault))
            if each.state is not finding.State.OK)
        self.assertNotEqual('', found.remedy)
        return found.state, found.text

    def service(self, **fault):
        return self.problem(services=(dataclasses.replace(NOVA, **fault),
                                      dataclasses.replace(NOVA, name='a')))

    def test_healthy(self):
        self.assertEqual(
            ['nova 34.0.0: ready.',
             'Free for servers: 4 of 4 VCPUs, 4096 of 4096 MiB of memory, '
             '10 of 40 GB of disk.', 'Nothing belongs to no server.'],
            [each.text for each in cloud.check(HEALTHY)
             if each.state is finding.State.OK])

    def test_everything_is_down(self):
        """Somebody has run "aio down"."""
        self.assertEqual(
            (finding.State.WARNING, 'The control plane is down.'),
            self.problem(services=(dataclasses.replace(NOVA, state='down'),)))

    def test_service_that_is_down(self):
        self.assertEqual((finding.State.WRONG, 'nova 34.0.0: down.'),
                         self.service(state='down'))

    def test_service_that_does_not_answer(self):
        self.assertEqual(
            (finding.State.WRONG, 'nova 34.0.0: nova answers HTTP 500.'),
            self.service(state='nova answers HTTP 500'))

    def test_error_in_a_log(self):
        state, text = self.service(last_error='17:00 Disk full')
        self.assertIs(finding.State.WARNING, state)
        self.assertIn('17:00 Disk full', text)

    def test_another_release_of_nova(self):
        state, text = self.service(version='33.1.0')
        self.assertIs(finding.State.WRONG, state)
        self.assertIn('The driver is for Nova 34.', text)

    def test_no_compute_host(self):
        state, text = self.problem(nodes=())
        self.assertIs(finding.State.WRONG, state)
        self.assertIn('No compute host has registered', text)

    def test_nothing_is_left(self):
        full = dataclasses.replace(NODE, usages={'DISK_GB': 40})
        state, text = self.problem(nodes=(full,))
        self.assertIs(finding.State.WARNING, state)
        self.assertIn('0 of 40 GB of disk', text)

    def test_leftovers(self):
        self.assertEqual(
            (finding.State.WARNING,
             'Files, folders or VMs that belong to no server: 3.'),
            self.problem(leftovers=cloud.Leftovers(3, '', 'command')))
        self.assertEqual(
            (finding.State.WARNING, 'Cannot find out what belongs to no '
             'server: It hangs.'),
            self.problem(leftovers=cloud.Leftovers(None, 'It hangs.', 'run')))

    def test_what_is_unknown_is_not_judged(self):
        self.assertEqual(['nova 34.0.0: ready.'], [
            each.text for each in cloud.check(cloud.Cloud((NOVA,)))])
