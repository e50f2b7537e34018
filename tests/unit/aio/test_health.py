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

import importlib
import json
import threading

from nova_vmrun.aio.bus import address
from nova_vmrun.aio.database import server
from nova_vmrun.aio import health
from nova_vmrun.aio import settings as aio_settings
from tests.unit.aio import base

# The tests of Cinder load eventlet, which leaves a copy of this module with
# sockets of its own where "import http.server" finds it.
http_server = importlib.import_module('http.server')

_PARTS = [{'binary': 'nova-conductor', 'host': 'laptop', 'state': 'up'},
          {'binary': 'nova-compute', 'host': 'laptop', 'state': 'up'},
          {'binary': 'cinder-volume', 'host': 'laptop@files', 'state': 'up'}]


class _Handler(http_server.BaseHTTPRequestHandler):

    def do_GET(self):
        self.server.paths.append(self.path)
        self._answer(self.server.statuses.get(self.path.split('?')[0], 200))

    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        self._answer(self.server.statuses.get(self.path, 201))

    def _answer(self, status):
        if status == 'hang':
            self.server.released.wait(60)
            return
        body = json.dumps(self.server.answers.get(
            self.path, {'services': self.server.parts})).encode()
        self.send_response(status)
        self.send_header('X-Subject-Token', 'token')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


class HealthTestCase(base.TestCase):
    """One server answers for all services."""

    def setUp(self):
        super().setUp()
        self.server = http_server.ThreadingHTTPServer(
            ('127.0.0.1', 0), _Handler)
        self.server.statuses = {}
        self.server.parts = [dict(part) for part in _PARTS]
        self.server.paths = []
        self.server.answers = {}
        self.server.released = threading.Event()
        thread = threading.Thread(target=self.server.serve_forever,
                                  kwargs={'poll_interval': 0.01})
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)
        self.addCleanup(self.server.released.set)
        port = self.server.server_address[1]
        self.settings.ports = dict.fromkeys(self.settings.ports, port)

    def test_providers(self):
        def read():
            return health.read_providers(self.settings, self.passwords)

        self.assertIsNone(read())
        self.server.answers = {
            '/resource_providers': {'resource_providers': [{'uuid': 'u'}]},
            '/resource_providers/u/inventories': {'inventories': {}},
            '/resource_providers/u/usages': {'usages': {'VCPU': 1}},
            '/resource_providers/u/traits': {'traits': ['A']}}
        found, = read()
        self.assertEqual(({'VCPU': 1}, {'A'}), (found.usages, found.traits))
        self.server.statuses['/resource_providers/u/traits'] = 503
        self.assertIsNone(read())

    def ask(self):
        return health.ask(self.settings, self.passwords)

    def test_healthy_services_have_no_complaint(self):
        self.assertEqual(
            {'keystone': None, 'glance': None, 'neutron': None, 'nova': None},
            self.ask())
        self.assertIn('/v2.1/os-services', self.server.paths)

    def test_service_that_answers_with_error_500(self):
        self.server.statuses['/v2/images'] = 500
        self.assertEqual('glance answers HTTP 500', self.ask()['glance'])

    def test_service_that_does_not_answer(self):
        log_in = health._Cloud.log_in

        def log_in_first(cloud):
            log_in(cloud)
            self.patch(health, 'TIMEOUT', 0.2)

        self.patch(health._Cloud, 'log_in', log_in_first)
        self.server.statuses['/v2.0/networks'] = 'hang'
        self.assertEqual('neutron does not answer within 0 s',
                         self.ask()['neutron'])

    def test_placement_is_part_of_nova(self):
        self.server.statuses['/resource_providers'] = 503
        self.assertEqual('placement answers HTTP 503', self.ask()['nova'])

    def test_part_that_is_down_is_named(self):
        self.server.parts[1]['state'] = 'down'
        self.assertEqual('nova-compute is down', self.ask()['nova'])

    def test_compute_host_of_somebody_else_does_not_count(self):
        self.server.parts[1].update(state='down', host='other')
        self.assertIsNone(self.ask()['nova'])

    def with_bus(self):
        # The server does not answer what it takes for half a line.
        self.patch(address, '_TIMEOUT', 0.2)
        self.settings.ports['gateway'] = self.closed_port()
        self.settings.bus = aio_settings.OWN_BUS
        return self.ask()

    def test_nova_compute_behind_a_bus_has_a_line_of_its_own(self):
        self.assertIsNone(self.with_bus()['compute'])
        self.assertIn('/v2.1/os-services?binary=nova-compute&host=laptop',
                      self.server.paths)
        self.server.parts[1]['state'] = 'down'
        self.server.parts.pop(0)
        self.server.parts.pop()
        found = self.with_bus()
        self.assertEqual('nova-compute is down', found['compute'])
        self.assertIsNone(found['nova'])

    def test_bus_that_does_not_speak_its_protocol(self):
        self.assertIsNotNone(self.with_bus()['rabbitmq'])

    def test_gateway_that_nobody_answers_for(self):
        self.assertEqual('gateway: connection refused',
                         self.with_bus()['gateway'])

    def test_cinder_is_asked_only_where_it_runs(self):
        self.ask()
        self.assertNotIn('/v3/os-services', self.server.paths)
        self.settings.volumes = True
        self.assertIsNone(self.ask()['cinder'])
        self.assertIn('/v3/os-services', self.server.paths)

    def test_part_of_cinder_that_is_down_is_named(self):
        self.settings.volumes = True
        self.server.parts[2]['state'] = 'down'
        self.assertEqual('cinder-volume is down', self.ask()['cinder'])

    def test_dashboard_is_asked_only_where_it_runs(self):
        self.assertNotIn('horizon', self.ask())
        self.settings.dashboard = True
        self.assertIsNone(self.ask()['horizon'])
        self.server.statuses['/auth/login/'] = 500
        self.assertEqual('horizon answers HTTP 500', self.ask()['horizon'])

    def test_nobody_listens(self):
        self.settings.ports['glance'] = self.closed_port()
        self.assertEqual('glance refuses connections', self.ask()['glance'])

    def test_console_proxy_that_refuses_connections(self):
        self.settings.ports['novncproxy'] = self.closed_port()
        self.assertEqual('novncproxy refuses connections',
                         self.ask()['nova'])

    def closed_port(self):
        """A port on which somebody listened a moment ago."""
        server = http_server.HTTPServer(('127.0.0.1', 0), _Handler)
        server.server_close()
        return server.server_address[1]

    def test_database_server_is_what_keystone_lacks(self):
        self.server.statuses['/v3/auth/tokens'] = 500
        self.settings.database = 'mysql://a:b@127.0.0.1:%d/' % (
            self.settings.ports['keystone'])
        # It speaks HTTP, not the protocol of MySQL.
        self.patch(server, '_LOGIN_TIMEOUT', 1)
        self.assertIn('database: ', self.ask()['keystone'])

    def test_without_keystone_nothing_can_be_asked(self):
        self.server.statuses['/v3/auth/tokens'] = 500
        found = self.ask()
        self.assertEqual('keystone answers HTTP 500', found['keystone'])
        self.assertEqual('needs keystone', found['nova'])
