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


import os
import pathlib
import stat
import subprocess
import sys

import psutil

from nova_vmrun.aio.bus import broker
from nova_vmrun.aio import errors
from tests.unit.aio import base

# Prints what it was given, and ends as its first word says.
_PROGRAM = """#!%s -I
import os, sys
print(sys.argv[1:], os.environ['RABBITMQ_NODENAME'], os.getcwd(),
      repr(sys.stdin.read()))
sys.exit(int(sys.argv[2] == 'fail'))
""" % sys.executable


class BrokerTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.layout.root / 'programs'
        self.folder.mkdir()
        self.patch(broker, '_FOLDERS', ('/nowhere', str(self.folder)))
        for name in ('rabbitmq-server', 'rabbitmqctl', 'epmd'):
            path = self.folder / name
            path.write_text(_PROGRAM)
            path.chmod(0o755)
        self.patch(os, 'environ', dict(os.environ, PATH=str(self.folder)))
        broker.write_config(self.layout, self.settings, 'secret')

    def test_missing_program_is_one_clear_line(self):
        broker.require_installed()
        (self.folder / 'epmd').unlink()
        error = self.assertRaises(errors.AioError, broker.require_installed)
        self.assertIn('apt-get install rabbitmq-server', error.resolution)
        self.patch(broker, '_FOLDERS', ('/nowhere',))
        self.assertRaises(errors.AioError, broker.require_installed)

    def test_configuration_is_closed_to_others(self):
        path = self.layout.bus / 'rabbitmq.conf'
        self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))
        self.assertEqual(0o700, stat.S_IMODE(self.layout.bus.stat().st_mode))
        self.assertIn('default_pass = secret\n', path.read_text())
        self.assertIn('listeners.tcp.1 = 127.0.0.1:5672\n', path.read_text())

    def test_other_machines_reach_it_by_tls_alone(self):
        path = self.layout.bus / 'rabbitmq.conf'
        self.assertNotIn('ssl', path.read_text())
        self.settings.bus = 'rabbitmq'
        self.settings.listen = '192.0.2.7'
        broker.write_config(self.layout, self.settings, 'secret')
        listeners = [line for line in path.read_text().splitlines()
                     if line.startswith('listeners')]
        self.assertEqual(['listeners.tcp.1 = 127.0.0.1:5672',
                          'listeners.ssl.1 = 192.0.2.7:5672'], listeners)
        self.assertIn('certfile = %s\n' % (self.layout.tls / 'server.pem'),
                      path.read_text())
        self.settings.listen_insecure = True
        broker.write_config(self.layout, self.settings, 'secret')
        self.assertNotIn('192.0.2.7', path.read_text())

    def test_nothing_of_it_lies_outside_the_directory(self):
        found = broker.environment(self.layout, self.settings)
        for name in ('HOME', 'RABBITMQ_CONFIG_FILE', 'RABBITMQ_MNESIA_BASE',
                     'RABBITMQ_LOG_BASE', 'RABBITMQ_PID_FILE',
                     'RABBITMQ_ENABLED_PLUGINS_FILE'):
            self.assertIn(self.layout.bus, (
                pathlib.Path(found[name]), *pathlib.Path(found[name]).parents))

    def test_no_password_is_in_its_environment(self):
        self.assertNotIn('secret', str(broker.environment(
            self.layout, self.settings)))

    def test_control(self):
        self.assertEqual(
            "['--silent', 'add_user', 'me'] nova-vmrun@localhost %s "
            "'hidden\\n'\n" % self.layout.bus,
            broker.control(self.layout, self.settings, 'add_user', 'me',
                           text='hidden\n'))

    def test_failure_of_control(self):
        error = self.assertRaises(
            errors.AioError, broker.control, self.layout, self.settings,
            'fail', 'me', text='hidden')
        self.assertIn('"fail me"', error.brief)
        self.assertIn('--silent', error.details)

    def test_leftovers(self):
        self.assertEqual({}, broker.leftovers(self.layout))
        name = self.layout.root / 'epmd'
        name.symlink_to('/bin/sleep')
        process = subprocess.Popen([name, '60'], cwd=self.layout.bus)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        # Somebody who only looks into the folder is none.
        other = subprocess.Popen(['/bin/sleep', '60'], cwd=self.layout.bus)
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        self.assertEqual({process.pid: 'epmd'},
                         broker.leftovers(self.layout))
        broker.end_leftovers(self.layout)
        self.assertFalse(psutil.pid_exists(process.pid))
        self.assertIsNone(other.poll())
