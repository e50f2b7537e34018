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

import os
import time

from nova import conf as nova_conf
from nova import exception as nova_exception
from nova import objects
from nova import test
from nova.tests.unit import utils
from nova.tests.unit.virt import test_virt_drivers as novas

from nova_vmrun.ops import networks
from nova_vmrun.ops.resize import moves
from tests.functional.contract import base
from tests.functional.contract import offer
from tests.functional import fake_ssh
from tests.functional import fake_vmware
from tests.functional import glance_uploads
from tests.unit.volumes import files

CONF = nova_conf.CONF
_IMAGE = 'cedef40a-ed67-4d10-800e-17455edce175'
# Seconds. A guest boots in less than one, if the machine is not busy.
_PATIENCE = 60

# Methods that tests of Nova's call besides those in their names.
_ALSO_CALLS = {
    'test_snapshot_not_running': 'snapshot',
    'test_snapshot_running': 'snapshot',
    'test_unrescue_rescued_instance': 'rescue',
    'test_unrescue_unrescued_instance': 'unrescue',
    'test_restore_running': 'restore',
    'test_restore_soft_deleted': 'soft_delete',
    'test_attach_detach_volume': 'attach_volume',
    'test_attach_detach_different_power_states': 'attach_volume',
    'test_get_volume_connector': 'attach_volume',
    'test_get_device_name_for_instance': 'attach_volume',
    'test_get_volume_connector_storage_ip': 'attach_volume',
    'test_host_power_action_reboot': 'host_power_action',
    'test_host_power_action_shutdown': 'host_power_action',
    'test_host_power_action_startup': 'host_power_action',
}


class NovasOwnTestCase(novas._VirtDriverTestCase, test.TestCase):
    """Nova's tests of a driver.

    They pass over each method that raises NotImplementedError. Here such a
    test is skipped if the method is on our list, and fails if it is not.
    """

    REQUIRES_LOCKING = True

    def setUp(self):
        name = self._testMethodName
        method = _ALSO_CALLS.get(name, name.removeprefix('test_'))
        if method in offer.REFUSED:
            self.skipTest('%s: %s' % (method, offer.REFUSED[method]))
        self.driver_module = 'nova_vmrun.driver.VmrunDriver'
        super().setUp()
        # Where Nova's tests have their addresses.
        self.useFixture(base.fixtures.MockPatchObject(
            fake_vmware.FakeVmware, 'host_networks', dict(
                fake_vmware.FakeVmware.host_networks,
                vmnet8=('nat', True, '10.0.0.0'))))
        self.vmware = base.use_fakes(self)
        self.useFixture(glance_uploads.GlanceUploads())
        elsewhere = self.useFixture(base.fixtures.TempDir()).path
        # nova-compute has used that folder.
        os.mkdir(os.path.join(elsewhere, 'locks'))
        programs = self.useFixture(fake_ssh.FakeSsh({
            'this_host': CONF.instances_path,
            # The name that Nova's tests give to another one.
            'dest_host': elsewhere}))
        self.flags(ssh_path=programs.ssh, group='vmrun')
        self.flags(enabled=True, group='serial_console')
        # Nova's tests attach volumes without a block device mapping.
        self.useFixture(base.fixtures.MonkeyPatch(
            'nova_vmrun.ops.nova.device_tags.tag_of_volume',
            lambda *args: None))
        self.volumes = self.useFixture(base.fixtures.TempDir()).path
        self.flags(volume_folders=[self.volumes], group='vmrun')
        self.useFixture(base.fixtures.MockPatchObject(
            novas.LOG, 'error', side_effect=AssertionError))
        # Nova has a record of the migration by then; its tests have none.
        self.useFixture(base.fixtures.MockPatch(
            'nova_vmrun.ops.resize.moves.destination',
            return_value=moves.Destination('dest_host', 'dest_host')))
        self.image_service.images[_IMAGE]['disk_format'] = 'raw'
        self.image_service._imagedata[_IMAGE] = bytes(1 << 20)
        self.connection.init_host('myhostname')
        self.addCleanup(self.connection.cleanup_host, 'myhostname')
        # Nova's tests have ports of Open vSwitch.
        self.stub_out('nova.network.model.VIF_TYPE_OVS', networks.VIF_TYPE)
        make_instance = utils.get_test_instance

        def make_named_instance(*args, **options):
            """Nova's API gives each server a name; its tests do not."""
            instance = make_instance(*args, **options)
            instance.display_name = 'web'
            return instance

        self.stub_out('nova.tests.unit.utils.get_test_instance',
                      make_named_instance)
        make_image_meta = objects.ImageMeta.from_dict

        def make_meta_of_an_image(image):
            """Nova's tests rescue from an image that is not even named."""
            return make_image_meta(image or self.image_service.images[_IMAGE])

        self.stub_out('nova.objects.ImageMeta.from_dict',
                      staticmethod(make_meta_of_an_image))

    def test_get_console_output(self):
        """Bytes, as libvirt's driver returns them; Nova's fake has text."""
        instance, _network_info = self._get_running_instance()
        # The guest boots meanwhile.
        deadline = time.monotonic() + _PATIENCE
        while b'web login: ' not in (output := (
                self.connection.get_console_output(self.ctxt, instance))):
            self.assertLess(time.monotonic(), deadline, output)
            time.sleep(0.1)

    def test_set_admin_password(self):
        """The image of Nova's test has no guest agent."""
        instance, _network_info = self._get_running_instance(obj=True)
        self.assertRaises(nova_exception.QemuGuestAgentNotEnabled,
                          self.connection.set_admin_password, instance,
                          'p4ssw0rd')

    def test_attach_detach_volume(self):
        """VMware adds no disk to the running server of Nova's test."""
        instance, _network_info = self._get_running_instance()
        self.assertRaises(
            nova_exception.NovaException, self.connection.attach_volume,
            None, files.make(self.volumes), instance, '/dev/sdb')
        self.assertIsNone(self.connection.detach_volume(
            None, files.make(self.volumes), instance, '/dev/sdb'))

    def test_get_device_name_for_instance(self):
        """A running server is refused before Cinder is asked."""
        instance, _network_info = self._get_running_instance()
        volume = objects.BlockDeviceMapping(
            source_type='volume', destination_type='volume', tag=None)
        self.assertRaises(
            nova_exception.InvalidInput,
            self.connection.get_device_name_for_instance, instance, [],
            volume)
        self.connection.power_off(instance)
        self.assertRaises(
            NotImplementedError,
            self.connection.get_device_name_for_instance, instance, [],
            volume)

    def test_attach_detach_different_power_states(self):
        """With a volume that is there, and a server that is stopped."""
        instance, network_info = self._get_running_instance()
        volume = files.make(self.volumes)
        self.connection.power_off(instance)
        self.connection.attach_volume(None, volume, instance, '/dev/sdb')
        self.connection.power_on(
            self.ctxt, instance, network_info,
            {'block_device_mapping': [{'connection_info': volume,
                                       'boot_index': None}]})
        self.assertRaises(
            nova_exception.DeviceDetachFailed, self.connection.detach_volume,
            None, volume, instance, '/dev/sdb')
        self.connection.power_off(instance)
        self.connection.detach_volume(None, volume, instance, '/dev/sdb')

    def _check_available_resource_fields(self, host_status):
        # Nova swallows a NotImplementedError that happens in here.
        super()._check_available_resource_fields(host_status)
        self.assertIn('vmware', str(host_status['supported_instances']))
