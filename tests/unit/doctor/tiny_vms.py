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

"""Stand-ins for the programs of a trial, and VMs that they run."""

import os
import socket
from unittest import mock

import fixtures

from nova_vmrun.doctor import steps
from nova_vmrun.doctor import trial_vms
from nova_vmrun.formats import vmx
from nova_vmrun.formats import volume_files
from nova_vmrun.host import product
from nova_vmrun.tools import process


class Programs(steps.Recorder):
    """Answers as vmrun and vmcli do, and runs nothing.

    :ivar sockets: what listens on the serial ports of running VMs, by .vmx
    :ivar adapters: that vmrun connects
    :ivar hears_vmcli: whether vmcli changes a VM that runs
    :ivar refused: words of a command line that fails
    """

    def __init__(self):
        super().__init__()
        self.running = []
        self.sockets = {}
        self.adapters = {'ethernet0'}
        self.hears_vmcli = True
        self.refused = None
        self.has_sockets = True

    def run(self, *argv, timeout, kill_group=True, limits=None, until=None):
        words = tuple(map(str, argv))
        self.calls.append(words)
        if self.refused and self.refused in words:
            return process.Result(words, 255, 'Error: Unknown error\n', '')
        answer = getattr(self, '_' + os.path.basename(words[0]))(*words[1:])
        if answer is None:
            return process.Result(words, 255, 'Error: Unknown error\n', '')
        return process.Result(words, 0, answer, '')

    def _vmrun(self, _, __, verb, *operands):
        if verb == 'list':
            return '\n'.join(['Total running VMs: %d' % len(self.running),
                              *self.running, ''])
        path = operands[0]
        if verb == 'start':
            self.running.append(path)
            self._listen(path)
        elif verb in ('stop', 'suspend'):
            if path not in self.running:
                return None
            self.running.remove(path)
            self._hang_up(path)
        elif verb == 'connectNamedDevice':
            return '' if operands[1] in self.adapters else None
        return ''

    def _listen(self, path):
        with open(path, 'rb') as file:
            name = vmx.load(file.read()).get('serial0.fileName')
        if name and self.has_sockets:
            name = os.path.join(os.path.dirname(path), name)
            if os.path.exists(name):
                os.unlink(name)
            self.sockets[path] = socket.socket(socket.AF_UNIX)
            self.sockets[path].bind(name)
            self.sockets[path].listen()

    def _hang_up(self, path):
        if path in self.sockets:
            os.unlink(self.sockets[path].getsockname())
            self.sockets.pop(path).close()

    def _vmcli(self, path, module, verb, *operands):
        if not self.hears_vmcli:
            return ''
        if (module, verb) == ('Disk', 'SetBackingInfo'):
            self._disk = operands[2]
        elif (module, verb) == ('Disk', 'SetPresent'):
            os.mkdir(volume_files.lock_of(self._disk))
        elif (module, verb) == ('Ethernet', 'SetPresent'):
            self.adapters.add(operands[0])
        return ''


class TinyVMs(fixtures.Fixture):
    """VMs of a trial, whose own disks are not made.

    :ivar folder: of the VMs
    :ivar programs: that they are run by
    """

    def _setUp(self):
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.bin = os.path.join(self.folder, 'bin')
        os.mkdir(self.bin)
        self.programs = Programs()
        self.useFixture(fixtures.MockPatchObject(
            trial_vms.linked, 'make_child'))
        self.vms = trial_vms.TrialVMs(
            product.Product(product.WORKSTATION, product.Version(17, 6, 4),
                            os.path.join(self.bin, 'vmrun'), None),
            self.programs, self.folder)
        self.addCleanup(self._hang_up)

    def _hang_up(self):
        for listener in self.programs.sockets.values():
            listener.close()

    def install(self, name):
        """Make a program that can be found, and return its path."""
        path = os.path.join(self.bin, name)
        with open(path, 'w') as file:
            os.fchmod(file.fileno(), 0o755)
        return path

    def write_log(self, name, text):
        """Append to the log of a VM."""
        with open(self.vms.path(name + '/vmware.log'), 'a') as file:
            file.write(text)


def fast_clock(module):
    """Return a fixture that lets no time pass while a module waits."""
    return fixtures.MockPatchObject(module, 'time', mock.Mock(
        monotonic=mock.Mock(side_effect=range(0, 10**6, 60))))
