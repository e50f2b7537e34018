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


"""The fake VMware tools, installed for a test."""

import json
import os
import shutil
import subprocess

import fixtures

FAKES = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'fakes')


class FakeVmware(fixtures.Fixture):
    """Installs the fakes, and ends all VMs at the end of the test.

    :ivar vmrun: path of the program
    :ivar vdiskmanager: path of the program
    :ivar state: folder of what they remember
    :ivar host_networks: names of virtual networks to (type, whether there is
        DHCP, subnet of 256 addresses); to be set before it is set up
    """

    host_networks = {
        'vmnet0': ('bridged', False, ''),
        'vmnet1': ('hostOnly', True, '172.16.11.0'),
        # Where Nova's fake Neutron has its addresses.
        'vmnet8': ('nat', True, '192.168.1.0')}

    def __init__(self, **knobs):
        self._knobs = knobs

    def _setUp(self):
        folder = self.useFixture(fixtures.TempDir()).path
        programs = os.path.join(folder, 'bin')
        self.state = os.path.join(folder, 'state')
        subprocess.run([os.path.join(FAKES, 'install'), programs], check=True,
                       stdout=subprocess.DEVNULL)
        self.vmrun = os.path.join(programs, 'vmrun')
        self.vdiskmanager = os.path.join(programs, 'vmware-vdiskmanager')
        self._knob_file = os.path.join(folder, 'knobs')
        for name, value in (('STATE', self.state),
                            ('CONFIG', self._knob_file)):
            self.useFixture(fixtures.EnvironmentVariable(
                'FAKE_VMRUN_' + name, value))
        self.set_knobs(**self._knobs)
        self._write_host_networks()
        self.addCleanup(self._end_all)

    def _write_host_networks(self):
        os.makedirs(self.state)
        with open(os.path.join(self.state, 'host.json'), 'w') as file:
            json.dump({'forwardings': {}, 'networks': {
                name: {'type': kind, 'dhcp': dhcp, 'subnet': subnet,
                       'mask': '255.255.255.0' if subnet else ''}
                for name, (kind, dhcp, subnet)
                in self.host_networks.items()}}, file)

    def of_another_machine(self, folder):
        """Return the path of a vmrun that knows VMs of its own.

        :param folder: for it and what it remembers
        """
        shutil.copytree(self.state, os.path.join(folder, 'state'))
        path = os.path.join(folder, 'vmrun')
        with open(path, 'w') as file:
            file.write('#!/bin/sh\nFAKE_VMRUN_STATE=%s/state exec %s "$@"\n'
                       % (folder, self.vmrun))
        os.chmod(path, 0o700)
        return path

    def set_knobs(self, **knobs):
        """Set the knobs of all later calls."""
        with open(self._knob_file, 'w') as file:
            for name, value in knobs.items():
                file.write('%s=%s\n' % (name, value))

    def asked_agents(self):
        """Return what the guest agents were asked: (command, arguments)."""
        path = os.path.join(self.state, 'agent.jsonl')
        if not os.path.exists(path):
            return []
        with open(path) as file:
            return [tuple(json.loads(line)) for line in file]

    def run(self, *words):
        """Run vmrun as a user would, and return its output."""
        return subprocess.run([self.vmrun, *words], check=True, text=True,
                              capture_output=True).stdout

    def running(self):
        """Return the .vmx paths of running VMs."""
        return [line for line in self.run('list').splitlines()
                if line.startswith('/')]

    def calls(self):
        """Return what was called: dicts with prog, argv, rc, start, end."""
        try:
            with open(os.path.join(self.state, 'calls.jsonl')) as file:
                return [json.loads(line) for line in file]
        except FileNotFoundError:
            return []

    def verbs_since(self, number):
        """Return (program, first word of its arguments) of later calls.

        :param number: how many calls there were before
        """
        return [(call['prog'], _verb(call['argv']))
                for call in self.calls()[number:]]

    def _end_all(self):
        self.set_knobs()
        for vmx in self.running():
            self.run('stop', vmx, 'hard')


def _verb(argv):
    words = iter(argv)
    for word in words:
        if word in ('-T', '-gu', '-gp', '-vp'):
            next(words)
        else:
            return word
    return ''
