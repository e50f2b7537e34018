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

"""The control plane and the resources that all tests of a run share."""

import atexit
import contextlib
import os
import subprocess
import sys
import tempfile

from oslo_utils import uuidutils
import psutil

from nova_vmrun.aio import client
from nova_vmrun.aio import config
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import ports
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings
from tests.e2e.guest import images

_TIMEOUT = 600      # seconds for one command
#: The networks of the fake's host: NAT and host-only.
NAT_GATEWAY = '172.16.41.2'
_PRIVATE_CIDR = '172.16.11.0/24'
_PRIVATE = 'private'
NAT = 'vmnet8'

#: Other control planes on this machine look for free VNC ports from 5900 on.
_NOVA_OPTIONS = """\
[DEFAULT]
initial_cpu_allocation_ratio = 16
[quota]
instances = -1
cores = -1
[vmrun]
vmnet_mappings = physnet-private:vmnet1
vnc_port_range = 7900:7999
"""
#: What Debian's cloud kernel has drivers for; it boots in half the time.
CLOUD_HARDWARE = {'hw_scsi_model': 'vmpvscsi', 'hw_vif_model': 'vmxnet3',
                  'hw_cdrom_bus': 'ide'}
#: The formats of the guest builder that have other names in Glance.
_DECLARED = {'vmdk-stream': {'disk_format': 'vmdk'},
             'ova': {'disk_format': 'vmdk', 'container_format': 'ova'}}
#: With its default Glance takes no extent of ESX.
_ANY_CONTENT = """\
[image_format]
require_image_format_match = False
"""

_shared = None


class ControlPlane:
    """An OpenStack whose compute host runs guests in QEMU.

    :ivar cloud: openstack.connection.Connection
    :ivar layout: Layout of its state directory
    :param net: how the host reaches guests, FAKE_VMRUN_NET
    :param name: of its state directory
    :param options: of "aio up"
    :param prefix: words before those of the command
    """

    def __init__(self, net='user', name='state', options=('--volumes',),
                 prefix=()):
        self._prefix = prefix
        self._folder = tempfile.TemporaryDirectory(prefix='nova-vmrun-e2e-')
        self.layout = aio_layout.Layout(
            os.path.join(self._folder.name, name))
        self._knobs = os.path.join(self._folder.name, 'knobs')
        self._usual_knobs = {'NET': net, 'QEMU_HARDWARE': 'native'}
        self._write_knobs(self._usual_knobs)
        self._images = {}
        self._flavors = {}
        self._write_nova_options()
        self.up('--fake', *options, '--port-base', str(ports.free_base()))
        settings = aio_settings.load(self.layout)
        self.cloud = client.connect(
            settings, aio_settings.passwords(self.layout))
        self.private = self._make_private_network()
        self.nat = self.cloud.network.find_network(NAT)

    def _write_nova_options(self):
        self.layout.create()
        folder = self.layout.config_dir('nova')
        folder.mkdir()
        (folder / config.LOCAL_CONF).write_text(_NOVA_OPTIONS)

    def _write_knobs(self, knobs):
        """The fake's programs read this file each time that they are run."""
        with open(self._knobs + '.new', 'w') as f:
            for name, value in knobs.items():
                f.write('%s = %s\n' % (name, value))
        os.replace(self._knobs + '.new', self._knobs)

    @contextlib.contextmanager
    def knobs(self, **changes):
        """Have the fake run with other knobs."""
        self._write_knobs({**self._usual_knobs, **changes})
        try:
            yield
        finally:
            self._write_knobs(self._usual_knobs)

    def aio(self, *words):
        """Run a command of ``nova-vmrun aio``; return what it printed."""
        done = subprocess.run(
            [*self._prefix, sys.executable, '-m', 'nova_vmrun.cmd.main',
             'aio', *words, '--state-dir', str(self.layout.root)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=_TIMEOUT,
            env={**os.environ, 'FAKE_VMRUN_ENGINE': 'qemu',
                 'FAKE_VMRUN_CONFIG': self._knobs})
        if done.returncode:
            raise AssertionError('aio %s: %s' % (' '.join(words),
                                                 done.stdout))
        return done.stdout

    def up(self, *words):
        return self.aio('up', *words)

    def end(self):
        self.aio('wipe', '--yes')
        self._folder.cleanup()

    # -- what is made once -----------------------------------------------

    def _make_private_network(self):
        network = self.cloud.network.create_network(
            name=_PRIVATE, provider_network_type='flat',
            provider_physical_network='physnet-private')
        self.cloud.network.create_subnet(
            network_id=network.id, name=_PRIVATE, ip_version=4,
            cidr=_PRIVATE_CIDR, gateway_ip=None, is_dhcp_enabled=False,
            allocation_pools=[{'start': '172.16.11.10',
                               'end': '172.16.11.100'}])
        return network

    def image(self, image_format='qcow2', kernel='cloud', guest='guest',
              **details):
        """Return an image of the guest, uploaded once for each kind.

        :param image_format: one that the guest's builder knows, or ova
        :param kernel: full (all drivers), or cloud: then its properties ask
            for hardware that it has drivers for
        :param guest: by which the guest knows its own disk among several
        :param details: properties; or disk_format, if that is not what it is
        """
        key = (image_format, kernel, guest, *sorted(details.items()))
        if key not in self._images:
            if kernel == 'cloud':
                details = {**CLOUD_HARDWARE, **details}
            self._images[key] = self.upload(
                images.image(image_format, kernel, guest),
                **{'disk_format': image_format,
                   **_DECLARED.get(image_format, {}), **details})
        return self._images[key]

    def upload(self, path, container_format='bare', **details):
        """Make an image of a file."""
        return self.cloud.image.create_image(
            # One of a known name might be taken instead.
            name=uuidutils.generate_uuid(), filename=path,
            container_format=container_format, validate_checksum=False,
            **details)

    def glance_takes_any_content(self):
        """Run Glance with an option that some sites need."""
        return self.options('glance', _ANY_CONTENT)

    @contextlib.contextmanager
    def options(self, service, more):
        """Run a service with more options for a while."""
        conf = self.layout.config_dir(service) / config.LOCAL_CONF
        before = conf.read_text()
        self._run_with(service, conf, before + more)
        try:
            yield
        finally:
            self._run_with(service, conf, before)

    def _run_with(self, service, conf, options):
        with self.killed(service):
            conf.write_text(options)

    @contextlib.contextmanager
    def killed(self, service):
        """Kill a service, and start it again afterwards."""
        process = psutil.Process(processes.find(self.layout, service))
        process.kill()
        psutil.wait_procs([process], timeout=10)
        try:
            yield
        finally:
            self.up()

    def flavor(self, ram=192, vcpus=1, disk=1, ephemeral=0, swap=0):
        """Return a flavor; sizes as Nova has them."""
        key = (ram, vcpus, disk, ephemeral, swap)
        if key not in self._flavors:
            self._flavors[key] = self.cloud.compute.create_flavor(
                name='e2e-%d-%d-%d-%d-%d' % key, ram=ram, vcpus=vcpus,
                disk=disk, ephemeral=ephemeral, swap=swap)
        return self._flavors[key]


def shared():
    """Return the run's control plane, brought up at the first call."""
    global _shared
    if _shared is None:
        _shared = ControlPlane()
        atexit.register(_shared.end)
    return _shared
