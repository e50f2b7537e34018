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

"""Volumes that os-brick would connect: block devices of this host.

Loop devices stand for the LUNs of a SAN, and a stand-in for os-brick's
connectors makes them; root is needed for that.
"""

import os
import subprocess
from unittest import mock

from nova.tests.fixtures import cinder
from oslo_utils import units

from nova_vmrun.server import layout
from tests.functional.api import test_boot_from_volume


class LoopDevices:
    """Connects files as loop devices, as os-brick connects LUNs."""

    def connect_volume(self, connection_properties):
        path = connection_properties['backing_file']
        return {'type': 'block', 'path': self.of(path) or self._run(
            '--find', '--show', path)}

    def disconnect_volume(self, connection_properties, device_info):
        device = self.of(connection_properties['backing_file'])
        if device:
            self._run('--detach', device)

    def of(self, path):
        """Return the device of a file; empty if there is none."""
        return self._run('--associated', path).partition(':')[0]

    def _run(self, *words):
        return subprocess.run(['losetup', *words], check=True, text=True,
                              capture_output=True).stdout.strip()


class SanCinder(cinder.CinderFixture):
    """Volumes of the type fibre_channel."""

    def __init__(self, test, folder):
        super().__init__(test)
        self.folder = folder

    def add(self, size=1, **fields):
        """Make a volume of some GiB; return its id."""
        volume = self.fake_vol_create(None, size, 'volume', '')
        volume.update(fields)
        return volume['id']

    def fake_vol_create(self, context, size, *args, **options):
        volume = super().fake_vol_create(context, size, *args, **options)
        os.makedirs(self.folder, exist_ok=True)
        with open(self.path(volume['id']), 'wb') as file:
            file.truncate(size * units.Gi)
        return volume

    def _find_connection_info(self, volume_id, attachment_id):
        return {'driver_volume_type': 'fibre_channel',
                'data': {'target_wwn': ['50014380186b3f65'], 'target_lun': 1,
                         'backing_file': self.path(volume_id)}}

    def path(self, volume_id):
        return os.path.join(self.folder, volume_id)

    def status(self, volume_id):
        return self.fake_get(None, volume_id)['status']


class BrickTestCase(test_boot_from_volume.TestCase):

    def setUp(self):
        if os.geteuid() != 0 or not os.path.exists('/dev/loop-control'):
            self.skipTest('only root can make loop devices')
        self.devices = LoopDevices()
        for name, value in (('initiator', lambda brick, kind: self.devices),
                            ('host_properties',
                             lambda *words: {'wwpns': ['5001438018']})):
            patch = mock.patch('nova_vmrun.volumes.brick.Brick.' + name,
                               value)
            patch.start()
            self.addCleanup(patch.stop)
        super().setUp()
        self.layout = layout.Layout(self.instances_path, '_base')

    def _setup_services(self):
        self.flags(os_brick_volume_types=['fibre_channel'], group='vmrun')
        super()._setup_services()

    def make_cinder(self):
        return SanCinder(self, self._folder)

    def device(self, volume):
        return self.devices.of(self.cinder.path(volume))

    def extent(self, server, volume):
        """Return the device that a volume's descriptor names."""
        with open(os.path.join(
                self.layout.volume(server['id'], volume),
                'volume-%s.vmdk' % volume)) as file:
            line, = (line for line in file if line.startswith('RW '))
        return line.split('"')[1]

    def test_boot_stop_start_delete(self):
        with mock.patch('os_brick.privileged.rootwrap.execute') as execute:
            volume = self.cinder.add(bootable=True)
            server = self.request(self.existing(volume))
            self.assertRunning(server)
            device = self.device(volume)
            self.assertEqual(device, self.extent(server, volume))
            self.assertEqual(
                os.path.join(self.layout.volume(server['id'], volume),
                             'volume-%s.vmdk' % volume),
                self.boot_node(server))
            self.assertEqual(('chown', str(os.geteuid()), device),
                             execute.call_args.args)
            server = self._stop_server(server)
            # At the next login the kernel names the device otherwise.
            self.devices._run('--detach', device)
            other = os.path.join(self._folder, 'other')
            with open(other, 'wb') as file:
                file.truncate(units.Mi)
            taken = self.devices._run('--find', '--show', other)
            self.addCleanup(self.devices._run, '--detach', taken)
            server = self._start_server(server)
            self.assertRunning(server)
            self.assertEqual(self.device(volume),
                             self.extent(server, volume))
            self._delete_server(server)
        self.assertEqual('', self.device(volume))
        self.assertFalse(os.path.exists(self.layout.volumes(server['id'])))
        self.assertEqual('available', self.cinder.status(volume))
