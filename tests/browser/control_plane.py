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

"""The control plane that all tests of a run share."""

import atexit
import os
import subprocess
import sys
import tempfile

from nova_vmrun.aio import client
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import ports
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings

_TIMEOUT = 300      # seconds for one command

_shared = None


class ControlPlane:
    """An OpenStack with volumes and a dashboard, whose VMs are not booted.

    :ivar cloud: the administrator's openstack.connection.Connection
    :ivar own_cloud: that of an ordinary user
    :ivar layout: Layout of its state directory
    :ivar settings: its Settings
    :ivar said: what "aio up" printed
    """

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(
            prefix='nova-vmrun-browser-')
        self.layout = aio_layout.Layout(self._folder.name + '/state')
        self.said = self.aio('up', '--fake', '--volumes', '--dashboard',
                             '--port-base', str(ports.free_base()))
        self.settings = aio_settings.load(self.layout)
        self.cloud = client.connect(self.settings, self.passwords)
        self.own_cloud = client.connect(self.settings, self.passwords,
                                        client.User.DEMO)
        self.image = self._upload()

    @property
    def passwords(self):
        return aio_settings.passwords(self.layout)

    def aio(self, *words):
        """Run a command of ``nova-vmrun aio``; return what it printed."""
        done = subprocess.run(
            [sys.executable, '-m', 'nova_vmrun.cmd.main', 'aio', *words,
             '--state-dir', str(self.layout.root)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=_TIMEOUT,
            env={**os.environ, 'FAKE_VMRUN_ENGINE': 'plain',
                 'FAKE_VMRUN_NET': 'user'})
        if done.returncode:
            raise AssertionError('aio %s: %s' % (' '.join(words),
                                                 done.stdout))
        return done.stdout

    def end(self):
        self.aio('wipe', '--yes')
        left = processes.using(self.layout.root)
        self._folder.cleanup()
        if left:
            raise AssertionError('These still run: %s' % left)

    def _upload(self):
        path = os.path.join(self._folder.name, 'tiny.raw')
        with open(path, 'wb') as image:
            image.write(os.urandom(4096) + bytes(1024 * 1024))
        return self.cloud.image.create_image(
            name='tiny', visibility='public',
            filename=path, disk_format='raw',
            container_format='bare', validate_checksum=False)


def shared():
    """Return the run's control plane, brought up at the first call."""
    global _shared
    if _shared is None:
        _shared = ControlPlane()
        atexit.register(_shared.end)
    return _shared
