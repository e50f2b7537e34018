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

"""The commands do what the launch does, says the client that runs them."""

import pathlib
import shlex

from openstackclient.compute.v2 import flavor as osc_flavor
from openstackclient.compute.v2 import keypair as osc_keypair
from openstackclient.compute.v2 import server as osc_server
from openstackclient.image.v2 import image as osc_image

from nova_vmrun.cmd.image import upload
from nova_vmrun.cmd.launch import boot
from nova_vmrun.cmd.launch import choices
from nova_vmrun.cmd.launch import commands
from nova_vmrun.cmd.launch import keys
from tests.unit import base
from tests.unit.cmd.launch import fake_clouds

FLAVOR = choices.Flavor('7', 'big one', 512, 3, 2)
REQUEST = boot.Request('my web', 'image-1', FLAVOR,
                       choices.Network('net-1', 'vmnet8'), 'my key')


class CommandsTestCase(base.TestCase):

    def parse(self, words, command, length=3):
        """Parse a command as its program does, after a shell has split it."""
        self.assertEqual(words, shlex.split(commands.text(words)))
        app = fake_clouds.thing(client_manager=None, options=None,
                                stdout=None, stderr=None)
        return command(app, None).get_parser(' '.join(
            words[:length])).parse_args(words[length:])

    def test_server(self):
        parsed = self.parse(commands.server_create(REQUEST, 'debian 12'),
                            osc_server.CreateServer)
        self.assertEqual(
            ('my web', 'debian 12', 'big one', 'my key', True),
            (parsed.server_name, parsed.image, parsed.flavor,
             parsed.key_name, parsed.wait))
        [nic] = parsed.nics
        self.assertEqual('vmnet8', nic['net-id'])

    def test_image(self):
        attributes = {'disk_format': 'vmdk', 'container_format': 'ova',
                      'min_disk': 3, 'os_distro': 'debian',
                      'hw_disk_bus': 'ide'}
        parsed = self.parse(commands.image_create(
            '/a b/c.ova', "it's", attributes), osc_image.CreateImage)
        self.assertEqual(
            ("it's", '/a b/c.ova', 'vmdk', 'ova', 3,
             {'os_distro': 'debian', 'hw_disk_bus': 'ide'}),
            (parsed.name, parsed.filename, parsed.disk_format,
             parsed.container_format, parsed.min_disk, parsed.properties))

    def test_image_that_is_converted(self):
        parsed = self.parse(commands.image_upload(
            'vm folder', 'vm', {'os_distro': 'debian'}), upload.Upload)
        self.assertEqual(
            ('vm folder', 'vm', [('os_distro', 'debian')]),
            (parsed.file, parsed.name, parsed.property))

    def test_flavor(self):
        parsed = self.parse(commands.flavor_create(FLAVOR),
                            osc_flavor.CreateFlavor)
        self.assertEqual(
            ('big one', 512, 3, 2),
            (parsed.name, parsed.ram, parsed.disk, parsed.vcpus))

    def test_key(self):
        parsed = self.parse(commands.keypair_create(
            keys.PublicKey(pathlib.Path('/a b/key.pub'), 'ssh-rsa', 'x'),
            'my key'), osc_keypair.CreateKeypair)
        self.assertEqual(('my key', '/a b/key.pub'),
                         (parsed.name, parsed.public_key))
