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

"""A driver with the fake VMware tools, as a mixin for Nova's test cases."""

import os

import fixtures
from nova.network import model
from nova import objects
from nova import test
from oslo_utils import uuidutils

from nova_vmrun import driver
from nova_vmrun.host import resources
from nova_vmrun.ops.nova import evacuations
from tests.functional.api import base as api_base
from tests.functional import fake_vmware


def use_fakes(test, **knobs):
    """Make a test's driver use the fake tools.

    :param test: a nova.test.TestCase
    :param knobs: of the fakes
    :returns: the FakeVmware
    """
    # The folder goes after the VMs in it. It is not in the temporary folder of
    # Nova's own fixtures: the path of a socket has to be short.
    test.flags(instances_path=os.path.join(
        test.useFixture(fixtures.TempDir(rootdir='/tmp')).path, 'instances'))
    vmware = test.useFixture(fake_vmware.FakeVmware(**knobs))
    test.flags(vmrun_path=vmware.vmrun,
               vdiskmanager_path=vmware.vdiskmanager,
               vnc_port_range=api_base.free_port_range(100), group='vmrun')
    # There is no database of the servers and their moves.
    for name in ('_moves', '_servers'):
        test.useFixture(fixtures.MockPatchObject(evacuations, name,
                                                 return_value=[]))
    # To fill a config drive, Nova asks Neutron.
    test.flags(force_config_drive=False)
    # Nova's tests may not read /sys, which describes the processors.
    test.useFixture(fixtures.MockPatchObject(
        resources.Host, 'cpu_info', {'arch': 'x86_64'}))
    return vmware


def start_driver(test):
    """Return a driver that is ready until the test ends."""
    made = driver.VmrunDriver(None)
    made.init_host('host')
    test.addCleanup(made.cleanup_host, 'host')
    return made


class DriverTestCase(test.NoDBTestCase):
    """A driver without the rest of Nova, and servers made by it alone."""

    REQUIRES_LOCKING = True

    def setUp(self):
        super().setUp()
        self.vmware = use_fakes(self)
        self.content = api_base.make_image(
            os.path.join(self.useFixture(fixtures.TempDir()).path, 'image'))
        self.fetched = 0
        self.copied = 0
        self.useFixture(fixtures.MockPatch('nova.virt.images.fetch',
                                           self._fetch))
        self.image_id = uuidutils.generate_uuid()
        # A mock would remember each call.
        self.useFixture(fixtures.MonkeyPatch(
            'nova_vmrun.ops.nova.glance.show', lambda *args, **options: {
                'id': self.image_id, 'size': len(self.content)}))
        # There is no database in which tags could be.
        self.useFixture(fixtures.MonkeyPatch(
            'nova_vmrun.ops.nova.device_tags.find', lambda *args: None))
        self.driver = start_driver(self)
        self.runner = self.driver._hypervisor.runner

    def _fetch(self, context, image_id, path, trusted_certs=None):
        self.fetched += 1
        with open(path, 'wb') as file:
            file.write(self.content)

    def instance(self, root_gb=1):
        flavor = objects.Flavor(
            flavorid=uuidutils.generate_uuid(), vcpus=1, memory_mb=64,
            root_gb=root_gb, ephemeral_gb=0, swap=0, extra_specs={})
        return objects.Instance(
            id=1, uuid=uuidutils.generate_uuid(), display_name='web',
            image_ref=self.image_id, flavor=flavor, trusted_certs=None,
            config_drive='', vm_state='active', task_state=None,
            device_metadata=None, info_cache=objects.InstanceInfoCache(
                network_info=model.NetworkInfo()),
            system_metadata={
                'image_disk_format': 'qcow2',
                'image_base_image_ref': self.image_id})

    def spawn(self, instance, network_info=()):
        self.driver.spawn(
            None, instance, objects.ImageMeta.from_dict({
                'id': self.image_id, 'disk_format': 'qcow2',
                'container_format': 'bare', 'properties': {}}),
            [], None, {}, network_info=network_info)
        return instance

    def running_server(self, **options):
        return self.spawn(self.instance(**options))
