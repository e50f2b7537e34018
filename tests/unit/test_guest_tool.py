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

"""The program for guests without cloud-init, with programs of the test's."""

import contextlib
import importlib.util
import io
import os
import pathlib

import fixtures

from nova_vmrun.machine import guest_network
from tests.unit import base

_PATH = pathlib.Path(__file__).parents[2] / 'contrib' / 'guest_tool.py'
_SPEC = importlib.util.spec_from_file_location('guest_tool', _PATH)
guest_tool = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(guest_tool)

FIRST = ('fa:16:3e:00:00:01;10.0.0.5;255.255.254.0;10.0.0.1;10.0.1.255;'
         '10.0.0.53,10.0.0.54#')
SECOND = 'FA:16:3E:00:00:02;192.168.9.5;255.255.255.0;;;#'
TOOL = """
case "$*" in
    *machine.id.get) cat %(folder)s/machine.id ;;
    *guestinfo.hostname) cat %(folder)s/hostname ;;
    *) exit 1 ;;
esac
"""
IFCONFIG = """
if [ "$1" = -a ]; then
    cat <<'END'
em0: flags=8843<UP,BROADCAST,RUNNING> metric 0 mtu 1500
\toptions=81009b<RXCSUM>
\tether fa:16:3e:00:00:01
\tinet 172.16.0.9 netmask 0xffff0000 broadcast 172.16.255.255
vio0: flags=8843<UP> mtu 1500
\tlladdr fa:16:3e:00:00:02
lo0: flags=8049<UP,LOOPBACK> metric 0 mtu 16384
\tinet 127.0.0.1 netmask 0xff000000
END
else
    echo "ifconfig $*" >> %(folder)s/ran
fi
"""
RECORD = 'echo "${0##*/} $*" >> %(folder)s/ran\n'


class ParseTestCase(base.TestCase):

    def test_fields(self):
        first, second = guest_tool.parse(FIRST + SECOND + '\n')
        self.assertEqual(
            ('fa:16:3e:00:00:01', '10.0.0.5', '255.255.254.0', '10.0.0.1',
             '10.0.1.255', ['10.0.0.53', '10.0.0.54']), first)
        self.assertEqual(('fa:16:3e:00:00:02', '', '', []),
                         (second.mac,) + second[3:])

    def test_configuration_written_by_the_driver(self):
        interface = guest_network.Interface(
            'FA:16:3E:00:00:01', ('fd00::5/64', '10.0.0.5/23'),
            (('0.0.0.0/0', '10.0.0.1'),), ('10.0.0.53', '10.0.0.54'))
        self.assertEqual(
            guest_tool.parse(FIRST),
            guest_tool.parse(guest_network.machine_id([interface])))

    def test_nothing(self):
        self.assertEqual([], guest_tool.parse('\n'))

    def test_invalid_configurations_are_refused(self):
        for text in (
                'x', 'a;b;c;d;e#', FIRST + FIRST, FIRST + '7;',
                FIRST.replace('fa:16', '-a:16'),
                FIRST.replace('10.0.0.5;', '$(reboot);'),
                FIRST.replace('10.0.0.5;', ';'),
                FIRST.replace('10.0.0.5;', '10.0.0.5\n;').replace(
                    ';255', ';x255'),
                FIRST.replace('255.255.254.0', '255.0.255.0'),
                FIRST.replace('255.255.254.0', '0.0.1.255'),
                FIRST.replace('255.255.254.0', '23'),
                FIRST.replace('10.0.0.1;', '-h;'),
                FIRST.replace('10.0.1.255', '1.2.3'),
                FIRST.replace('10.0.0.54', 'name')):
            self.assertRaises(guest_tool.Failed, guest_tool.parse, text)

    def test_names(self):
        for name in ('web', 'web-1.example.org', 'A' * 63):
            self.assertEqual(name, guest_tool.check_hostname(name))
        for name in ('-web', 'web-', 'a b', 'a;b', 'a..b', 'A' * 64, '../x',
                     '$(x)', 'a.' * 130):
            self.assertRaises(guest_tool.Failed, guest_tool.check_hostname,
                              name)


class GuestTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.root = os.path.join(self.folder, 'root')
        os.makedirs(os.path.join(self.root, 'etc'))
        for number in (1, 2):
            self.put('root/sys/class/net/eth%d/address' % number,
                     'fa:16:3e:00:00:0%d\n' % number)
        self.put('root/sys/class/net/bonding_masters', '')
        self.put('machine.id', FIRST + SECOND)
        self.put('hostname', '')
        self.useFixture(fixtures.MockPatchObject(
            guest_tool, 'PATH', os.path.join(self.folder, 'bin')))
        for name in ('ip', 'route', 'hostname'):
            self.program(name, RECORD)
        self.program('ifconfig', IFCONFIG)
        self.program('vmware-rpctool', TOOL)

    def put(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as file:
            file.write(text)
        return path

    def program(self, name, text):
        path = self.put('bin/' + name, '#!/bin/sh\nPATH=/usr/bin:/bin\n' +
                        text.replace('%(folder)s', self.folder))
        os.chmod(path, 0o755)

    def remove(self, name):
        os.remove(os.path.join(self.folder, 'bin', name))

    def run_tool(self, *options, platform='linux', code=0):
        self.printed, self.complained = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(self.printed):
            with contextlib.redirect_stderr(self.complained):
                self.assertEqual(code, guest_tool.main(
                    ['--root', self.root, *options], platform),
                    self.complained.getvalue())
        return self.read('ran').splitlines()

    def read(self, name):
        try:
            with open(os.path.join(self.folder, name)) as file:
                return file.read()
        except FileNotFoundError:
            return ''

    LINUX = [
        'ip link set dev eth1 up',
        'ip -4 address flush dev eth1',
        'ip address add 10.0.0.5/23 broadcast 10.0.1.255 dev eth1',
        'ip route replace default via 10.0.0.1 dev eth1',
        'ip link set dev eth2 up',
        'ip -4 address flush dev eth2',
        'ip address add 192.168.9.5/24 broadcast + dev eth2']

    def test_linux(self):
        self.assertEqual(self.LINUX, self.run_tool())

    def test_by_vmtoolsd(self):
        self.remove('vmware-rpctool')
        self.program('vmtoolsd', '[ "$1" = --cmd ] || exit 1' + TOOL)
        self.assertEqual(self.LINUX, self.run_tool())

    def test_linux_without_ip(self):
        self.remove('ip')
        self.assertEqual([
            'ifconfig eth1 10.0.0.5 netmask 255.255.254.0 broadcast '
            '10.0.1.255 up',
            'route delete default',
            'route add default gw 10.0.0.1',
            'ifconfig eth2 192.168.9.5 netmask 255.255.255.0 up'],
            self.run_tool())

    def test_bsd(self):
        self.remove('ip')
        self.assertEqual([
            'ifconfig em0 inet 10.0.0.5 netmask 255.255.254.0 broadcast '
            '10.0.1.255 up',
            'route delete default',
            'route add default 10.0.0.1',
            'ifconfig vio0 inet 192.168.9.5 netmask 255.255.255.0 up'],
            self.run_tool(platform='freebsd14'))

    def test_no_default_route_to_replace(self):
        self.program('route', RECORD + '[ "$1" = add ]\n')
        self.run_tool(platform='openbsd7')

    def test_name_servers(self):
        self.put('root/etc/resolv.conf',
                 'search example.org\nnameserver 1.1.1.1\n')
        self.run_tool()
        self.assertEqual(
            'search example.org\nnameserver 10.0.0.53\n'
            'nameserver 10.0.0.54\n', self.read('root/etc/resolv.conf'))

    def test_name_servers_of_systemd(self):
        os.symlink('../run/stub', os.path.join(self.root, 'etc/resolv.conf'))
        self.program('resolvectl', RECORD)
        self.assertEqual(['resolvectl dns eth1 10.0.0.53 10.0.0.54'],
                         self.run_tool()[len(self.LINUX):])

    def test_a_link_that_nobody_cares_for(self):
        os.symlink('../run/stub', os.path.join(self.root, 'etc/resolv.conf'))
        self.assertEqual(self.LINUX, self.run_tool(code=1))
        self.assertIn('10.0.0.53', self.complained.getvalue())

    def test_hostname(self):
        self.put('hostname', 'web-1\n')
        self.assertEqual('hostname web-1', self.run_tool()[-1])
        self.assertEqual('web-1\n', self.read('root/etc/hostname'))
        self.run_tool(platform='openbsd7')
        self.assertEqual('web-1\n', self.read('root/etc/myname'))

    def test_dry_run(self):
        self.put('hostname', 'web-1')
        self.assertEqual([], self.run_tool('--dry-run'))
        for line in self.LINUX + ['resolv.conf']:
            self.assertIn(line, self.printed.getvalue())
        self.assertEqual([], os.listdir(os.path.join(self.root, 'etc')))

    def test_nothing_is_done_by_halves(self):
        for name, text in (('machine.id', FIRST + 'x;y#'),
                           ('hostname', 'a;reboot')):
            before = self.read(name)
            self.put(name, text)
            self.assertEqual([], self.run_tool(code=1))
            self.put(name, before)

    def test_no_machine_id(self):
        self.program('vmware-rpctool', "echo 'No value found' >&2; exit 1\n")
        self.assertEqual([], self.run_tool())

    def test_no_tools(self):
        self.remove('vmware-rpctool')
        self.assertEqual([], self.run_tool(code=1))
        self.assertIn('neither', self.complained.getvalue())

    def test_an_adapter_that_is_not_there(self):
        os.remove(os.path.join(self.root, 'sys/class/net/eth1/address'))
        self.assertEqual(self.LINUX[4:], self.run_tool(code=1))
        self.assertIn('fa:16:3e:00:00:01', self.complained.getvalue())

    def test_a_program_that_fails(self):
        self.program('ip', RECORD + 'echo "no rights"; exit 2\n')
        self.assertEqual(self.LINUX, self.run_tool(code=1))
        self.assertIn('no rights', self.complained.getvalue())

    def test_a_program_that_hangs(self):
        self.useFixture(fixtures.MockPatchObject(guest_tool, 'SECONDS', 0.2))
        self.program('vmware-rpctool', 'exec sleep 60\n')
        self.assertEqual([], self.run_tool())
