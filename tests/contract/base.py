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

"""The base class of the contract tests.

A test calls the tools by their real names, in a temporary folder, and does not
know whether they are fakes. Tests marked ``@fakes_only`` or ``@needs_guest``
are skipped on real VMware.
"""

import fcntl
import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time

import testtools

from tests.contract import expected
from tests.contract import noise
from tests.contract import tools
from tests.contract import transcripts
from tests.contract import vmx

#: A real product takes seconds where a fake takes milliseconds.
TIMEOUT = 300 if tools.is_real() else 60
#: Timeout for what happens after a call has returned.
SETTLE = 60


def _skip_when_real(reason):
    def decorate(item):
        if tools.is_real():
            return testtools.skip(reason)(item)
        return item
    return decorate


#: The test also runs with the noise of loaders and libraries.
sample = testtools.testcase.attr('sample')
#: The test sets a knob or reads the state, which VMware does not have.
fakes_only = _skip_when_real('needs a knob of the fakes')
#: The test needs a guest OS with Tools, which the empty VMs here lack.
needs_guest = _skip_when_real('needs a guest OS with VMware Tools')


def gone(pid):
    """Return whether a process has ended; a zombie has."""
    try:
        with open('/proc/%d/stat' % pid, 'rb') as f:
            return f.read().rpartition(b')')[2].split()[0] == b'Z'
    except (FileNotFoundError, ProcessLookupError):
        return True


def product(*kinds):
    """Run the test for the first of ``kinds``.

    On real VMware it is skipped if another product is installed.
    """
    def decorate(function):
        @functools.wraps(function)
        def run(self, *args):
            if tools.is_real() and tools.real_product() not in kinds:
                self.skipTest('needs %s' % ' or '.join(kinds))
            self.use_product(kinds[0])
            return function(self, *args)
        return run
    return decorate


def without_attributes(identifier):
    """Return the name of a test as transcripts and lists have it."""
    return identifier.partition('[')[0]


def differs(identifier):
    """Return the entry of a test in the list of expected differences."""
    return expected.DIFFERENCES.get(
        without_attributes(identifier).rpartition('.')[2])


class ContractCase(testtools.testcase.WithAttributes, testtools.TestCase):
    """A temporary folder, a state folder, and methods to run the tools."""

    def setUp(self):
        super().setUp()
        if tools.is_real():
            self._wait_for_turn()
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix='contract-'))
        self.kind = tools.real_product() if tools.is_real() else 'ws'
        self.knobs = {'NOISE': '1'} if noise.is_on() else {}
        self.calls = []
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.addCleanup(self._end_machines)

    def _wait_for_turn(self):
        """Let one test use the product at a time: they share its list."""
        turn = open(os.path.join(tempfile.gettempdir(),
                                 'nova-vmrun-contract.lock'), 'w')
        self.addCleanup(turn.close)
        fcntl.flock(turn, fcntl.LOCK_EX)

    def run(self, result=None):
        reason = differs(self.id())
        if tools.is_real() and reason:
            result = _Tolerant(result, reason)
        return super().run(result)

    # -- the tools -------------------------------------------------------

    @property
    def state(self):
        """The state folder of the fakes."""
        return os.path.join(self.folder, transcripts.STATE)

    def use_product(self, kind, **knobs):
        """Choose the product that the fakes stand for."""
        self.kind = kind
        if not tools.is_real():
            self.knobs.update({'PRODUCT': kind}, **knobs)

    def environment(self):
        env = {key: value for key, value in os.environ.items()
               if not key.startswith('FAKE_VMRUN_')}
        env['LC_ALL'] = 'C'
        if not tools.is_real():
            env['PATH'] = tools.fake_bin() + os.pathsep + env['PATH']
            env['FAKE_VMRUN_STATE'] = self.state
            for name, value in self.knobs.items():
                env['FAKE_VMRUN_' + name] = str(value)
        return env

    def run_tool(self, name, *arguments, cwd=None, timeout=TIMEOUT,
                 env=None):
        """Run one of the tools.

        :returns: a :class:`tools.Result`.
        """
        before = transcripts.snapshot_of(self.folder)
        result = tools.run([tools.program(name)] + list(arguments),
                           dict(self.environment(), **(env or {})),
                           cwd or self.folder, timeout)
        after = transcripts.snapshot_of(self.folder)
        self.calls.append(transcripts.entry(
            result, name, arguments, before, after, self.folder))
        return result

    def vmrun(self, *arguments, **kwargs):
        """Run vmrun with ``-T`` of the product in use."""
        return self.run_tool('vmrun', '-T', self.kind, *arguments, **kwargs)

    def vdisk(self, *arguments, **kwargs):
        """Run vmware-vdiskmanager in the test's folder."""
        return self.run_tool('vmware-vdiskmanager', *arguments, **kwargs)

    def popen(self, *arguments, **kwargs):
        """Start vmrun and do not wait for it.

        :returns: a Popen whose standard output is a pipe.
        """
        child = subprocess.Popen(
            [tools.program('vmrun')] + list(arguments),
            env=self.environment(), stdout=subprocess.PIPE, **kwargs)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.addCleanup(child.stdout.close)
        return child

    # -- assertions ------------------------------------------------------

    def done(self, *arguments, **kwargs):
        """Run vmrun and expect success without output, except for noise."""
        result = self.vmrun(*arguments, **kwargs)
        self.assertEqual((0, '', ''), (result.rc, result.out, result.err),
                         result)
        return result

    def says(self, output, *arguments, **kwargs):
        """Run vmrun and expect exit 0 and exactly this output."""
        result = self.vmrun(*arguments, **kwargs)
        self.assertEqual((0, output, ''),
                         (result.rc, result.out, result.err), result)

    def refused(self, text, *arguments, **kwargs):
        """Run vmrun; expect ``Error: TEXT`` on stdout and exit 255."""
        result = self.vmrun(*arguments, **kwargs)
        self.assertEqual((255, 'Error: %s\n' % text, ''),
                         (result.rc, result.out, result.err), result)
        return result

    def wait_for(self, condition, what='condition'):
        """Wait until ``condition()`` is true and return what it returned."""
        end = time.monotonic() + SETTLE
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                self.fail('still waiting for %s' % what)
            time.sleep(0.01)

    # -- VMs -------------------------------------------------------------

    def make_vm(self, name='vm', disk=True, **keys):
        """Write a VM that boots.

        :param disk: False for one with no disk.
        :param keys: further keys of the .vmx, dots written as ``__``;
            None leaves a key out.
        :returns: a :class:`vmx.VM`.
        """
        machine = vmx.VM(self, os.path.join(self.folder, name), name)
        os.makedirs(machine.folder)
        if disk:
            shutil.copyfile(tools.blank_disk(), machine.path('disk.vmdk'))
        machine.write(vmx.minimal(name, disk, keys))
        return machine

    def running_vm(self, name='vm', **kwargs):
        machine = self.make_vm(name, **kwargs)
        self.done('start', machine.vmx, 'nogui')
        return machine

    def list(self):
        """Return the paths that ``vmrun list`` prints."""
        result = self.vmrun('list')
        self.assertEqual(0, result.rc, result)
        lines = result.out.splitlines()
        self.assertEqual('Total running VMs: %d' % (len(lines) - 1),
                         lines[0])
        return [os.path.realpath(line) for line in lines[1:]]

    def path(self, *names):
        return os.path.join(self.folder, *names)

    # -- afterwards ------------------------------------------------------

    def _end_machines(self):
        """Leave no VM running, whatever the test did."""
        if not self._exceptions_seen():
            self._compare_transcripts()
        transcripts.append(without_attributes(self.id()), self.calls)
        if tools.is_real():
            for path in self.list():
                if path.startswith(self.folder + os.sep):
                    self.vmrun('unpause', path)
                    self.vmrun('stop', path, 'hard')
            return
        for pid in _recorded_pids(self.state):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def _exceptions_seen(self):
        return self.exception_caught_in_test

    def onException(self, exc_info, tb_label='traceback'):
        self.exception_caught_in_test = True
        return super().onException(exc_info, tb_label)

    exception_caught_in_test = False

    def _compare_transcripts(self):
        """Compare the fakes with transcripts of real products."""
        if tools.is_real() or differs(self.id()):
            return
        identifier = without_attributes(self.id())
        for name, recorded in transcripts.load().get(identifier, {}).items():
            self.assertEqual([], transcripts.differences(
                recorded, self.calls), 'differs from %s' % name)


class _Tolerant(object):
    """A test result that counts a failure as an expected difference."""

    def __init__(self, result, reason):
        self._result = result
        self._reason = reason

    def __getattr__(self, name):
        return getattr(self._result, name)

    def addFailure(self, test, *args, **kwargs):
        self._result.addSkip(test, 'expected difference: ' + self._reason)

    addError = addFailure


def _recorded_pids(state):
    """Return the pids of all processes that the fakes have recorded."""
    found = []
    for folder, _, names in os.walk(os.path.join(state, 'vms')):
        for name in names:
            if name == 'pid' or name.endswith('.pid'):
                with open(os.path.join(folder, name)) as f:
                    text = f.read().split()
                if text:
                    found.append(int(text[0]))
    return found
