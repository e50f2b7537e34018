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

"""What the steps of the demo share: the cloud, the guests, the printing."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

from nova_vmrun.aio import client
from nova_vmrun.aio.demo import guest
from nova_vmrun.aio import errors
from nova_vmrun.aio import guests
from nova_vmrun.aio import settings as aio_settings

NAME = 'demo'
FLAVOR = 'm1.tiny'
# Seconds for one change of state; a real VMware on a slow disk needs some.
TIMEOUT = 180
# Seconds after which something is printed though nothing happened.
_SILENCE = 1.5
_POLL = 0.2
_WIDTH = 110


class Session:
    """One run of the demo.

    :param layout: Layout of the state directory
    :param settings: Settings of the control plane
    :param report: Report to tell of progress
    :param keep: leave the control plane up
    :ivar no_guest: why the server has no guest; None if it has one
    :ivar machines: one line about what runs the VMs, once that is known
    :ivar image_path: pathlib.Path of the image that was made
    :ivar picture: pathlib.Path of the picture of the screen, if one was taken
    """

    def __init__(self, layout, settings, report, keep):
        self.layout = layout
        self.settings = settings
        self.report = report
        self.keep = keep
        # Why the server's machine boots nothing; None if it boots a guest.
        self.no_guest = None
        self.machines = None
        self.image_path = None
        self.picture = None
        self.image = None
        self.network = None
        self.server = None
        self._cloud = None
        self._guests = None

    @property
    def cloud(self):
        """openstack.connection.Connection to the control plane."""
        if self._cloud is None:
            self._cloud = client.connect(
                self.settings, aio_settings.passwords(self.layout))
        return self._cloud

    @property
    def guests(self):
        """Guests, asked of vmrun."""
        if self._guests is None:
            self._guests = guests.Guests(self.layout)
        return self._guests

    @property
    def vmx(self):
        """Path of the server's .vmx file; None if there is none."""
        found = list(self.layout.instances.glob(
            '%s/*.vmx' % self.server.id))
        return str(found[0]) if found else None

    def text(self, text):
        """Prints lines as they are, set off from the progress."""
        for line in text.rstrip('\n').splitlines():
            self.report.raw('    ' + line)

    def log_text(self, lines):
        """Prints lines of a log, of which long ones are cut off."""
        self.text('\n'.join(
            line if len(line) <= _WIDTH else line[:_WIDTH - 3] + '...'
            for line in lines))

    def check(self, truth, claim):
        """Prints what was found to be so, or ends the demo.

        :param truth: whether it is so
        :param claim: what should be so
        :raises AioError: it is not
        """
        if not truth:
            raise errors.AioError('Not so: %s.' % claim)
        self.report.line('  checked: %s' % claim)

    def openstack(self, *arguments, watch=None, show=None):
        """Runs the openstack command and prints what it prints.

        :param arguments: its arguments
        :param watch: called every 0.2 seconds while it runs
        :param show: prints its output; default text()
        :returns: str, its output
        :raises AioError: it fails
        """
        self.report.line('  $ openstack %s' % ' '.join(arguments))
        environment = client.environment(
            self.layout, self.settings,
            aio_settings.passwords(self.layout))
        environment = dict(os.environ, **environment)
        program = (shutil.which('openstack', path=environment['PATH'])
                   or os.path.join(sys.prefix, 'bin', 'openstack'))
        with tempfile.TemporaryFile('w+') as output:
            process = subprocess.Popen(
                [program, *arguments], env=environment, stdout=output,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
            try:
                self._follow(process, arguments, watch)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            output.seek(0)
            text = output.read()
        (show or self.text)(text)
        if process.returncode:
            raise errors.AioError(
                '"openstack %s" failed with status %d.'
                % (' '.join(arguments), process.returncode))
        return text

    def _follow(self, process, arguments, watch):
        deadline = time.monotonic() + TIMEOUT
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise errors.AioError(
                    '"openstack %s" did not end within %d s.'
                    % (' '.join(arguments), TIMEOUT))
            if watch:
                watch()
            self.breathe('the openstack command')
            time.sleep(_POLL)

    def find_server(self):
        """The newest server named for the demo; None if there is none."""
        return next(iter(self.cloud.compute.servers(
            name='^%s$' % NAME, sort_key='created_at', sort_dir='desc')),
            None)

    def console_log(self):
        """What the server has written to its serial port."""
        return self.cloud.compute.get_server_console_output(
            self.server.id)['output']

    def wait_for_guest(self, boots, watch=None):
        """Waits until the guest tells what it sees.

        :param boots: how often it must have been booted
        :param watch: called with its console log each time that it is read
        :returns: dict, its facts
        :raises AioError: it does not
        """
        began = time.monotonic()
        while True:
            log = self.console_log()
            if watch:
                watch(log)
            told = guest.facts(log)
            disk = told and guest.root_disk(told)
            if disk and disk['data']['boots'] == boots:
                return told
            if time.monotonic() - began > TIMEOUT:
                raise errors.AioError(
                    'The guest has said nothing for %d s.' % TIMEOUT)
            self.breathe('the guest to boot')
            time.sleep(_POLL)

    def wait_for(self, status):
        """Waits until the server has a status.

        :param status: such as ACTIVE
        :returns: seconds that it took
        :raises AioError: it got into ERROR, or nothing happened
        """
        began = time.monotonic()
        while True:
            server = self.cloud.compute.get_server(self.server.id)
            if server.status == status and not server.task_state:
                self.server = server
                break
            self.refuse_error(server)
            if time.monotonic() - began > TIMEOUT:
                raise errors.AioError(
                    'The server is %s, and not %s, after %d s.'
                    % (server.status, status, TIMEOUT))
            self.breathe('%s, the server is %s%s' % (
                status, server.status,
                ' (%s)' % server.task_state if server.task_state else ''))
            time.sleep(_POLL)
        seconds = time.monotonic() - began
        self.report.line('  %s after %.1f s' % (status, seconds))
        return seconds

    def refuse_error(self, server):
        """Ends the demo if a server is in ERROR, with Nova's reason."""
        if server.status == 'ERROR':
            fault = server.fault or {}
            raise errors.AioError(
                'The server is in ERROR.',
                fault.get('message') or 'Nova gives no reason.')

    def runs(self):
        """Whether vmrun lists the server's VM."""
        return any(os.path.samefile(path, self.vmx)
                   for path in self.guests.running()) if self.vmx else False

    def breathe(self, what):
        """Prints a line if nothing was printed for a while."""
        if self.report.silence > _SILENCE:
            self.report.line('  waiting for %s' % what)
