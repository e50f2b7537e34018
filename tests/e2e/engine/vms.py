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

"""A VM for the tests of the engine."""

import os
import shutil
import signal
import subprocess
import sys
import unittest

import fixtures
from oslo_utils import uuidutils
import testtools

from tests.e2e.guest import console
from tests.e2e.guest import images

FAKES = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     os.pardir, os.pardir, 'fakes')
TIMEOUT = 1800      # seconds for one test
COMMAND = 600       # seconds for one command
STOP = 300          # seconds in which a guest shuts down

_BASE = {
    '.encoding': 'UTF-8', 'config.version': '8', 'virtualHW.version': '20',
    'virtualHW.productCompatibility': 'hosted', 'guestOS': 'ubuntu-64',
    'displayName': 'engine test', 'firmware': 'bios', 'numvcpus': '1',
    'cpuid.coresPerSocket': '1', 'memsize': '256',
    'floppy0.present': 'FALSE', 'uuid.action': 'keep',
    'msg.autoAnswer': 'TRUE', 'mainMem.useNamedFile': 'FALSE',
    'serial0.present': 'TRUE', 'serial0.fileType': 'file',
    'serial0.fileName': 'console.log', 'pciBridge0.present': 'TRUE',
    # Tests count what is in it.
    'answer.msg.serial.file.open': 'Append'}
for _n in '4567':
    _BASE.update({'pciBridge%s.present' % _n: 'TRUE',
                  'pciBridge%s.virtualDev' % _n: 'pcieRootPort',
                  'pciBridge%s.functions' % _n: '8'})


def disk_keys(controller='scsi0', kind='pvscsi', unit=0, name='disk.vmdk'):
    """Return the keys of one disk and of its controller."""
    node = '%s:%d' % (controller, unit)
    keys = {node + '.present': 'TRUE', node + '.fileName': name}
    if not controller.startswith('ide'):
        keys[controller + '.present'] = 'TRUE'
    if kind:
        keys[controller + '.virtualDev'] = kind
    return keys


def cd_keys(node, name):
    controller = node.partition(':')[0]
    keys = {node + '.present': 'TRUE', node + '.deviceType': 'cdrom-image',
            node + '.fileName': name}
    if not controller.startswith('ide'):
        keys[controller + '.present'] = 'TRUE'
    return keys


def nic_keys(number, model='vmxnet3', connection='nat', **more):
    name = 'ethernet%d' % number
    keys = {name + '.present': 'TRUE', name + '.virtualDev': model,
            name + '.connectionType': connection}
    keys.update(('%s.%s' % (name, key), value)
                for key, value in more.items())
    return keys


class VM(object):
    """One VM in a folder of its own.

    :ivar path: of the .vmx.
    :ivar console: console.Console of its first serial port.
    """

    def __init__(self, case, folder, keys):
        self._case = case
        self.folder = folder
        self.path = os.path.join(folder, 'test.vmx')
        self.console = console.Console.of_file(self.file('console.log'))
        os.makedirs(folder, exist_ok=True)
        self.write({**_BASE, **keys})

    def file(self, name):
        return os.path.join(self.folder, name)

    def write(self, keys):
        with open(self.path, 'w', encoding='utf-8') as f:
            for key, value in keys.items():
                f.write('%s = "%s"\n' % (key, value))

    def change(self, keys):
        """Change keys of a VM that is off."""
        self.write({**self.config(), **keys})

    def config(self):
        found = {}
        with open(self.path, encoding='utf-8') as f:
            for line in f:
                key, equals, value = line.partition(' = ')
                if equals:
                    found[key] = value.strip().strip('"')
        return found

    def log(self):
        with open(self.file('vmware.log'), encoding='utf-8') as f:
            return f.read()

    def pid(self):
        head = self.log().partition('\n')[0]
        return int(head.partition(' pid=')[2].split()[0])

    def copy(self, source, name='disk.vmdk'):
        path = self.file(name)
        shutil.copyfile(source, path)
        os.chmod(path, 0o600)
        return path

    def run(self, verb, *words, code=0):
        """Run a verb of vmrun on this VM and return its output."""
        return self._case.vmrun(verb, self.path, *words, code=code)

    def start(self):
        self.run('start', 'nogui')

    def boot(self, **waiting):
        """Start it and return the facts of this boot."""
        before = len(self.console.all_facts())
        self.start()
        return self.console.wait_facts(before + 1, **waiting)

    def kill(self):
        os.kill(self.pid(), signal.SIGKILL)


class EngineCase(testtools.testcase.WithAttributes, testtools.TestCase):
    """Base class that checks that a test leaves no process."""

    environ = {}

    def setUp(self):
        super().setUp()
        if not sys.platform.startswith('linux'):
            raise unittest.SkipTest('the QEMU engine runs on Linux only')
        images.need_programs('qemu-system-x86_64', 'qemu-nbd', 'qemu-img')
        self.useFixture(fixtures.Timeout(TIMEOUT, gentle=True))
        self.folder = self.useFixture(fixtures.TempDir()).path
        self._programs = os.path.join(self.folder, 'bin')
        self._environ = {
            **os.environ, 'FAKE_VMRUN_STATE': self.folder + '/state',
            'FAKE_VMRUN_ENGINE': 'qemu', 'FAKE_VMRUN_NET': 'user',
            'FAKE_VMRUN_HOST_CPUS': '8',
            'FAKE_VMRUN_STOP_TIMEOUT': str(STOP), **self.environ}
        subprocess.run([sys.executable, FAKES + '/install', self._programs],
                       check=True, stdout=subprocess.DEVNULL)
        self.vms = []
        self.addCleanup(self._check_nothing_is_left)
        self.addCleanup(self._stop_all)

    def vm(self, keys, disk=None, name='vm'):
        """Make a VM, with a copy of an image as its disk.vmdk."""
        vm = VM(self, os.path.join(self.folder, name),
                {'uuid.bios': _uuid_bios(uuidutils.generate_uuid()), **keys})
        if disk:
            vm.copy(disk)
        self.vms.append(vm)
        return vm

    def vmrun(self, *words, code=0):
        """Run vmrun, check its exit code and return what it printed."""
        done = subprocess.run(
            [os.path.join(self._programs, 'vmrun'), *words],
            env=self._environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=COMMAND, check=False)
        self.assertEqual(code, done.returncode, '%s: %s%s%s' % (
            ' '.join(words), done.stdout, done.stderr, self._why()))
        return done.stdout

    def _why(self):
        """Return what the logs of all VMs say about a refusal."""
        text = ''
        for vm in self.vms:
            if os.path.exists(vm.file('vmware.log')):
                text += ''.join(line for line in vm.log().splitlines(True)
                                if '[msg.' in line)
        return text

    def config_drive(self, user_data='', network_data='{}', name='config'):
        """Make a config drive and return its path."""
        images.need_programs('genisoimage')
        folder = os.path.join(self.folder, 'drive-' + name)
        latest = os.path.join(folder, 'openstack', 'latest')
        os.makedirs(latest)
        contents = {
            'meta_data.json': '{"uuid": "the-id", "hostname": "the-name"}',
            'user_data': user_data,
            'network_data.json': network_data}
        for name, text in contents.items():
            with open(os.path.join(latest, name), 'w') as f:
                f.write(text)
        path = os.path.join(self.folder, name + '.iso')
        subprocess.run(['genisoimage', '-quiet', '-J', '-r', '-V',
                        'config-2', '-o', path, folder], check=True,
                       stderr=subprocess.DEVNULL)
        return path

    def running(self):
        return self.vmrun('list').splitlines()[1:]

    def _stop_all(self):
        for vm in self.vms:
            if os.path.exists(vm.file('console.log')):
                self.addDetail('console of ' + vm.folder,
                               testtools.content.text_content(
                                   vm.console.text()[-20000:]))
        for path in self.running():
            self.vmrun('stop', path, 'hard')

    def _check_nothing_is_left(self):
        for vm in self.vms:
            self.assertEqual([], self.processes(vm.folder))

    def processes(self, mark):
        """Return the command lines that name a path of this test."""
        found = []
        for pid in os.listdir('/proc'):
            try:
                with open('/proc/%s/cmdline' % pid, 'rb') as f:
                    words = f.read().decode('utf-8', 'replace').split('\0')
            except OSError:
                continue
            if pid != str(os.getpid()) and any(mark in w for w in words):
                found.append(' '.join(words))
        return found

    def wait_for(self, what, found, timeout=console.TIMEOUT):
        """Wait until ``found()`` is true."""
        return console.Console(str).wait(what, found, timeout)


def _uuid_bios(uuid):
    digits = uuid.replace('-', '')
    pairs = [digits[n:n + 2] for n in range(0, 32, 2)]
    return '%s-%s' % (' '.join(pairs[:8]), ' '.join(pairs[8:]))
