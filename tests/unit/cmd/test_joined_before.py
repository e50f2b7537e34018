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

from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import registry
from nova_vmrun.cmd import joined_before
from tests.unit.cluster import base


class HintsTestCase(base.FirstCase):

    def setUp(self):
        super().setUp()
        with registry.change(self.layout, self.settings) as known:
            known.nodes['lab-2'] = base.joined()

    def hints(self, old=None, **changes):
        old = dataclasses.replace(self.settings, **old or {})
        return joined_before.hints(
            self.layout, old, dataclasses.replace(old, **changes))

    def test_nodes_do_not_know_of_other_services_and_ports(self):
        ports = self.settings.ports
        for changes, names in (
                ({'volumes': True}, 'cinder'),
                ({'ports': dict(ports, nova=1, glance=2)}, 'glance, nova'),
                ({'ports': dict(ports, rabbitmq=1)}, 'rabbitmq'),
                ({'bus': 'rabbit://a:b@127.0.0.1/'}, 'rabbitmq')):
            [hint] = self.hints(**changes)
            self.assertIn('what has changed (%s): run "nova-vmrun node join" '
                          'on them again' % names, hint)

    def test_another_bus_elsewhere(self):
        [hint] = self.hints({'bus': 'rabbit://a:b@127.0.0.1/'},
                            bus='rabbit://a:c@127.0.0.1/')
        self.assertIn('(rabbitmq)', hint)

    def test_volumes_are_turned_off(self):
        [hint] = self.hints({'volumes': True}, volumes=False)
        self.assertIn('(cinder)', hint)

    def test_damaged_registry(self):
        self.files.registry.write_text('')
        self.assertEqual([], self.hints())
        self.assertIn('is damaged', self.hints(volumes=True)[-1])

    def test_gateway_has_another_port(self):
        [hint] = self.hints(ports=dict(self.settings.ports, gateway=2223))
        self.assertIn('use --gateway-port 2222,', hint)

    def test_where_the_services_listen(self):
        for old, listen, text in (
                ('', '127.0.0.9', 'use the tunnel as before'),
                ('127.0.0.9', '127.0.0.8', 'at 127.0.0.9 do not find them'),
                ('127.0.0.9', '', 'at 127.0.0.9 do not find them')):
            [hint] = self.hints({'listen': old}, listen=listen)
            self.assertIn(text, hint)

    def test_what_does_not_matter_to_nodes(self):
        self.assertEqual([], self.hints(
            dashboard=True, ports=dict(self.settings.ports, horizon=1)))

    def test_no_node_has_joined(self):
        with registry.change(self.layout, self.settings) as known:
            known.nodes['lab-2'] = registry.Node('lab-2', token_id='12ab')
        self.assertEqual([], self.hints(volumes=True))

    def test_no_bus(self):
        self.assertEqual([], self.hints({'bus': aio_settings.NO_BUS},
                                        volumes=True))


class WriteKeysTestCase(base.FirstCase):

    def setUp(self):
        super().setUp()
        with registry.change(self.layout, self.settings) as known:
            known.nodes['lab-2'] = base.joined()

    def write(self):
        joined_before.write_keys(self.layout, self.settings, self.report)

    def test_only_what_the_services_are_now_is_forwarded(self):
        def opens(port):
            return ('permitopen="127.0.0.1:%d"' % port
                    in self.files.authorized_keys.read_text())

        before = self.settings.ports['nova']
        self.settings.ports = dict(self.settings.ports, nova=18774)
        self.settings.volumes = True
        self.write()
        self.assertEqual(
            [False, True, True],
            [opens(port) for port in (
                before, 18774, self.settings.ports['cinder'])])

    def test_damaged_registry(self):
        """The cloud is of use without its nodes."""
        self.files.registry.write_text('x')
        self.write()
        self.assertIn('is damaged', '\n'.join(self.lines()))

    def test_no_bus(self):
        self.settings.bus = aio_settings.NO_BUS
        self.files.registry.write_text('x')
        self.write()
