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


import ipaddress
import types

import fixtures
from openstack import exceptions

from nova_vmrun.aio import errors
from nova_vmrun.aio import ssh_route
from nova_vmrun.host import interfaces
from tests.unit import base

Namespace = types.SimpleNamespace
NETWORKS = {
    'nat': Namespace(provider_network_type='flat', is_shared=False),
    'lab': Namespace(provider_network_type='local', is_shared=True),
    'theirs': Namespace(provider_network_type='local', is_shared=False),
    'shared': Namespace(provider_network_type=None, is_shared=True),
    'own': Namespace(provider_network_type=None, is_shared=False),
}
# What an ordinary user sees, and what an administrator sees.
TYPES = {'shared': Namespace(provider_network_type='flat', is_shared=True),
         # Another project shares its own network.
         'lent': Namespace(provider_network_type='local', is_shared=False)}
NETWORKS['lent'] = NETWORKS['shared']
MAC = 'OS-EXT-IPS-MAC:mac_addr'


def mac_of(address):
    last = ipaddress.ip_address(address).packed[-1]
    return 'fa:16:3e:00:00:%02x' % last


def port(network, address, project='project', mac=None):
    return Namespace(network_id=network, project_id=project,
                     mac_address=mac or mac_of(address),
                     fixed_ips=[{'ip_address': address}])


class Cloud:
    """The parts of a connection that are used."""

    current_project_id = 'project'

    def __init__(self):
        self.known = {}
        self.foreign = {}
        self.is_admin = False
        self.images = {'image': Namespace(os_admin_user='root',
                                          os_distro=None)}
        self.queries = []
        self.others_ports = []
        self.actions = []
        self.projects = {'other': Namespace(name='lab')}
        self.compute = self.network = self.image = self.identity = self

    def add(self, name, *addresses, status='ACTIVE', project='project',
            image='image'):
        """Add a server; addresses are pairs of network and address."""
        shown = {}
        for network, address in addresses:
            shown.setdefault(network, []).append(
                {'addr': address, MAC: mac_of(address)})
        self.known[name] = Namespace(
            id='id-' + name, name=name, status=status, project_id=project,
            addresses=shown, image={'id': image} if image else None,
            attached=addresses)

    def find_server(self, name, all_projects=False):
        if name == 'several':
            raise exceptions.DuplicateResource('More than one.')
        if all_projects:
            if not self.is_admin:
                raise exceptions.ForbiddenException('Not you.')
            return self.foreign.get(name)
        return self.known.get(name)

    def get_server(self, server_id):
        return self.known[server_id.removeprefix('id-')]

    def server_actions(self, server_id):
        return iter(self.actions)

    def servers(self, sort_key, sort_dir, **query):
        self.queries.append(query)
        return iter(self.known.values())

    def ports(self, device_id, project_id=None):
        """Return ports in the worst order: the last one wins."""
        server = self.get_server(device_id)
        for network, address in reversed(server.attached):
            if project_id in (None, server.project_id):
                yield port(network, address)
        for each in self.others_ports:
            if project_id in (None, each.project_id):
                yield each

    def get_network(self, network_id):
        return NETWORKS[network_id]

    def get_project(self, project_id):
        if not self.is_admin:
            raise exceptions.ForbiddenException('Not you.')
        if project_id not in self.projects:
            raise exceptions.NotFoundException()
        return self.projects[project_id]

    def get_image(self, image_id):
        if image_id not in self.images:
            raise exceptions.NotFoundException()
        return self.images[image_id]


class FinderTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.cloud = Cloud()
        self.types = None
        self.interfaces = '172.16.41.0/24'

    def find(self, *args, **kwargs):
        self.useFixture(fixtures.MockPatchObject(
            interfaces, 'ranges',
            lambda: [ipaddress.ip_network(self.interfaces)]))
        return ssh_route.Finder(self.cloud, self.types).find(*args, **kwargs)

    def refuse(self, parts, *args, **kwargs):
        error = self.assertRaises(errors.AioError, self.find, *args,
                                  **kwargs)
        for part in parts:
            self.assertIn(part, str(error))

    def target(self, *args, **kwargs):
        route = self.find(*args, **kwargs)
        self.assertIsNone(route.jump)
        return route.target

    def test_address_on_a_network_of_the_host(self):
        self.cloud.add('web', ('lab', '10.0.0.5'), ('nat', '172.16.41.5'))
        self.assertEqual(
            ssh_route.Hop('id-web', 'web', '172.16.41.5', 'root'),
            self.target('web'))

    def test_ipv4_comes_first(self):
        """The fake's NAT has no IPv6, and hosts often have none there."""
        self.cloud.add('app', ('lab', '2001:db8:1::6'),
                       ('nat', '2001:db8::6'), ('lab', '10.0.0.6'),
                       ('nat', '172.16.41.6'))
        self.assertEqual('172.16.41.6', self.target('app').address)
        self.cloud.add('db', ('lab', '2001:db8:1::7'), ('lab', '10.0.0.7'))
        route = self.find('db')
        self.assertEqual(('10.0.0.7', '172.16.41.6'),
                         (route.target.address, route.jump.address))

    def test_ipv6_alone(self):
        self.cloud.add('web', ('nat', '2001:db8::5'))
        self.assertEqual('2001:db8::5', self.target('web').address)

    def test_jump_host_needs_the_version_of_the_address(self):
        self.cloud.add('old', ('lab', '10.0.0.6'), ('nat', '172.16.41.6'))
        self.cloud.add('new', ('lab', '2001:db8:1::8'),
                       ('nat', '172.16.41.8'))
        self.cloud.add('db', ('lab', '2001:db8:1::7'))
        self.assertEqual('new', self.find('db').jump.name)

    def test_member_sees_no_types(self):
        self.cloud.add('web', ('own', '10.0.0.5'), ('shared', '172.16.41.5'))
        self.assertEqual('172.16.41.5', self.target('web').address)

    def test_member_with_an_administrator_who_sees_types(self):
        self.types = Namespace(network=Namespace(get_network=TYPES.get))
        self.interfaces = '192.0.2.0/24'
        self.cloud.add('web', ('lent', '10.0.0.5'), ('shared', '172.16.41.5'))
        self.assertEqual('172.16.41.5', self.target('web').address)
        self.cloud.add('db', ('lent', '172.16.41.6'))
        self.assertEqual('web', self.find('db').jump.name)

    def test_network_that_another_project_shares(self):
        """A member does not see that it is a LAN segment."""
        self.cloud.add('web', ('lent', '10.0.0.5'))
        self.refuse(('Server web is only on networks of its project',
                     'has no interface in the range of 10.0.0.5',
                     'ssh root@10.0.0.5'), 'web')

    def test_advice_without_a_known_user(self):
        self.cloud.add('web', ('lent', '10.0.0.5'))
        for user in (None, '-oProxyCommand=id'):
            self.cloud.images['image'].os_admin_user = user
            self.refuse(('Server web is only on networks of its project',
                         'ssh USER@10.0.0.5'), 'web')
        self.refuse(('ssh ann@10.0.0.5',), 'web', 'ann')

    def test_such_a_network_makes_no_jump_host(self):
        self.cloud.add('app', ('lent', '10.1.0.5'), ('own', '10.0.0.5'))
        self.cloud.add('db', ('own', '10.0.0.6'))
        self.refuse(('Server db is only on networks',), 'db')

    # -- ports of other projects -----------------------------------------

    def test_port_of_a_stranger_hides_no_address(self):
        self.cloud.add('web', ('nat', '172.16.41.24'))
        self.cloud.others_ports = [
            port('theirs', '172.16.41.24', 'stranger')]
        self.assertEqual('172.16.41.24', self.target('web').address)

    def test_port_of_a_stranger_leads_nowhere_else(self):
        self.cloud.add('app', ('own', '172.16.41.29'), ('nat', '172.16.41.5'))
        self.cloud.add('db', ('own', '172.16.41.30'))
        self.cloud.others_ports = [port('nat', '172.16.41.30', 'stranger')]
        self.assertEqual('app', self.find('db').jump.name)

    def test_ports_with_the_same_address_are_told_apart(self):
        """Nova does not know a port that only names the server."""
        self.cloud.add('web', ('nat', '172.16.41.24'))
        self.cloud.others_ports = [
            port('own', '172.16.41.24', mac='fa:16:3e:99:99:99')]
        self.assertEqual('172.16.41.24', self.target('web').address)

    def test_users(self):
        self.cloud.add('web', ('nat', '172.16.41.5'))
        self.assertEqual('ann', self.target('web', 'ann').user)
        self.cloud.images['image'] = Namespace(os_admin_user=None,
                                               os_distro='debian')
        self.assertEqual('debian', self.target('web').user)

    def test_unknown_user(self):
        hint = ('It is unknown whom to log in to server web as.',
                'Name a user with -l.')
        self.cloud.add('web', ('nat', '172.16.41.5'))
        self.cloud.images['image'] = Namespace(os_admin_user=None,
                                               os_distro='plan9')
        self.refuse(hint, 'web')
        self.cloud.images.clear()
        self.refuse(hint, 'web')
        self.cloud.add('web', ('nat', '172.16.41.5'), image=None)
        self.refuse(hint, 'web')

    def test_user_that_ssh_would_take_for_an_option_or_a_command(self):
        self.cloud.add('web', ('nat', '172.16.41.5'))
        for user in ('-oProxyCommand=id', 'a b', '$(id)', 'a\nb', '%h', ''):
            self.cloud.images['image'].os_admin_user = user
            self.refuse(('server web',), 'web')
        self.refuse(("Nobody can log in to server web as '-v'.",), 'web',
                    '-v')

    def test_server_in_rescue(self):
        self.cloud.actions = [Namespace(action='rescue', request_id='req-1')]
        self.cloud.add('web', ('nat', '172.16.41.5'), status='RESCUE')
        self.assertEqual(
            ssh_route.Hop('id-web-rescue-req-1', 'web', '172.16.41.5', 'root',
                          is_guess=True), self.target('web'))
        self.assertFalse(self.target('web', 'ann').is_guess)

    def test_no_such_server(self):
        self.refuse(('There is no server w\\x1bb in this project.',),
                    'w\x1bb')

    def test_administrator_names_a_server_of_another_project(self):
        self.cloud.is_admin = True
        self.cloud.add('web', ('nat', '172.16.41.5'), project='other')
        self.cloud.foreign['web'] = self.cloud.known.pop('web')
        self.cloud.get_server = lambda server_id: self.cloud.foreign['web']
        self.assertEqual(('172.16.41.5', 'lab (other)'),
                         (self.target('web').address,
                          self.target('web').project))

    def test_project_without_a_known_name(self):
        self.cloud.add('web', ('nat', '172.16.41.5'), project='other')
        self.assertEqual('other', self.target('web').project)
        self.cloud.is_admin, self.cloud.projects = True, {}
        self.assertEqual('other', self.target('web').project)

    def test_several_of_the_name(self):
        self.refuse(('Several servers have the name several.',), 'several')

    def test_server_that_does_not_run(self):
        self.cloud.add('web', ('nat', '172.16.41.5'), status='SHUTOFF')
        self.refuse(('Server web does not run. Its status is SHUTOFF.',),
                    'web')

    def test_server_without_an_address(self):
        self.cloud.add('web')
        self.refuse(('Server web has no address.',), 'web')

    # -- through another server ------------------------------------------

    def add_cache(self, **details):
        self.cloud.add('cache', ('lab', '10.0.0.6'), **details)

    def test_through_a_server_on_both(self):
        self.cloud.add('off', ('lab', '10.0.0.2'), ('nat', '172.16.41.2'),
                       status='SHUTOFF')
        self.cloud.add('other', ('lab', '10.0.0.3'), ('nat', '172.16.41.3'),
                       project='other')
        self.cloud.add('elsewhere', ('own', '10.0.0.4'),
                       ('nat', '172.16.41.4'))
        self.cloud.add('app', ('lab', '10.0.0.5'), ('nat', '172.16.41.5'))
        self.add_cache()
        route = self.find('cache', 'ann')
        self.assertEqual(('10.0.0.6', 'ann'),
                         (route.target.address, route.target.user))
        self.assertEqual(
            ssh_route.Hop('id-app', 'app', '172.16.41.5', 'root'),
            route.jump)
        self.assertEqual([{}], self.cloud.queries)

    def test_server_of_another_project(self):
        self.cloud.add('app', ('lab', '10.0.0.5'), ('nat', '172.16.41.5'),
                       project='other')
        self.add_cache(project='other')
        route = self.find('cache')
        self.assertEqual(('app', 'other', 'other'), (
            route.jump.name, route.jump.project, route.target.project))
        self.assertEqual([{'all_projects': True, 'project_id': 'other'}],
                         self.cloud.queries)

    def test_named_server(self):
        for name in ('one', 'two'):
            self.cloud.add(name, ('lab', '10.0.0.5'), ('nat', '172.16.41.5'))
        self.add_cache()
        self.assertEqual('two', self.find('cache', jump='two').jump.name)

    def test_server_of_a_stranger_is_not_taken_by_its_name(self):
        self.cloud.is_admin = True
        self.cloud.add('app', ('lab', '10.0.0.5'), ('nat', '172.16.41.5'),
                       project='stranger')
        self.add_cache(project='other')
        for name in ('app', 'cache'):
            self.cloud.foreign[name] = self.cloud.known[name]
        self.cloud.foreign['id-app'] = self.cloud.known['app']
        self.cloud.find_server = lambda name, all_projects=False: (
            self.cloud.foreign.get(name) if all_projects else None)
        self.refuse(('Server app is of another project than server cache.',
                     'Give its id: id-app'), 'cache', jump='app')
        self.assertEqual('app', self.find('cache', jump='id-app').jump.name)

    # -- whom to log in to the other server as -----------------------------

    def add_app(self, name='app', address='172.16.41.5', **details):
        self.cloud.add(name, ('lab', '10.0.0.5'), ('nat', address), **details)

    def test_other_server_whose_user_is_unknown_is_passed_over(self):
        self.cloud.images['odd'] = Namespace(os_admin_user='-v',
                                             os_distro=None)
        self.add_app('volume', image=None)
        self.add_app('odd', image='odd')
        self.add_app('rescued', status='RESCUE')
        self.add_app()
        self.add_cache()
        self.assertEqual('app', self.find('cache').jump.name)

    def test_users_of_all_others_are_unknown(self):
        self.add_app(image=None)
        self.add_app('next', image=None)
        self.add_cache()
        for user in (None, 'ann'):
            self.refuse(('The way to server cache leads through another',
                         'Server app is such a server.',
                         'Name a user with --jump USER@app.'), 'cache', user)

    def test_name_that_a_shell_would_not_leave_alone(self):
        self.add_app('a p', image=None)
        self.add_cache()
        self.refuse(('Server a p is such', '--jump USER@id-a p.'), 'cache')

    def test_named_server_whose_user_is_unknown(self):
        self.add_app(image=None)
        self.add_cache()
        for user in (None, 'ann'):
            self.refuse(('It is unknown whom to log in to server app as.',
                         'Name a user with --jump USER@app.'), 'cache', user,
                        'app')

    def users(self, *args):
        route = self.find('cache', *args)
        return route.jump.name, route.jump.user, route.target.user

    def test_each_server_has_its_own_user(self):
        self.add_app()
        self.add_cache()
        self.assertEqual(('app', 'root', 'ann'), self.users('ann', 'app'))
        self.assertEqual(('app', 'bob', 'root'), self.users(None, 'bob@app'))
        self.assertEqual(('app', 'bob', 'ann'), self.users('ann', 'bob@app'))
        self.assertEqual(('app', 'bob@x', 'root'),
                         self.users(None, 'bob@x@app'))

    def test_name_with_an_at_sign(self):
        self.add_app('bob@app')
        self.add_app('a@b')
        self.add_cache()
        self.assertEqual(('bob@app', 'root', 'root'),
                         self.users(None, 'bob@app'))
        self.refuse(('There is no server b in',), 'cache', jump='bob@a@b')

    def test_names_of_strangers_do_not_matter(self):
        self.cloud.is_admin = True
        self.add_app()
        self.add_app('bob@app', project='stranger')
        self.add_cache()
        self.cloud.foreign['bob@app'] = self.cloud.known['bob@app']
        find = self.cloud.find_server
        self.cloud.find_server = lambda name, **query: (
            None if name == 'bob@app' and not query else find(name, **query))
        self.assertEqual(('app', 'bob', 'root'), self.users(None, 'bob@app'))

    def test_jump_without_a_server(self):
        self.add_app()
        self.add_cache()
        self.refuse(('There is no server bob@ in',), 'cache', jump='bob@')

    def test_named_server_is_of_no_use(self):
        self.cloud.add('app', ('nat', '172.16.41.5'))
        self.add_cache()
        self.refuse(('Server app is not on one of them and on a shared '
                     'network.',), 'cache', jump='app')

    def test_nobody_to_go_through(self):
        self.add_cache()
        self.refuse(('Server cache is only on networks of its project',
                     'No running server of the project',
                     'Create such a server'), 'cache')
