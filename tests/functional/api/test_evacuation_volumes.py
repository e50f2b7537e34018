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


"""Evacuation of servers whose disks are all volumes, on iSCSI or NFS."""

import os
from unittest import mock

from nova import exception as nova_exception
from testtools import testcase

from nova_vmrun.host import fuse
from nova_vmrun.server import layout
from tests.functional.api import test_boot_from_volume
from tests.functional.api import test_evacuation
from tests.functional.api import test_iscsi
from tests.functional.api import test_nfs
from tests.iscsi import base

_FIRST, _LATER = b'written on the first host', b'written on the second host'


class _VolumesTestCase(test_boot_from_volume.TestCase,
                       test_evacuation.TestCase):

    # Later ones leave an evacuated server stopped.
    microversion = '2.94'

    def make_server(self):
        self.volumes = [self.add(), self.add()]
        root, data = self.volumes
        return self.request(self.existing(root),
                            self.existing(data, boot_index=-1),
                            host='compute')

    def write(self, path, content, offset=0):
        """Write to a volume as the guest does."""
        with open(path, 'r+b') as file:
            file.seek(offset)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def read(self, path, content, offset=0):
        with open(path, 'rb') as file:
            file.seek(offset)
            self.assertEqual(content, file.read(len(content)))


class IscsiTestCase(test_iscsi.TestCase, _VolumesTestCase):
    """The target is tgtd, and each host logs in to it."""

    def setUp(self):
        super().setUp()
        self.second_layout = layout.Layout(self.paths['second'], '_base')
        self.addCleanup(base.end_daemons, self.second_layout)

    def add(self):
        return self.cinder.add(bootable=True)

    def shown(self, host, volume):
        """Return the path of the file that shows a volume on a host."""
        return os.path.join(
            layout.Layout(self.paths[host], '_base').volume(
                self.server['id'], volume), 'volume-%s-flat.vmdk' % volume)

    @testcase.attr('sample')
    def test_volumes_go_with_their_server(self):
        for volume in self.volumes:
            self.write(self.shown('compute', volume), _FIRST)
        self.lose(fenced=False)
        # Nobody sees who writes to them. Nova keeps the beginning of the
        # list.
        self.refuse('host compute may still write',
                    'volume ' + min(self.volumes))
        self.assertEqual([], self.running('second'))
        # What connects them ends with the power.
        base.end_daemons(self.layout)
        self.force_down(True)
        self.evacuate()
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        for volume in self.volumes:
            shown = self.shown('second', volume)
            self.assertTrue(fuse.is_mounted(shown))
            self.read(shown, _FIRST)
            self.write(shown, _LATER, len(_FIRST))
        self.come_back()
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        for volume in self.volumes:
            self.assertFalse(os.path.lexists(self.shown('compute', volume)))
            self.read(self.cinder.content(volume), _FIRST + _LATER)
        self._delete_server(self.server)
        for volume in self.volumes:
            self.assertFalse(os.path.lexists(self.shown('second', volume)))
            self.read(self.cinder.content(volume), _FIRST + _LATER)

    def test_a_host_that_was_only_cut_off(self):
        """Its nova-compute has not ended, so Nova removes nothing there."""
        self.lose_connection()
        look = self.compute.manager.driver.get_available_resource
        look('compute')
        self.assertEqual([self.vmx['compute']], self.real_paths('compute'))
        self.evacuate()
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        look('compute')
        self.assertEqual([], self.running('compute'))
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        self.assertTrue(os.path.exists(self.vmx['compute']))
        for volume in self.volumes:
            self.assertTrue(fuse.is_mounted(self.shown('second', volume)))
        # Only a start removes it.
        self.compute.stop()
        self.come_back()
        self.assertFalse(os.path.exists(self.vmx['compute']))
        self.assertEqual([self.vmx['second']], self.real_paths('second'))

    def test_a_server_that_was_deleted_elsewhere(self):
        self.lose_connection()
        self.evacuate()
        self._delete_server(self.server)
        self.compute.manager.driver.get_available_resource('compute')
        self.assertEqual([], self.running('compute'))
        self.assertTrue(os.path.exists(self.vmx['compute']))

    def test_a_host_whose_server_could_not_be_evacuated(self):
        self.lose_connection()
        self.vmware.set_knobs(FAULTS='start * refuse Unknown error')
        self.evacuate('failed', 'ERROR')
        self.vmware.set_knobs()
        self.compute.manager.driver.get_available_resource('compute')
        self.assertEqual([self.vmx['compute']], self.real_paths('compute'))

    def test_a_failure_after_the_start_on_the_other_host(self):
        """Nova has the server where it was, and its VM runs elsewhere."""
        self.lose(fenced=True)
        base.end_daemons(self.layout)
        self.start_and_fail()
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        self.come_back()
        self.reboot()
        event = self._wait_for_action_fail_completion(
            self.server, 'reboot', 'compute_reboot_instance')
        self.assertIn('may be running on host second', event['details'])
        self.assertEqual([], self.running('compute'))
        look = self.second.manager.driver.get_available_resource
        look('second')
        self.assertEqual([], self.running('second'))
        self.assertEqual(['cancelled'], self.migrations())
        self.reboot()
        self._wait_for_state_change(self.server, 'ACTIVE')
        self.assertEqual([self.vmx['compute']], self.real_paths('compute'))
        look('second')
        self.assertEqual([self.vmx['compute']], self.real_paths('compute'))
        # What it has built does not refuse the next evacuation.
        self.lose(fenced=True)
        base.end_daemons(self.layout)
        self.evacuate()
        self.assertEqual([self.vmx['second']], self.real_paths('second'))

    def start_and_fail(self):
        """Let Nova fail on the other host when the VM has started."""
        driver = self.second.manager.driver
        spawn = driver.spawn

        def spawn_and_fail(*args, **kwargs):
            spawn(*args, **kwargs)
            raise nova_exception.NovaException('The bus is away.')

        with mock.patch.object(driver, 'spawn', spawn_and_fail):
            self.evacuate('failed', 'ERROR')

    def reboot(self):
        self.admin_api.post_server_action(self.server['id'],
                                          {'reboot': {'type': 'HARD'}})

    def lose_connection(self):
        self.lost.add('compute')
        self.force_down(True)


class NfsTestCase(test_nfs.TestCase, _VolumesTestCase):

    def content(self, volume):
        return os.path.join(self.mount, 'volume-' + volume)

    def test_volumes_go_with_their_server(self):
        for volume in self.volumes:
            self.write(self.content(volume), _FIRST)
        self.lose(fenced=False)
        self.refuse('host compute may still write', '.vmdk.lck')
        self.assertEqual([], self.running('second'))
        self.force_down(True)
        self.evacuate()
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        for volume in self.volumes:
            self.read(self.content(volume), _FIRST)
        self.come_back()
        # It leaves what the other host's VM has open.
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        for volume in self.volumes:
            self.assertIn('volume-%s.vmdk' % volume, self.in_mount())
        self._reboot_server(self.server, hard=True, api=self.admin_api)
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        self._delete_server(self.server)
        self.assertEqual(sorted('volume-' + volume
                                for volume in self.volumes), self.in_mount())
        for volume in self.volumes:
            self.read(self.content(volume), _FIRST)
