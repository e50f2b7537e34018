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

"""Properties of images and flavors that VMware cannot fulfil.

They are refused with a reason. A server that was built with them before keeps
working.
"""

import os

from nova import context
from nova import objects

from tests.functional.api import base
from tests.functional import glance_uploads


class TestCase(base.TestCase):

    # A refusal is reported later, not to the caller.
    CAST_AS_CALL = False

    def flavor(self, **extra_specs):
        """Make a flavor; return its id."""
        return self.add_flavor(extra_spec={
            name.replace('__', ':'): value
            for name, value in extra_specs.items()})

    def act(self, server, name, body=None):
        self.admin_api.post_server_action(server['id'], {name: body})

    def failure(self, server, action, event):
        """Wait until an action has failed; return what its event tells."""
        return self._wait_for_action_fail_completion(
            server, action, event)['details']

    def remember(self, server):
        """Give a server properties that older releases accepted."""
        instance = objects.Instance.get_by_uuid(
            context.get_admin_context(), server['id'],
            expected_attrs=['flavor', 'system_metadata'])
        instance.flavor.extra_specs = dict(instance.flavor.extra_specs,
                                           **{'hw:numa_nodes': '1'})
        instance.system_metadata['image_hw_watchdog_action'] = 'reset'
        instance.save()

    def cached(self):
        """Return the names of images that were fetched."""
        folder = os.path.join(self.instances_path, '_base')
        return os.listdir(folder) if os.path.exists(folder) else []


class BootTestCase(TestCase):

    def refused(self, image=None, **extra_specs):
        server = self.boot(
            self.add_image(properties=image or {}),
            self.flavor(**extra_specs), expected_state='ERROR')
        fault = self.fault(server)
        self._delete_server(server)
        return fault

    def test_what_vmware_has_not(self):
        for image, extra_specs, words in (
                ({}, {'hw__numa_nodes': '1'}, 'NUMA'),
                ({}, {'hw__mem_page_size': 'large'}, 'memory page size'),
                ({}, {'hw__watchdog_action': 'reset'}, 'watchdog'),
                ({'hw_watchdog_action': 'poweroff'}, {}, 'watchdog'),
                ({'hw_vif_multiqueue_enabled': 'true'}, {}, 'queues'),
                ({'os_command_line': 'single'}, {}, 'command line')):
            fault = self.refused(image, **extra_specs)
            self.assertIn(words, fault)
            self.assertIn('Use another %s'
                          % ('image' if image else 'flavor'), fault)
        self.assertEqual([], [name for name in self.cached()
                              if name.endswith('.vmdk')])
        self.assertNothingLeft()

    def test_what_the_scheduler_keeps_away(self):
        for image, extra_specs in (
                ({}, {'hw__pmem': 'GOLD'}),
                ({'hw_maxphysaddr_mode': 'passthrough'}, {}),
                ({'img_hv_type': 'kvm'}, {}),
                ({'hw_virtio_packed_ring': 'true'}, {}),
                ({'hw_firmware_stateless': 'true',
                  'hw_firmware_type': 'uefi'}, {})):
            self.assertIn('No valid host', self.refused(image, **extra_specs))

    def test_pinned_cpus(self):
        """Nova asks for ordinary CPUs where no host offers pinned ones."""
        fault = self.refused(hw__cpu_policy='dedicated')
        self.assertIn('pin virtual CPUs', fault)

    def test_what_asks_for_nothing(self):
        server = self.boot(
            self.add_image(properties={'hw_watchdog_action': 'disabled',
                                       'os_require_quiesce': 'no'}),
            self.flavor(hw__cpu_policy='shared', hw__mem_page_size='any'))
        self.assertRunning(server)

    def test_the_generation_of_the_hardware(self):
        server = self.boot(flavor_id=self.flavor(vmware__hw_version='vmx-14'))
        self.assertEqual('14', self.vmx(server)['virtualHW.version'])
        self.assertIn('vmx-10 to vmx-',
                      self.refused(vmware__hw_version='vmx-99'))


class ChangingTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.flags(allow_resize_to_same_host=True)
        self.server = self.boot()

    def assertGoesOn(self):
        self._wait_for_state_change(self.server, 'ACTIVE')
        self.assertRunning(self.server)


class ChosenTestCase(ChangingTestCase):

    def test_resize(self):
        pid = self.pid_of(self.server)
        self.act(self.server, 'resize',
                 {'flavorRef': self.flavor(hw__numa_nodes='1')})
        self.assertIn('NUMA', self.failure(self.server, 'resize',
                                           'compute_resize_instance'))
        self.assertGoesOn()
        self.assertEqual(pid, self.pid_of(self.server))

    def test_rebuild(self):
        self.act(self.server, 'rebuild', {'imageRef': self.add_image(
            properties={'hw_watchdog_action': 'reset'})})
        self.assertIn('watchdog', self.failure(self.server, 'rebuild',
                                               'compute_rebuild_instance'))

    def test_unshelve(self):
        self.useFixture(glance_uploads.GlanceUploads())
        self.flags(shelved_offload_time=0)
        self._shelve_server(self.server)
        self.remember(self.server)
        self.act(self.server, 'unshelve')
        self.assertIn('watchdog', self.failure(self.server, 'unshelve',
                                               'compute_unshelve_instance'))
        self._wait_for_state_change(self.server, 'SHELVED_OFFLOADED')
        self._delete_server(self.server)
        self.assertNothingLeft()


class ExistingTestCase(ChangingTestCase):
    """Servers that were built before their properties were refused."""

    def setUp(self):
        super().setUp()
        self.remember(self.server)

    def test_power(self):
        self._stop_server(self.server)
        self._start_server(self.server)
        self.assertGoesOn()
        pid = self.pid_of(self.server)
        self._reboot_server(self.server, hard=True)
        self.assertGoesOn()
        self.assertNotEqual(pid, self.pid_of(self.server))
        self._delete_server(self.server)
        self.assertNothingLeft()

    def test_resize_to_what_vmware_has(self):
        self.act(self.server, 'resize',
                 {'flavorRef': self.add_flavor(memory_mb=128)})
        self._wait_for_state_change(self.server, 'VERIFY_RESIZE')
        self.act(self.server, 'revertResize')
        self.assertGoesOn()

    def test_rebuild_keeps_the_flavor(self):
        self.act(self.server, 'rebuild', {'imageRef': self.add_image()})
        self._wait_for_state_change(self.server, 'ACTIVE')
        self.assertGoesOn()
