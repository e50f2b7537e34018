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

"""Packer, which makes an image of a server that it has changed over ssh."""

import json
import os

from tests.clients import base
from tests.e2e.guest import console

_IMAGE = 'packed'


class PackerTestCase(base.ProgramCase):

    program = 'packer'

    def test_builds_an_image(self):
        template = os.path.join(self.folder, 'template.json')
        with open(template, 'w') as file:
            json.dump(self.template(), file)
        printed = self.succeed(self.executable, 'build', '-color=false',
                               template, CHECKPOINT_DISABLE='1')
        image = self.cloud.image.find_image(_IMAGE)
        self.addCleanup(self.cloud.image.delete_image, image)
        self.assertIn('An image was created: %s' % image.id, printed)
        # Packer has deleted its server.
        self.assertEqual([], list(self.cloud.compute.servers()))
        _, facts = self.boot(image)
        self.assertEqual('by packer', console.files(facts)['packed'])

    def template(self):
        return {
            'builders': [{
                'type': 'openstack',
                'cloud': base.CLOUD,
                'image_name': _IMAGE,
                'source_image': self.plane.image(os_admin_user='root').id,
                'flavor': self.plane.flavor().name,
                'networks': [self.plane.nat.id],
                'ssh_username': 'root',
                # Its own keys are RSA keys, with signatures that the guest's
                # server no longer takes.
                'ssh_keypair_name': self.make_key(),
                'ssh_private_key_file': self.identity,
                'ssh_file_transfer_method': 'sftp'}],
            'provisioners': [{
                'type': 'shell',
                'inline': ['echo by packer > /data/files/packed', 'sync']}]}
