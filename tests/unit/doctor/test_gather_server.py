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

import datetime

from nova_vmrun.doctor import gather_server
from nova_vmrun import exception
from tests.unit import base

_PATH = '/servers/an-id/os-instance-actions'


def server(**changes):
    created = (datetime.datetime.now(datetime.timezone.utc) -
               datetime.timedelta(seconds=90))
    return dict({
        'id': 'an-id', 'tenant_id': 'project', 'name': 'web',
        'status': 'ACTIVE',
        'created': created.strftime('%Y-%m-%dT%H:%M:%SZ'),
        'OS-EXT-STS:task_state': None,
        'flavor': {'vcpus': 2, 'ram': 64, 'disk': 1, 'ephemeral': 2,
                   'swap': 1},
        'addresses': {'net': [{'addr': '10.0.0.4'}, {'addr': 'fe80::1'}]}},
        **changes)


class Api:
    """Answers from a table; whatever is not in it is refused."""

    def __init__(self, answers):
        self.answers = answers

    def compute(self, path, body=None):
        return self.answers.get(path)

    network = placement = compute


class FindTestCase(base.TestCase):

    def test_by_id(self):
        api = Api({'/servers/an-id': {'server': server()}})
        self.assertEqual('web', gather_server.find(api, 'an-id')['name'])

    def test_by_name(self):
        """Nova takes the name for a regular expression."""
        api = Api({'/servers/detail?name=web': {'servers': [
            server(name='webmail'), server()]}})
        self.assertEqual('an-id', gather_server.find(api, 'web')['id'])

    def test_server_of_another_project(self):
        """Only an administrator may ask for it."""
        api = Api({'/servers/detail?name=web': {'servers': []},
                   '/servers/detail?name=web&all_tenants=1': {
                       'servers': [server()]}})
        self.assertEqual('an-id', gather_server.find(api, 'web')['id'])

    def test_hostile_names_stay_in_their_place(self):
        api = Api({'/servers/..%2F..%2Fx%3Fa': {'server': server()}})
        self.assertEqual('web', gather_server.find(api, '../../x?a')['name'])

    def test_ambiguous_and_missing(self):
        api = Api({'/servers/detail?name=web': {'servers': [
            server(), server(id='another')]}})
        for name, text in (('web', 'Their ids: an-id, another'),
                           ('db', 'There is no server db')):
            error = self.assertRaises(exception.InvalidInput,
                                      gather_server.find, api, name)
            self.assertIn(text, str(error))


class LastTestCase(base.TestCase):

    def test_administrator_means_those_of_all_projects(self):
        own = '/servers/detail?sort_key=created_at&sort_dir=desc&limit=50'
        self.assertEqual('other', gather_server.last(Api({
            own: {'servers': [server()]},
            own + '&all_tenants=1': {'servers': [server(id='other')]},
        }))['id'])

    def last(self, *servers):
        return gather_server.last(Api({
            gather_server._NEWEST: {'servers': list(servers)}}))

    def test_errors_come_first(self):
        self.assertEqual('b', self.last(
            server(id='a'), server(id='b', status='ERROR'),
            server(id='c', status='ERROR'))['id'])
        self.assertEqual('a', self.last(server(id='a'), server(id='b'))['id'])

    def test_no_servers(self):
        self.assertRaises(exception.InvalidInput, self.last)


class ReadTestCase(base.TestCase):

    def read(self, answers=(), **changes):
        return gather_server.read(Api(dict(answers)), server(**changes),
                                  '/vms', 'Logged.')

    def test_ordinary_user_who_is_told_little(self):
        found = self.read()
        self.assertEqual((None, None, None, None), (
            found.action, found.ports, found.console, found.nodes))
        self.assertEqual(('/vms', 'Logged.'),
                         (found.instances, found.logged))

    def test_what_its_image_and_flavor_ask_for(self):
        found = self.read(
            image={'id': 'x', 'properties': {'hw_tpm_version': '2.0'}},
            flavor={'extra_specs': {'hw:tpm_model': 'tpm-crb'}}).server
        self.assertEqual({'hw_tpm_version': '2.0'}, found.image_properties)
        self.assertEqual({'hw:tpm_model': 'tpm-crb'}, found.extra_specs)

    def test_server_that_boots_from_a_volume(self):
        self.assertEqual({}, self.read(image='').server.image_properties)

    def test_server(self):
        found = self.read(fault={'message': 'Sorry.'}).server
        self.assertEqual('Sorry.', found.fault)
        self.assertEqual(({}, {}), (found.image_properties,
                                    found.extra_specs))
        self.assertEqual(('10.0.0.4', 'fe80::1'), found.addresses)
        # A MiB of swap takes a whole GiB.
        self.assertEqual({'VCPU': 2, 'MEMORY_MB': 64, 'DISK_GB': 4},
                         dict(found.resources))
        self.assertTrue(80 < found.age < 400, found.age)

    def test_newest_action(self):
        def action(request, start, **more):
            return dict({'action': 'create', 'request_id': request,
                         'message': None, 'start_time': start}, **more)

        answers = {
            _PATH: {'instanceActions': [
                action('old', '2026-01-01T00:00:00.000000'),
                action('new', '2026-01-02T00:00:00.000000')]},
            _PATH + '/new': {'instanceAction': action(
                'new', '2026-01-02T00:00:00.000000', events=[
                    {'result': 'Success'},
                    {'result': 'Error', 'details': 'No disk.'}])}}
        found = self.read(answers).action
        self.assertTrue(found.has_failed)
        self.assertEqual('No disk.', found.details)
        # The list alone says whether it failed.
        del answers[_PATH + '/new']
        self.assertFalse(self.read(answers).action.has_failed)

    def test_ports(self):
        def port(device, owner='compute:nova'):
            return {'id': 'p', 'network_id': 'n', 'device_id': device,
                    'device_owner': owner,
                    'fixed_ips': [{'ip_address': '10.0.0.4'}]}

        answers = {
            '/ports?device_id=an-id': {'ports': [
                port('an-id'), dict(port('an-id'), network_id='hostile')]},
            '/ports?device_id=an-id&project_id=project': {
                'ports': [port('an-id')]},
            '/networks/n': {'network': {'name': 'private',
                                        'shared': False}},
            '/ports?network_id=n': {'ports': [
                port('an-id'), port('another'), port('another'),
                port('dhcp', 'network:dhcp')]}}
        found, = self.read(answers).ports
        self.assertEqual((), found.hosts)
        self.assertEqual(('private', False, ('10.0.0.4',), '', 1), (
            found.network, found.is_shared, found.addresses, found.vif_type,
            found.neighbours))
        # Administrators are shown the hosts.
        for each in answers['/ports?network_id=n']['ports']:
            each['binding:host_id'] = 'host-of-' + each['device_id']
        found, = self.read(answers).ports
        self.assertEqual(('host-of-another',), found.hosts)
        self.assertEqual(('', False), (found.host, found.is_local))
        answers['/ports?device_id=an-id&project_id=project']['ports'][0][
            'binding:host_id'] = 'n2'
        answers['/networks/n']['network']['provider:network_type'] = 'local'
        found = self.read(answers, **{'OS-EXT-SRV-ATTR:host': 'n1'})
        self.assertEqual('n1', found.server.host)
        self.assertEqual([('n2', True)], [
            (port.host, port.is_local) for port in found.ports])

    def test_console_of_a_running_server_only(self):
        answers = {'/servers/an-id/action': {'output': None}}
        self.assertEqual('', self.read(answers).console)
        self.assertIsNone(self.read(answers, status='SHUTOFF').console)

    def test_administrators_are_told_figures(self):
        found = self.read({
            '/resource_providers': {'resource_providers': [{'uuid': 'u'}]},
            '/resource_providers/u/inventories': {'inventories': {}},
            '/resource_providers/u/usages': {'usages': {}},
            '/resource_providers/u/traits': {'traits': []}})
        self.assertEqual(1, len(found.nodes))
