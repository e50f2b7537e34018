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
import shutil
import stat
import subprocess

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import ssh_config
from tests.unit.aio import base


class PatternsTestCase(base.TestCase):

    def test_whole_octets(self):
        self.assertEqual(['172.16.41.*'],
                         ssh_config.patterns('172.16.41.0/24'))
        self.assertEqual(['172.16.*'], ssh_config.patterns('172.16.0.0/16'))
        self.assertEqual(['10.0.0.7'], ssh_config.patterns('10.0.0.7/32'))

    def test_part_of_an_octet(self):
        self.assertEqual(['10.8.4.*', '10.8.5.*', '10.8.6.*', '10.8.7.*'],
                         ssh_config.patterns('10.8.4.0/22'))
        self.assertEqual(['10.0.0.%d' % n for n in range(128, 256)],
                         ssh_config.patterns('10.0.0.128/25'))


class PathTestCase(base.TestCase):

    def test_ssh_finds_the_file(self):
        if not shutil.which('ssh-keygen'):
            self.skipTest('ssh is not installed')
        folder = self.layout.root / "it's 100%h of $HOME (ä)"
        folder.mkdir(parents=True)
        key = folder / 'id'
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f',
                        str(key)], check=True)
        said = subprocess.run(
            ['ssh', '-v', '-F', 'none', '-o', 'ProxyCommand=false', '-o',
             'IdentityFile=' + ssh_config.path(key), '-o',
             'UserKnownHostsFile=' + ssh_config.path(folder / 'known'),
             'a@192.0.2.1'], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=30).stderr
        # "type -1" means that there is no such file.
        self.assertRegex(said, r'identity file .*/id type [0-9]')
        self.assertNotIn('expand', said)

    def test_path_that_cannot_be_written(self):
        for name in ('${HOME}', 'a"b', 'a\\b', 'a\nb', 'a\rb'):
            error = self.assertRaises(errors.AioError, ssh_config.path,
                                      '/keys/' + name)
            self.assertIn('ssh cannot use the file /keys/', str(error))
            self.assertIn('another name', str(error))
            self.assertNotIn('\n', error.brief)


class ConfigTestCase(base.TestCase):

    def write(self, name='a state (of 1)', fake=True):
        self.layout = aio_layout.Layout(
            os.path.join(str(self.layout.root), name))
        self.layout.root.mkdir(parents=True)
        if fake:
            self.layout.fakes.mkdir()
        ssh_config.write(self.layout, self.settings, '172.16.41.0/24')

    def effective(self, host):
        """Return the options of ssh for a host, by their names."""
        if not shutil.which('ssh'):
            self.skipTest('ssh is not installed')
        printed = subprocess.run(
            ['ssh', '-G', '-F', str(self.layout.ssh_config), host],
            check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True).stdout
        return dict(line.split(' ', 1) for line in printed.splitlines()
                    if ' ' in line)

    def test_ssh_reads_it(self):
        self.write()
        options = self.effective('172.16.41.24')
        # A key that is known from elsewhere makes ssh refuse passwords.
        for name in ('userknownhostsfile', 'globalknownhostsfile'):
            self.assertEqual('/dev/null', options[name])
        self.assertIn('--state-dir', options['proxycommand'])
        self.assertNotIn('proxycommand', self.effective('172.16.42.24'))

    def test_vmware_needs_no_proxy(self):
        self.write(fake=False)
        self.assertNotIn('proxycommand', self.effective('172.16.41.24'))

    def test_shell_reads_the_path_as_it_is(self):
        self.write("it's 'a' (state)")
        command = self.effective('172.16.41.24')['proxycommand']
        words = subprocess.run(
            ['sh', '-c', 'printf "%s\\n" ' + command], check=True,
            stdout=subprocess.PIPE, text=True).stdout.splitlines()
        self.assertEqual([str(self.layout.root), '%h', '%p'], words[-3:])

    def test_tokens_of_ssh_in_a_path_are_none(self):
        self.assertEqual("'/a%%h b' %h %p", ssh_config.proxied(['/a%h b']))

    def test_nobody_else_can_read_it(self):
        self.write()
        self.assertEqual(0o600, stat.S_IMODE(
            self.layout.ssh_config.stat().st_mode))
