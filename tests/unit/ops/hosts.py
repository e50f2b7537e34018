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

"""A host without VMware, for the unit tests of operations."""

import os
import types
from unittest import mock

import fixtures

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import product
from nova_vmrun.ops import access
from nova_vmrun.ops import consoles
from nova_vmrun.ops import guest_info
from nova_vmrun.ops import lifecycle_events
from nova_vmrun.ops import parts
from nova_vmrun.ops.power import power
from nova_vmrun.ops import serial_consoles
from nova_vmrun.server import disk_lists
from nova_vmrun.server import guest_agents
from nova_vmrun.server import layout
from nova_vmrun.server import records
from nova_vmrun.server import states
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import server_storage
from nova_vmrun.tools import vmrun as vmrun_tool
from tests.unit import agents
from tests.unit import base
from tests.unit import locks
from tests.unit.storage import storages
from tests.unit import stubs

UUID = '11111111-2222-3333-4444-555555555555'
OTHER = '99999999-2222-3333-4444-555555555555'

VMX = 'config.version = "8"\nvirtualHW.version = "18"\n'


class Running(set):
    """The .vmx paths of VMs that run; each has its lock meanwhile.

    The process of the tests stands for all of them.
    """

    def add(self, path: str) -> None:
        super().add(path)
        # A VM whose folder was removed runs on without it.
        if (os.path.isdir(os.path.dirname(path)) and
                not os.path.exists(path + '.lck')):
            locks.lock(path)

    def discard(self, path: str) -> None:
        super().discard(path)
        files.remove_tree(path + '.lck')

    remove = discard

    def clear(self) -> None:
        for path in list(self):
            self.discard(path)


class Vmrun:
    """Stands for the program: VMs are paths in a set.

    :ivar tool: what the operations take for a tools.vmrun.Vmrun
    :ivar running: .vmx paths
    """

    def __init__(self):
        self.running = Running()
        self._failures = {}
        self.tool = mock.create_autospec(vmrun_tool.Vmrun, instance=True)
        self.tool.list.side_effect = self._list
        for verb, leaves_running in (
                ('start', True), ('stop', False), ('suspend', False),
                ('reset', None), ('pause', None), ('unpause', None)):
            getattr(self.tool, verb).side_effect = self._verb(
                verb, leaves_running)

    def fail(self, verb, error, works=False):
        """Makes a verb raise an error.

        :param works: whether the verb does its work nevertheless
        """
        self._failures[verb] = error, works

    def verbs(self):
        """Returns the verbs that were run, without list."""
        return [call[0] for call in self.tool.method_calls
                if call[0] != 'list']

    def _list(self):
        if 'list' in self._failures:
            raise self._failures['list'][0]
        return sorted(self.running)

    def _verb(self, verb, leaves_running):
        def run(vmx, **options):
            if not os.path.exists(vmx):
                raise exception.VmNotFound('vmrun %s failed.' % verb)
            error, works = self._failures.get(
                (verb, 'hard' if options.get('hard', True) else 'soft'),
                self._failures.get(verb, (None, True)))
            if works and leaves_running is not None:
                change = (self.running.add if leaves_running
                          else self.running.discard)
                change(vmx)
            if error:
                raise error
        return run


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class TestCase(base.TestCase):
    """A host with a folder for servers and a vmrun of the test's own."""

    kind = product.WORKSTATION

    def setUp(self):
        super().setUp()
        # No power cut is expected in a test, and disks are slow.
        self.useFixture(fixtures.MockPatch('os.fsync'))
        # The process that stands for all VMs is that of the tests.
        self.wait_until_ended = self.useFixture(fixtures.MockPatch(
            'nova_vmrun.server.vm_process.wait_until_ended')).mock
        self.layout = layout.Layout(
            self.useFixture(fixtures.TempDir()).path, '_base')
        self.layout.prepare()
        self.records = records.Records(self.layout, 'this-node')
        self.disk_lists = disk_lists.DiskLists(self.layout, self.records)
        self.vmrun = Vmrun()
        self.states = states.PowerStates(
            self.vmrun.tool, self.layout,
            vmx_file.VmxFiles(self.layout).load_patiently)
        self.events = lifecycle_events.LifecycleEvents(self.states,
                                                       self.layout)
        self.guest_agents = guest_agents.GuestAgents(self.layout)
        self.product = product.Product(self.kind, (17, 6, 0),
                                       '/usr/bin/vmrun', None)
        self.servers = parts.Servers(
            self.layout, self.records, self.disk_lists, self.states,
            vmx_file.VmxFiles(self.layout), self.make_storage())

    def host(self, conf=None, qemu_img=None, vdiskmanager=None, **own):
        """Return a parts.Host.

        :param conf: in place of nova.conf.CONF
        :param own: [vmrun] options, if there is no conf
        """
        return parts.Host(
            conf or types.SimpleNamespace(vmrun=stubs.conf(**own)),
            self.product, 'x86_64', self.vmrun.tool, qemu_img, vdiskmanager)

    def make_storage(self):
        """Return the disks in storage folders, of which there are none."""
        return server_storage.ServerStorage(
            storages.folders(self.layout), self.layout, self.records,
            vmx_file.VmxFiles(self.layout), 'this-node')

    def images(self, cache=None):
        """Return a parts.Images that has at most a cache."""
        return parts.Images(cache, None, None)

    def make_power(self, **access_parts):
        """Return a Power; its consoles are mocks unless they are given."""
        return power.Power(self.host(), self.servers,
                           self.make_access(**access_parts), self.events)

    def make_access(self, **access_parts):
        defaults = dict(
            consoles=consoles.Consoles,
            serial_consoles=serial_consoles.SerialConsoles,
            guest_info=guest_info.GuestInfo)
        return access.Access(**{
            name: access_parts.get(name) or mock.create_autospec(
                kind, instance=True) for name, kind in defaults.items()},
            guest_agents=self.guest_agents)

    def add_server(self, uuid=UUID, running=False, vmx=VMX, **record):
        """Makes the folder of a server."""
        self.records.create(uuid, 'instance-%s' % uuid[:4], **record)
        files.write_atomically(self.layout.vmx(uuid), vmx)
        if running:
            self.start(uuid)

    def start(self, uuid=UUID):
        """Makes a server's VM run; this very process stands for it."""
        self.vmrun.running.add(self.layout.vmx(uuid))

    def add_agent(self, *scripts, uuid=UUID):
        """Let an agent answer in a guest; return it."""
        agent = agents.Agent(self.layout.agent_socket(uuid), *scripts)
        self.addCleanup(agent.close)
        return agent

    def is_running(self, uuid=UUID):
        return self.layout.vmx(uuid) in self.vmrun.running

    def state(self, uuid=UUID):
        return self.states.get(uuid)


def refused(text='The operation was canceled'):
    return exception.Canceled('vmrun failed.', 'Output: Error: ' + text,
                              output='Error: ' + text)


def hung():
    return exception.ToolTimeout('vmrun did not end within 60 seconds.')
