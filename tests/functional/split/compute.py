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

"""A stock nova-compute in a process of its own."""

import configparser
import os
import pathlib
import re
import signal
import subprocess
import sys

import fixtures
from testtools import content

PROGRAM = pathlib.Path(sys.executable).with_name('nova-compute')
STOP_TIMEOUT = 240
# Sections for the conductor that nova-compute must not have.
DATABASES = ('database', 'api_database')


def write_config(control_plane, path, changes):
    """Write the nova.conf of a compute host.

    :param control_plane: path of the nova.conf of the control plane
    :param path: file to write; it names no database
    :param changes: dict of (section, option) to what is changed
    """
    # configparser would copy the options of its default section everywhere.
    parser = configparser.RawConfigParser(
        default_section='', delimiters=('=',), strict=False)
    parser.optionxform = str
    parser.read(control_plane)
    for section in DATABASES:
        parser.remove_section(section)
    # This logger shows when the start is complete; see has_started.
    parser.set('DEFAULT', 'default_log_levels', 'nova.service=DEBUG')
    parser.set('DEFAULT', 'use_stderr', 'False')
    for (section, option), value in changes.items():
        parser.set(section, option, value)
    with open(path, 'w') as stream:
        parser.write(stream)


class NovaCompute(fixtures.Fixture):
    """Runs nova-compute, and kills it if the test has not ended it.

    :param folder: pathlib.Path of a folder for its configuration and logs
    :param environment: variables added to the caller's
    """

    def __init__(self, folder, environment):
        super().__init__()
        self.config = folder / 'nova-compute.conf'
        self.log = folder / 'nova-compute.log'
        self._output = folder / 'nova-compute.out'
        self._environment = environment
        self._process = None

    def _setUp(self):
        self.log.touch()
        self.addDetail('nova-compute', content.content_from_file(
            str(self.log), buffer_now=False))
        self.addCleanup(self.kill)

    def start(self):
        """Start the process; it may not be ready yet."""
        # Variables that keep eventlet out of Nova's tests do not belong to a
        # stock nova-compute.
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith('OS_NOVA_')}
        # This makes Python list all imported modules on stderr.
        environment = dict(kept, **self._environment,
                           PYTHONPROFILEIMPORTTIME='1')
        with open(self._output, 'a') as output:
            self._process = subprocess.Popen(
                [PROGRAM, '--config-file', self.config,
                 '--log-file', self.log],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=environment, cwd=self.config.parent,
                start_new_session=True)

    def stop(self):
        """Stop the process as an operator does.

        :returns: its exit code
        :raises subprocess.TimeoutExpired: it does not end
        """
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_TIMEOUT)

    def has_started(self):
        """Return whether this process accepts requests.

        The API may still show the last report of the previous process.

        :raises RuntimeError: it has ended
        """
        if self._process.poll() is not None:
            raise RuntimeError('nova-compute ended with exit code %d: %s' % (
                self._process.returncode, self._output.read_text()[-2000:]))
        return re.search(r' %d DEBUG nova\.service .*Join ServiceGroup'
                         % self._process.pid, self.log.read_text())

    def imported(self):
        """Return the names of modules that the process has tried to import."""
        return set(re.findall(r'^import time:.*\|\s+(\S+)$',
                              self._output.read_text(), re.MULTILINE))

    def errors(self):
        """Return the lines of the log that would alarm an operator.

        Leave out those of periodic tasks that are due during a shutdown:
        Nova's tasks then return nothing, and oslo.service logs an error. And
        leave out conflicts with the scheduler, which claims a part of the host
        while nova-compute reports it: Nova reports again a minute later.
        """
        return [line for line in self.log.read_text().splitlines()
                if re.search(r' (ERROR|CRITICAL) (?!oslo[.]service[.]backend'
                             '[.]_threading[.]loopingcall )', line) and
                'placement.concurrent_update' not in line]

    @property
    def pid(self):
        return self._process.pid

    def is_running(self):
        return bool(self._process) and self._process.poll() is None

    def kill(self):
        """Kill the process, if it runs."""
        if self.is_running():
            self._process.kill()
            self._process.wait(STOP_TIMEOUT)
