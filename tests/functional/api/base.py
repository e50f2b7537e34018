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


"""A whole Nova in one process, with our driver and the fake VMware tools."""

import functools
import io
import os
import subprocess
import sys
import time
from unittest import mock

import fixtures
from nova.compute import power_state
from nova import context
from nova.tests.functional.api import client as api_client
from nova.tests.functional import integrated_helpers
from nova import thread_pool_factory
from oslo_utils import uuidutils
from testtools import testcase

# Registers the options.
from nova_vmrun import driver
from nova_vmrun.formats import vmx
from nova_vmrun.host import resources
from nova_vmrun.ops import networks
from nova_vmrun import osvif
from nova_vmrun.server import vm_process
from tests.contract import ports
from tests.functional import delays
from tests.functional import fake_vmware
from tests.functional import idle_threads

# Tests that also run with the noise of VMware's loaders and libraries.
sample = testcase.attr('sample')

# Timeout in seconds; only a test that fails waits this long.
PATIENCE = 240 if delays.LONGEST else 60
# Seconds between two looks. Nova's API answers in this process, and a look
# costs it a tenth of a second that the work waited for could use.
_LOOK_AGAIN = 0.4
_OTHER_PROJECT = '9f1d4c6be0a24e6c8a4c2d0b7e35f186'


def make_image(path, image_format='qcow2', size='4M', options=()):
    """Make a disk image with some real content, like qemu-img does.

    :returns: its bytes
    """
    raw = path + '.raw'
    with open(raw, 'wb') as file:
        file.write(os.urandom(256 * 1024))
        file.truncate(int(size.rstrip('M')) << 20)
    subprocess.run(['qemu-img', 'convert', '-f', 'raw', '-O', image_format,
                    *options, raw, path], check=True)
    with open(path, 'rb') as file:
        return file.read()


def free_port_range(count):
    """Return first:last of a range of TCP ports; the first is free."""
    first = ports.free(count)
    return '%d:%d' % (first, first + count - 1)


def _paste_config(folder):
    """Write Nova's api-paste.ini without the old API /v2.

    Nova would load both APIs for each test, which takes as long again.
    """
    path = os.path.join(folder, 'api-paste.ini')
    with open(os.path.join(sys.prefix, 'etc', 'nova',
                           'api-paste.ini')) as file:
        lines = [line for line in file if not line.startswith('/v2/')]
    with open(path, 'w') as file:
        file.writelines(lines)
    return path


class TestCase(testcase.WithAttributes,
               integrated_helpers._IntegratedTestBase):

    microversion = 'latest'
    ADMIN_API = True
    # The parent of temporary folders; None for the default.
    FOLDERS = None
    VNC_PORTS = 100
    # Whether the driver sends lifecycle events.
    HEARS_EVENTS = True

    def setUp(self):
        super().setUp()
        self.notifier.wait_for_versioned_notifications = functools.partial(
            self.notifier.wait_for_versioned_notifications, timeout=PATIENCE)

    def _setup_services(self):
        idle_threads.look_rarely()
        self.useFixture(delays.Delays())
        osvif.install()
        self.folder = self.useFixture(
            fixtures.TempDir(rootdir=self.FOLDERS)).path
        self.vmware = self.useFixture(self._fake_vmware())
        self.instances_path = os.path.join(self.folder, 'instances')
        self.flags(api_paste_config=_paste_config(self.folder), group='wsgi')
        self.flags(compute_driver='nova_vmrun.VmrunDriver',
                   instances_path=self.instances_path,
                   state_path=self.folder,
                   shutdown_timeout=5,
                   # Nova's tests let a service end while the next one, or
                   # the next test, begins.
                   manager_shutdown_timeout=10,
                   # Whoever runs tests has files too.
                   disk_allocation_ratio=1000.0)
        self.flags(handle_virt_lifecycle_events=self.HEARS_EVENTS,
                   group='workarounds')
        # With one host, "no host is left" would hide why this one failed.
        self.flags(max_attempts=1, group='scheduler')
        self.flags(vmrun_path=self.vmware.vmrun,
                   vdiskmanager_path=self.vmware.vdiskmanager,
                   vnc_port_range=free_port_range(self.VNC_PORTS),
                   group='vmrun')
        # Nova's tests may not read /sys.
        self.useFixture(fixtures.MockPatchObject(
            resources.Host, 'cpu_info', {'arch': 'x86_64'}))
        self._bind_ports(networks.VIF_TYPE)
        self._managers = []
        super()._setup_services()
        self.driver = self.compute.manager.driver
        self.assertIsInstance(self.driver, driver.VmrunDriver)

    def start_service(self, *args, **options):
        """Start a service, and remember whom to ask whether it is busy."""
        service = super().start_service(*args, **options)
        self._managers.append(service.manager)
        return service

    def _bind_ports(self, vif_type):
        """Bind all ports as a mechanism driver does."""
        bound = {'binding:vif_type': vif_type}
        for port in self.neutron._ports.values():
            port.update(bound)
        self.neutron.default_port = dict(self.neutron.default_port, **bound)

    def _fake_vmware(self):
        return fake_vmware.FakeVmware()

    # Nova's own methods look twice a second, which is slow, and give up after
    # five to twenty seconds, which is too short on a busy machine.

    def _wait_for_server_parameter(self, server, expected_params,
                                   max_retries=None, api=None,
                                   wait_for_fault_key=True):
        """Wait until a server has the given values; return it.

        If it has no task, also wait for the last steps of the former one:
        Nova writes faults and ends of events after it has cleared the task,
        and clears it again at the end of an action that has failed.
        """
        wanted = dict(expected_params)
        keys = {'fault'} if wait_for_fault_key and (
            wanted.get('status') == 'ERROR') else set()

        def look():
            shown = (api or self.admin_api).get_server(server['id'])
            self.seen = {key: shown.get(key) for key in {*wanted, 'fault'}}
            if shown['OS-EXT-STS:task_state'] is None:
                self.seen['in progress'] = self._in_progress(server)
            return keys <= shown.keys() and all(
                shown[key] == wanted[key] for key in wanted
            ) and not self.seen.get('in progress') and shown

        return self.wait_for(look, 'a server with %s' % wanted)

    def _wait_for_state_change(self, server, expected_status,
                               max_retries=None, wait_for_fault_key=True):
        """Wait until a server has a status and no task; return it."""
        return self._wait_for_server_parameter(
            server, {'status': expected_status,
                     'OS-EXT-STS:task_state': None},
            wait_for_fault_key=wait_for_fault_key)

    def _in_progress(self, server):
        """Return the names of Nova's unfinished tasks for a server.

        Leave out those with which a host waits for a server: Nova does not
        end them if the other host refuses to send it.
        """
        return [task['name'] for manager in self._managers
                for task in list(manager._in_progress_tasks.values())
                if task['instance_uuid'] == server['id'] and
                not task['name'].endswith('_at_dest')]

    def _wait_for_migration_status(self, server, expected_statuses):
        """Wait until a server has such a migration; return that."""
        wanted = {status.lower() for status in expected_statuses}

        def look():
            self.seen = [
                migration for migration in self.admin_api.api_get(
                    '/os-migrations').body['migrations']
                if migration['instance_uuid'] == server['id']]
            return next((migration for migration in self.seen
                         if migration['status'].lower() in wanted), None)

        return self.wait_for(look, 'a migration that is %s' % wanted)

    def _wait_for_instance_action_event(self, server, action_name,
                                        event_name, event_result):
        """Wait until the last action of a name has such an event and is over.

        :returns: the event
        """
        def look():
            requests = [action['request_id'] for action in
                        self.admin_api.get_instance_actions(server['id'])
                        if action['action'] == action_name]
            # The newest comes first.
            self.seen = self.admin_api.get_instance_action_details(
                server['id'], requests[0])['events'] if requests else []
            return next((
                event for event in self.seen if event['event'] == event_name
                and (event['result'] or '').lower() == event_result.lower()),
                None)

        event = self.wait_for(look, '%s: %s' % (event_name, event_result))
        self._wait_for_server_parameter(server,
                                        {'OS-EXT-STS:task_state': None})
        return event

    def _wait_until_deleted(self, server):
        """Wait until a server is gone; it may not go into ERROR."""
        may_fail = server.get('status') == 'ERROR'

        def look():
            try:
                self.seen = self.api.get_server(server['id'])
            except api_client.OpenStackApiNotFoundException:
                return True
            if not may_fail:
                self.assertNotEqual('ERROR', self.seen['status'], self.seen)
            return False

        self.wait_for(look, 'the end of a server')

    def wait_for(self, condition, what):
        """Wait until a condition returns a true value, and return it."""
        deadline = time.monotonic() + PATIENCE
        while not (value := condition()):
            if time.monotonic() > deadline:
                self.fail('Waited %d s for %s; last seen: %s' % (
                    PATIENCE, what, getattr(self, 'seen', 'nothing')))
            time.sleep(_LOOK_AGAIN)
        return value

    # Images

    def add_image(self, image_format='qcow2', content=None, properties=None,
                  size='4M', options=(), **changes):
        """Put an image into Glance; return its id."""
        if content is None:
            content = make_image(
                os.path.join(self.folder, uuidutils.generate_uuid()),
                image_format, size, options)
        metadata = dict({
            'id': uuidutils.generate_uuid(), 'name': 'image',
            'disk_format': image_format, 'container_format': 'bare',
            'visibility': 'public', 'is_public': True, 'status': 'active',
            'size': len(content), 'min_ram': 0, 'min_disk': 0,
            'properties': properties or {}}, **changes)
        self.glance.create(None, metadata, data=io.BytesIO(content))
        return metadata['id']

    def make_iso(self, text='installer'):
        """Make an ISO image with a file in it; return its bytes."""
        folder = os.path.join(self.folder, 'cd')
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, 'file'), 'w') as file:
            file.write(text)
        path = folder + '.iso'
        subprocess.run(['genisoimage', '-quiet', '-o', path, folder],
                       check=True)
        with open(path, 'rb') as file:
            return file.read()

    def add_flavor(self, **changes):
        """Make a flavor; return its id."""
        return self._create_flavor(**dict(
            {'vcpu': 1, 'memory_mb': 64, 'disk': 1, 'ephemeral': 0},
            **changes))

    def boot(self, image_id=None, flavor_id=None, networks='none',
             expected_state='ACTIVE', **options):
        """Boot a server and wait for it.

        :param options: further fields of the request: name, config_drive...
        """
        server = self.request_boot(image_id, flavor_id, networks, **options)
        return self._wait_for_state_change(server, expected_state)

    def request_boot(self, image_id=None, flavor_id=None, networks='none',
                     **options):
        """Request a server without waiting for it."""
        body = self._build_server(
            image_uuid=image_id or self.add_image(),
            flavor_id=flavor_id or self.add_flavor(), networks=networks)
        body.update(options)
        return self.admin_api.post_server({'server': body})

    # Another tenant

    @functools.cached_property
    def other_tenant(self):
        """Return the API of a user in another project."""
        api = api_client.TestOpenStackClient(
            'other', self.api_fixture.base_url, project_id=_OTHER_PROJECT,
            roles=['reader', 'member'])
        api.microversion = self.microversion
        return api

    def boot_for_other(self, **options):
        """Boot a server of the other tenant; return it."""
        body = self._build_server(
            image_uuid=self.add_image(), flavor_id=self.add_flavor(),
            networks='none')
        body.update(options)
        server = self.other_tenant.post_server({'server': body})
        return self._wait_for_state_change(server, 'ACTIVE')

    def fault(self, server):
        """Return the fault that the API shows for a server."""
        return self.admin_api.get_server(server['id'])['fault']['message']

    def sync_power_states(self):
        """Do what Nova does every ten minutes, and wait for its end."""
        spawn_on, syncs = thread_pool_factory.spawn_on, []

        def collect_syncs(executor_type, function, *args):
            if executor_type is thread_pool_factory.ExecutorType.SYNC_POWER:
                syncs.append(functools.partial(function, *args))
            else:
                spawn_on(executor_type, function, *args)

        with mock.patch.object(thread_pool_factory, 'spawn_on',
                               collect_syncs):
            self.compute.manager._sync_power_states(
                context.get_admin_context())
        for sync in syncs:
            sync()

    # What is on this host

    def path(self, server, *names):
        return os.path.join(self.instances_path, server['id'], *names)

    def connected(self):
        """Return the names in the folder of connected volumes."""
        folder = os.path.join(self.instances_path, '_volumes')
        return os.listdir(folder) if os.path.isdir(folder) else []

    def vmx_path(self, server):
        return self.path(server, server['id'] + '.vmx')

    def vmx(self, server):
        with open(self.vmx_path(server), 'rb') as file:
            return vmx.load(file.read())

    def is_running(self, server):
        return os.path.realpath(self.vmx_path(server)) in map(
            os.path.realpath, self.vmware.running())

    def pid_of(self, server):
        """Return the process of a server's VM."""
        return vm_process.identity(self.vmx_path(server))[0]

    def power_state(self, server):
        return self.admin_api.get_server(server['id'])[
            'OS-EXT-STS:power_state']

    def assertRunning(self, server):
        self.assertTrue(self.is_running(server))
        self.assertEqual(power_state.RUNNING, self.power_state(server))

    def assertNothingLeft(self):
        """Assert that no server, VM or incomplete cache file is left."""
        self.assertEqual([], self.vmware.running())
        left = set(os.listdir(self.instances_path))
        self.assertEqual({'_base', 'locks'}, left & {'_base', 'locks'} | left -
                         {'compute_nodes', '_volumes'})
        self.assertIn(self.connected(), ([], ['initiator']))
        for folder, _folders, names in os.walk(
                os.path.join(self.instances_path, '_base')):
            self.assertNotIn(os.sep + 'work-', folder)
            self.assertEqual([], [n for n in names if n.endswith('.part')])
