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

import hashlib
import pathlib
import time

import fixtures

from nova_vmrun.aio.demo import image as demo_image
from nova_vmrun.cmd.launch import catalogue
from nova_vmrun.cmd.launch import errors
from nova_vmrun.cmd.launch import launcher
from nova_vmrun.cmd.launch import recipes
from nova_vmrun.cmd.launch import store
from nova_vmrun import exception
from tests.unit import base
from tests.unit.cmd.launch import fake_clouds
from tests.unit.cmd.launch import web_servers

CATALOGUE = '''
[system-1]
user = "me"
min_disk = 2
min_memory = 256
properties = { os_distro = "debian" }
[system-1.builds.amd64]
address = "%s/system.img"
checksums = "%s/SUMS"
'''


class LaunchTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.EnvironmentVariable('HOME', str(folder)))
        self.useFixture(fixtures.EnvironmentVariable('XDG_DATA_HOME'))
        self.patch(time, 'sleep', lambda seconds: None)
        self.disk = demo_image.partition_table() + bytes(1 << 16)
        self.path = folder / 'disk.img'
        self.path.write_bytes(self.disk)
        self.cloud = fake_clouds.Cloud()
        self.output = web_servers.Output()
        self.shown = self.output.progress()
        self.images = catalogue.Catalogue({})
        self.store = store.Store(folder / 'cache', self.shown,
                                 web_servers.LIMITS)

    def launch(self, image=None, **wishes):
        recipe = recipes.find(str(image or self.path), self.images, 'amd64',
                              None)
        return launcher.Launcher(
            launcher.Cloud(self.cloud.sdk, self.cloud.glance,
                           ['--os-cloud', 'mine']), self.store,
            self.shown).launch(recipe, launcher.Wishes(**wishes))

    def serve(self):
        """Publish the disk, and enter it in the catalogue."""
        server = self.useFixture(web_servers.WebServer())
        server.files['/system.img'] = self.disk
        server.files['/SUMS'] = ('%s  system.img\n' % hashlib.sha256(
            self.disk).hexdigest()).encode()
        self.images = catalogue.Catalogue(catalogue.parse_entries(
            CATALOGUE % (server.address, server.address), 'text'))
        return server

    def names(self, result):
        return [' '.join(words[:3]) for words in result.commands]

    def test_file(self):
        result = self.launch(name='web')
        self.assertEqual('172.16.41.9', result.server.address)
        [image] = self.cloud.images.values()
        self.assertEqual(('disk', 'raw', 'bare', 1, 'active'), tuple(
            image[name] for name in ('name', 'disk_format',
                                     'container_format', 'min_disk',
                                     'status')))
        [created] = self.cloud.compute.created
        self.assertEqual(('web', image['id'], '1'), (
            created['name'], created['image_id'], created['flavor_id']))
        self.assertEqual(
            ['openstack keypair create', 'openstack image create',
             'openstack server create'], self.names(result))

    def test_known_image(self):
        self.serve()
        result = self.launch('system-1')
        [image] = self.cloud.images.values()
        self.assertEqual(('system-1', 'me', 'x86_64', 'debian'), tuple(
            image[name] for name in ('name', 'os_admin_user', 'architecture',
                                     'os_distro')))
        [created] = self.cloud.compute.created
        # The catalogue says that it needs 2 GB.
        self.assertEqual(('system-1', '2'),
                         (created['name'], created['flavor_id']))
        self.assertNotIn('--login', result.ssh())

    def test_again(self):
        server = self.serve()
        self.launch('system-1')
        result = self.launch('system-1', name='second')
        self.assertEqual(1, len(self.cloud.images))
        self.assertEqual(['openstack server create'], self.names(result))
        self.assertEqual(1, [path for path, _ in server.requests].count(
            '/system.img'))

    def test_image_whose_name_another_one_has(self):
        self.cloud.images.create(name='disk')
        [*_, command] = self.launch().commands
        self.assertIn('image-2', command)

    def test_flavor_that_is_made(self):
        self.cloud.compute.flavor_list.clear()
        self.assertIn('openstack flavor create', self.names(self.launch()))

    def test_wishes(self):
        result = self.launch(
            name='web', flavor='large', network='net-1', user='root',
            properties=[('hw_disk_bus', 'ide')])
        [image] = self.cloud.images.values()
        self.assertEqual('ide', image['hw_disk_bus'])
        [created] = self.cloud.compute.created
        self.assertEqual('3', created['flavor_id'])
        self.assertIn('root', result.ssh())

    def test_wait(self):
        self.launch(wait=True)
        self.assertIn('The first boot took', self.output.getvalue())

    def test_line_to_wait_for(self):
        self.cloud.compute.consoles = ['up and running']
        self.launch(wait=True, ready='up and')

    def test_nothing_is_downloaded_if_the_network_is_unclear(self):
        server = self.serve()
        self.cloud.network.list.clear()
        self.assertRaises(errors.LaunchFailed, self.launch, 'system-1')
        self.assertEqual([], server.requests)

    def test_file_that_would_not_boot_is_not_uploaded(self):
        self.path.write_bytes(b'<html>Not found</html>')
        self.assertRaises(exception.ImageRefused, self.launch)
        self.assertEqual({}, self.cloud.images)

    def test_property_that_the_driver_refuses(self):
        self.assertRaises(exception.ImageRefused, self.launch, properties=[
            ('hw_disk_bus', 'virtio')])

    def test_how_to_log_in(self):
        words = self.launch(user='me').ssh()
        self.assertEqual(
            ['nova-vmrun', 'ssh', '--os-cloud', 'mine', '--login', 'me',
             '--identity'], words[:7])
        # The key was made, so ssh would not find it.
        self.assertTrue(pathlib.Path(words[7]).is_file())
        self.assertEqual(['uuid-1'], words[8:])

    def test_server_without_an_address(self):
        self.cloud.compute.addresses = {}
        text = self.launch().text()
        self.assertIn('has no address', text)
        self.assertNotIn('Log in', text)

    def test_what_is_printed(self):
        text = self.launch(name='web', user='me').text()
        for line in ('Server web (uuid-1) has the address 172.16.41.9.',
                     'nova-vmrun ssh --os-cloud mine --login me ',
                     'openstack server create --image disk',
                     'openstack console url show uuid-1',
                     'openstack server delete uuid-1'):
            self.assertIn(line, text)
