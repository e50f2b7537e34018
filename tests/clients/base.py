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

"""Base class of the tests of programs that use the cloud."""

import atexit
import os
import shutil
import subprocess
import sys
import unittest

import fixtures
import testtools

from tests.e2e.cloud import base
from tests.e2e.cloud import control_plane
from tests.e2e.guest import host_interface

CLOUD = 'nova-vmrun'
_TIMEOUT = 600      # seconds for one program
_KEY = 'clients'

_plane = None


def _shared():
    """Return the run's control plane, whose network the host is on."""
    global _plane
    if _plane is None:
        _plane = control_plane.ControlPlane(net='tap', options=())
        atexit.register(_plane.end)
    return _plane


class ProgramCase(base.CloudCase):
    """Base class that runs a program and logs in to servers.

    The programs find the cloud where clouds.yaml usually is. Packer looks for
    it in the home directory of /etc/passwd, and so needs the variable.

    :cvar program: the program that the tests are about
    """

    program: str

    def setUp(self):
        self.executable = shutil.which(self.program, path=os.pathsep.join([
            os.path.join(sys.prefix, 'bin'), os.environ['PATH'],
            '/usr/sbin']))
        if self.executable is None:
            raise unittest.SkipTest('%s is not installed' % self.program)
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.make_home()
        self.identity = os.path.join(self.folder, 'identity')
        self.succeed('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f',
                     self.identity)

    def find_plane(self):
        self.useFixture(host_interface.HostInterface())
        return _shared()

    def make_home(self):
        home = os.path.join(self.folder, 'home')
        target = os.path.join(home, '.config', 'openstack')
        os.makedirs(target)
        shutil.copy(self.plane.layout.clouds, target)
        for name, value in (
                ('HOME', home), ('XDG_CONFIG_HOME', None),
                ('OS_CLIENT_CONFIG_FILE',
                 os.path.join(target, 'clouds.yaml'))):
            self.useFixture(fixtures.EnvironmentVariable(name, value))

    def make_key(self):
        with open(self.identity + '.pub') as file:
            key = self.cloud.compute.create_keypair(
                name=_KEY, public_key=file.read())
        self.addCleanup(self.cloud.compute.delete_keypair, key)
        return _KEY

    def server_of(self, server):
        """Return a server that a program has created."""
        return base.Server(self.plane, server)

    def run_words(self, *words, **variables):
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=_TIMEOUT,
            env={**os.environ, **variables})
        self.addDetail(' '.join(words), testtools.content.text_content(
            done.stdout))
        return done

    def succeed(self, *words, **variables):
        """Return what a command prints."""
        done = self.run_words(*words, **variables)
        self.assertEqual(0, done.returncode, done.stdout)
        return done.stdout
