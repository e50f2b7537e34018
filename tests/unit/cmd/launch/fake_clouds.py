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

"""A cloud as the SDK and glanceclient show it, in memory."""

import hashlib
import types

from openstack import exceptions

CLOUD_INIT = ('[   12.3] Cloud-init v. 22.4.2 finished at Thu, 01 Jan 2026 '
              '00:00:00 +0000. Datasource DataSourceConfigDrive.\n')


def thing(**attributes):
    return types.SimpleNamespace(**attributes)


class Compute:
    """Nova.

    :ivar statuses: what get_server() shows one after the other; the last one
        stays
    :ivar consoles: the same of the console; an exception is raised
    :ivar created: the arguments of create_server()
    """

    def __init__(self):
        self.flavor_list = [
            thing(id='1', name='tiny', ram=512, disk=1, vcpus=1),
            thing(id='2', name='small', ram=2048, disk=20, vcpus=1),
            thing(id='3', name='large', ram=8192, disk=80, vcpus=4)]
        self.keypair_list = []
        self.statuses = ['BUILD', 'ACTIVE']
        self.fault = None
        self.consoles = ['', CLOUD_INIT]
        self.addresses = {'net': [{'addr': '172.16.41.9',
                                   'OS-EXT-IPS:type': 'fixed'}]}
        self.created = []
        self.refusal = None

    def _refuse(self):
        if self.refusal:
            raise self.refusal

    def flavors(self):
        return iter(self.flavor_list)

    def create_flavor(self, **attributes):
        self._refuse()
        self.flavor_list.append(thing(id='9', **attributes))
        return self.flavor_list[-1]

    def keypairs(self):
        return iter(self.keypair_list)

    def create_keypair(self, name, public_key):
        self._refuse()
        self.keypair_list.append(thing(name=name, public_key=public_key))

    def create_server(self, **attributes):
        self._refuse()
        self.created.append(attributes)
        return thing(id='uuid-1')

    def get_server(self, server_id):
        status = self.statuses[0]
        if len(self.statuses) > 1:
            self.statuses.pop(0)
        return thing(id=server_id, name='web', status=status, task_state=None,
                     fault=self.fault, addresses=self.addresses)

    def get_server_console_output(self, server_id, length=None):
        console = self.consoles[0]
        if len(self.consoles) > 1:
            self.consoles.pop(0)
        if isinstance(console, Exception):
            raise console
        return {'output': console}


class Network:
    """Neutron."""

    def __init__(self):
        self.list = [thing(id='net-1', name='vmnet8', is_shared=True,
                           project_id='admin', is_router_external=False)]

    def networks(self):
        return iter(self.list)


class Images(dict):
    """Glance's images by id, as glanceclient shows them."""

    def list(self, filters):
        return [dict(image) for image in self.values()
                if all(image[name] == value
                       for name, value in filters.items())]

    def create(self, **attributes):
        image = dict(attributes, id='image-%d' % (len(self) + 1),
                     owner='project', visibility='shared',
                     status='queued', os_hash_value=None)
        self[image['id']] = image
        return image

    def upload(self, image_id, file):
        data = file.read()
        while more := file.read():
            data += more
        self[image_id].update(
            status='active', size=len(data), os_hash_algo='sha512',
            os_hash_value=hashlib.sha512(data).hexdigest())

    def get(self, image_id):
        return self[image_id]

    def delete(self, image_id):
        del self[image_id]


class Cloud:
    """What a launcher uses of a cloud.

    :ivar sdk: for an openstack.connection.Connection
    :ivar glance: for a client of glanceclient
    """

    def __init__(self):
        self.compute = Compute()
        self.network = Network()
        self.images = Images()
        self.sdk = thing(compute=self.compute, network=self.network,
                         current_project_id='project')
        self.glance = thing(images=self.images)


def forbidden(text='Policy does not allow it'):
    return exceptions.ForbiddenException(message=text, details=text)
