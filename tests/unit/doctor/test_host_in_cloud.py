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

from nova_vmrun.doctor import finding
from nova_vmrun.doctor import host_in_cloud
from tests.unit import base
from tests.unit.doctor import test_cloud

_PORTS = (host_in_cloud.Port('a', 'vmrun'), host_in_cloud.Port('b', 'vmrun'))
_HEALTHY = host_in_cloud.HostInCloud(
    'laptop', host_in_cloud.Service(True), test_cloud.NODE, _PORTS)
_UNKNOWN = host_in_cloud.Unknown('It says nothing.')
_FAULT = host_in_cloud.Unknown('It is down.', concerns_nova=True)


class CheckTestCase(base.TestCase):

    def check(self, **changes):
        """Return the findings that are not ok."""
        return [each for each in host_in_cloud.check(
            dataclasses.replace(_HEALTHY, **changes))
            if each.state is not finding.State.OK]

    def only(self, state, topic, text, remedy, **changes):
        found, = self.check(**changes)
        self.assertEqual((state, topic), (found.state, found.topic))
        self.assertIn(text, found.text)
        self.assertIn(remedy, found.remedy)

    def wrong(self, *expected, **changes):
        self.only(finding.State.WRONG, *expected, **changes)

    def warning(self, *expected, **changes):
        self.only(finding.State.WARNING, *expected, **changes)

    def test_healthy(self):
        self.assertEqual([], self.check())
        self.assertEqual([], self.check(ports=()))

    def test_service(self):
        topic = 'nova-compute'
        self.wrong(topic, 'knows no nova-compute on the host laptop',
                   '[DEFAULT] host', service=None)
        self.wrong(topic, 'not heard', 'read its log',
                   service=host_in_cloud.Service(False, False))
        self.warning(topic, 'no new server comes here: Too hot.', '--enable',
                     service=host_in_cloud.Service(True, False, 'Too hot.'))
        self.warning(topic, 'no new server comes here.', '--enable',
                     service=host_in_cloud.Service(True, False))

    def test_inventory(self):
        self.wrong('inventory', 'No compute host has registered', 'log',
                   node=None)

    def test_ports_that_are_not_bound(self):
        failed = tuple(host_in_cloud.Port(name, 'binding_failed')
                       for name in 'vwxyz')
        for advice in ('[ml2_vmrun] hosts', 'unless the ports are on a '
                       'network of a project that has servers on another'):
            self.wrong('ports bound', '5 of 7 ports: v, w, x and 2 more.',
                       advice, ports=_PORTS + failed)

    def test_ports_of_another_driver(self):
        self.wrong('ports bound', 'other than vmrun', 'mechanism_drivers',
                   ports=(host_in_cloud.Port('a', 'ovs'), *_PORTS))

    def test_ports_that_are_not_yet_bound(self):
        self.assertEqual([], self.check(
            ports=(host_in_cloud.Port('a', 'unbound'), *_PORTS)))

    def test_what_neutron_does_not_show(self):
        self.warning('ports bound', 'does not show it', 'port list',
                     ports=(host_in_cloud.Port('a', ''),))

    def test_unknown(self):
        for name, topic in (('service', 'nova-compute'),
                            ('node', 'inventory'), ('ports', 'ports bound')):
            self.warning(topic, 'It says nothing.', '', **{name: _UNKNOWN})
            self.wrong(topic, 'It is down. nova-compute fails for the same '
                       'reason.', '', **{name: _FAULT})
