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

"""Stock nova-compute behind the RabbitMQ of "aio up --bus"."""

import io
import json
import os
import pathlib
import shutil
import subprocess
import time
import unittest

import fixtures
from nova_vmrun.aio.bus import broker
from nova_vmrun.aio import client
from nova_vmrun.aio import config
from nova_vmrun.aio import down
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import ports
from nova_vmrun.aio import report
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import up
from oslo_utils import uuidutils
import testtools
from testtools import content

from tests.functional.split import compute

HOST = 'compute1'
# Seconds; only a test that fails waits so long.
TIMEOUT = 300
_bases = set()


def missing():
    """Return what is not installed, or None."""
    if not compute.PROGRAM.exists():
        return 'nova-compute is not installed: there is no %s' % (
            compute.PROGRAM)
    if not shutil.which('qemu-img'):
        return 'qemu-img is not installed'
    try:
        broker.require_installed()
    except errors.AioError as error:
        return str(error)
    return None


def free_ports(count):
    """Return TCP ports on 127.0.0.1 that nothing listens on.

    It takes seconds until somebody does, so these are not those that systems
    use for outgoing connections, and no port is returned twice.

    :param count: at most that of a control plane's ports
    """
    while (first := ports.free_base()) in _bases:
        pass
    _bases.add(first)
    return list(range(first, first + count))


@unittest.skipIf(missing(), missing())
class TestCase(testtools.testcase.WithAttributes, testtools.TestCase):
    """A control plane and a nova-compute, connected only by RabbitMQ.

    :ivar cloud: an openstack.connection.Connection of an administrator
    :ivar nova_compute: a compute.NovaCompute
    """

    # Let the scheduler find a new host soon, and no host be down: on a busy
    # machine, a nova-compute may start for longer than Nova's 60 seconds.
    LOCAL_CONF = """\
[DEFAULT]
periodic_fuzzy_delay = 0
service_down_time = 600

[scheduler]
discover_hosts_in_cells_interval = 1
"""
    #: What is added to Neutron's options.
    NEUTRON_CONF = ''

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)
        progress = io.StringIO()
        self.report = report.Report(progress)
        self.addDetail('progress', content.Content(
            content.text_content('').content_type,
            lambda: [progress.getvalue().encode()]))
        self.start_control_plane()
        self.start_compute()

    def start_control_plane(self):
        self.layout = aio_layout.Layout(self.folder / 'control-plane')
        free = free_ports(len(aio_settings.DEFAULT_PORTS))
        settings = aio_settings.Settings(
            host=HOST, fake=True,
            ports=dict(zip(aio_settings.DEFAULT_PORTS, free)),
            # A stock nova-compute takes the place of ours.
            bus=aio_settings.OWN_BUS, compute=False)
        self.layout.create()
        settings.save(self.layout)
        self.addCleanup(down.wipe, self.layout, self.report)
        for project, text in (('nova', self.LOCAL_CONF),
                              ('neutron', self.NEUTRON_CONF)):
            local = self.layout.config_dir(project) / config.LOCAL_CONF
            local.parent.mkdir(mode=0o700)
            local.write_text(text)
        up.up(self.layout, settings, self.report)
        self.settings = settings
        self.cloud = client.connect(
            settings, aio_settings.passwords(self.layout))

    def start_compute(self):
        self.knobs = self.folder / 'knobs'
        self.knobs.touch()
        self.nova_compute = self.useFixture(compute.NovaCompute(
            self.folder, {'FAKE_VMRUN_STATE': str(self.layout.fake_state),
                          'FAKE_VMRUN_CONFIG': str(self.knobs)}))
        self.configure(self.changes())
        self.restart()
        self.wait_until(lambda: list(self.cloud.compute.hypervisors()),
                        'the scheduler knows the host')

    def changes(self):
        """Return changes of nova-compute's options; see compute.py."""
        return {}

    def configure(self, changes):
        """Set the options of the next nova-compute; see compute.py."""
        compute.write_config(self.layout.config_dir('nova') / 'nova.conf',
                             self.nova_compute.config, changes)

    def restart(self):
        """Start nova-compute, which must not be running, and wait for it."""
        self.nova_compute.start()
        self.wait_until(self.nova_compute.has_started,
                        'nova-compute has started')

    def wait_until(self, condition, what, interval=0.1):
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            if time.monotonic() > deadline:
                self.fail('%s: not within %d s' % (what, TIMEOUT))
            time.sleep(interval)
        self.report.line(what)

    def wait_for_status(self, server, status):
        def has_status():
            now = self.cloud.compute.get_server(server)
            if now.status == 'ERROR' != status:
                self.fail('%s: %s' % (now.name, now.fault))
            return now.status == status and now.task_state is None

        self.wait_until(has_status, 'the server is %s' % status)

    def upload_image(self, size_mb=16, content=b'', **properties):
        """Put a qcow2 image into Glance; it is kept as <id>.qcow2 here."""
        raw, path = self.folder / 'disk.raw', self.folder / 'disk.qcow2'
        raw.write_bytes(content)
        os.truncate(raw, size_mb << 20)
        subprocess.run(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2',
                        raw, path], check=True)
        image = self.cloud.image.create_image(
            name=uuidutils.generate_uuid(), filename=str(path),
            disk_format='qcow2', container_format='bare', wait=True,
            **properties)
        path.rename(self.image_path(image))
        return image

    def image_path(self, image):
        return self.folder / ('%s.qcow2' % image.id)

    def request_boot(self, image, **options):
        """Request a server without waiting for it.

        :param options: further fields of the request: name, networks...
        """
        flavor = self.cloud.compute.find_flavor('m1.nano')
        network = self.cloud.network.find_network(self.settings.network)
        return self.cloud.compute.create_server(**{
            'name': 'split', 'image_id': image.id, 'flavor_id': flavor.id,
            'networks': [{'uuid': network.id}], **options})

    def boot(self, image=None, **options):
        server = self.request_boot(image or self.upload_image(), **options)
        self.wait_for_status(server, 'ACTIVE')
        return server

    def delete(self, server):
        self.cloud.compute.delete_server(server)
        self.cloud.compute.wait_for_delete(server, interval=0.2,
                                           wait=TIMEOUT)
        self.report.line('the server is deleted')
        self.assertEqual([], self.running_vms())
        self.assertFalse((self.layout.instances / server.id).exists())

    def running_vms(self):
        """Return the .vmx paths that vmrun lists."""
        first, *vms = self.vmrun('list').splitlines()
        self.assertEqual('Total running VMs: %d' % len(vms), first)
        return vms

    def vmrun(self, *words):
        """Run vmrun as a user would, and return its output."""
        return subprocess.run(
            [self.layout.fakes / 'vmrun', '-T', 'ws', *words], check=True,
            capture_output=True, text=True,
            env={'FAKE_VMRUN_STATE': str(self.layout.fake_state)}).stdout

    def vmrun_calls(self):
        """Return the verbs of all calls of vmrun so far."""
        lines = (self.layout.fake_state / 'calls.jsonl').read_text()
        calls = [json.loads(line) for line in lines.splitlines()]
        # The verb follows -T and the product.
        return [call['argv'][2] for call in calls if call['prog'] == 'vmrun']
