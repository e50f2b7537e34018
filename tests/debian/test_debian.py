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

"""A server with Debian 12: cloud-init, ssh and the guest agent."""

import base64
import json
import os
import shutil
import subprocess
import sys
import textwrap

import fixtures
from passlib import hash
import testtools

from tests.debian import frozen
from tests.debian import image
from tests.e2e.cloud import base
from tests.e2e.cloud import control_plane
from tests.e2e.guest import host_interface
from tests.e2e.guest import images

_TIMEOUT = 3600     # seconds; without hardware help, it boots for minutes
_BOOT = 1800
_COMMAND = 900
_FROZEN = 10
_NAME = 'deb'
_USER = 'debian'
_LAB_CIDR = '10.30.0.0/24'
# Packages, write_files and runcmd would replace those of the vendor data.
_USER_DATA = """\
#cloud-config
bootcmd:
- [sh, -c, "echo by user data > /etc/written"]
"""
_PASSWORD = 'p"w\'\xe4 | $x'
_AGENT = 'qemu-ga --method=isa-serial --path=/dev/ttyS1'
# Then only the agent can shut the guest down.
_IGNORE_POWER_BUTTON = '; '.join((
    'sudo mkdir -p /etc/systemd/logind.conf.d',
    "printf '[Login]\\nHandlePowerKey=ignore\\n' | "
    'sudo tee /etc/systemd/logind.conf.d/test.conf',
    'sudo systemctl restart systemd-logind'))
_GIB = 1024 ** 3
# GiB; the file system in the image has one third of it.
_DISK = 4
_MARK = '@answer'
# What the guest is asked, by the name of the answer.
_QUESTIONS = {
    'host': 'hostname',
    'kernel': 'uname -r',
    'addresses': 'ip -json address',
    'routes': 'ip -json route show default',
    'name servers': 'resolvectl dns',
    'written': 'cat /etc/written',
    'root bytes': 'findmnt --bytes --noheadings --output SIZE /',
    'status': 'cloud-init status',
    'agent': "tr '\\0' ' ' < /proc/$(systemctl show --value "
             '--property MainPID qemu-guest-agent)/cmdline',
    'Tools': 'systemctl is-active open-vm-tools',
    'packages': "dpkg-query --show --showformat='${Package}\\n'",
}


class DebianTestCase(base.CloudCase):

    def setUp(self):
        # Its time is not limited.
        self.path = image.image()
        super().setUp()
        # Its own is too short.
        self.useFixture(fixtures.Timeout(_TIMEOUT, gentle=True))
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.identity = os.path.join(self.folder, 'identity')
        self.succeed('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f',
                     self.identity)

    def find_plane(self):
        images.need_programs('rsync')
        self.useFixture(host_interface.HostInterface())
        plane = control_plane.ControlPlane(net='tap', options=())
        self.addCleanup(plane.end)
        return plane

    def succeed(self, *words, **variables):
        """Return what a command prints."""
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=_COMMAND,
            env={**os.environ, **variables})
        self.addDetail(' '.join(words), testtools.content.text_content(
            done.stdout + done.stderr))
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout.strip()

    def ssh(self, *words):
        """Run a command in the guest, with "nova-vmrun ssh"."""
        return self.succeed(
            sys.executable, '-m', 'nova_vmrun.cmd.main', 'ssh',
            '--state-dir', str(self.plane.layout.root), '-i', self.identity,
            _NAME, '--', *words)

    def test_takes_what_nova_gives(self):
        self.server = self.boot_debian()
        # One login for all.
        printed = self.ssh('; '.join('echo %s; %s' % (_MARK, question)
                                     for question in _QUESTIONS.values()))
        self.check_answers(dict(zip(
            _QUESTIONS, map(str.strip, printed.split(_MARK + '\n')[1:]),
            strict=True)))
        address = next(each for each in self.server.addresses()
                       if each.startswith('172.16.41.'))
        self.check_rsync(address)
        self.check_ansible(address)
        self.check_password()
        self.check_freeze()
        self.check_clean_stop()

    def boot_debian(self):
        lab = self.cloud.network.create_network(name='lab')
        self.cloud.network.create_subnet(
            network_id=lab.id, name='lab', ip_version=4, cidr=_LAB_CIDR)
        with open(self.identity + '.pub') as file:
            self.cloud.compute.create_keypair(name='debian',
                                              public_key=file.read())
        debian = self.plane.upload(
            self.path, disk_format='qcow2', os_distro='debian',
            hw_qemu_guest_agent='yes', os_require_quiesce='yes',
            os_shutdown_timeout=str(base.CHANGE),
            **control_plane.CLOUD_HARDWARE)
        server = self.create(
            debian, self.plane.flavor(ram=1024, disk=_DISK), name=_NAME,
            key_name='debian',
            user_data=base64.b64encode(_USER_DATA.encode()).decode(),
            networks=[{'uuid': self.plane.nat.id}, {'uuid': lab.id}])
        server.wait('ACTIVE')
        server.console.wait(
            'end of cloud-init', lambda: 'finished at' in
            server.console.text(), _BOOT)
        return server

    def check_answers(self, answers):
        self.assertEqual(_NAME, answers['host'])
        self.assertIn('cloud-amd64', answers['kernel'])
        self.assertEqual('status: done', answers['status'])
        self.assertEqual('by user data', answers['written'])
        self.assertGreater(int(answers['root bytes']), (_DISK - 0.5) * _GIB)
        # The vendor data has given it another port than Debian's unit.
        self.assertEqual(_AGENT, answers['agent'])
        self.assertEqual('inactive', answers['Tools'])
        self.assertLessEqual({'open-vm-tools', 'qemu-guest-agent'},
                             set(answers['packages'].splitlines()))
        self.check_network(answers)

    def check_network(self, answers):
        found = {link['address']: [
            each['local'] for each in link['addr_info']
            if each['family'] == 'inet']
            for link in json.loads(answers['addresses'])}
        ports = self.server.ports()
        self.assertEqual(2, len(ports))
        for port in ports:
            self.assertEqual([port.fixed_ips[0]['ip_address']],
                             found[port.mac_address])
        # The project's network has no router, so no route leads through it.
        route, = json.loads(answers['routes'])
        self.assertEqual(control_plane.NAT_GATEWAY, route['gateway'])
        self.assertIn(control_plane.NAT_GATEWAY, answers['name servers'])

    def check_rsync(self, address):
        there, back = (os.path.join(self.folder, name)
                       for name in ('there', 'back'))
        os.mkdir(there)
        with open(os.path.join(there, 'file'), 'w') as file:
            file.write('x' * 300_000)
        shell = 'ssh -F %s -i %s' % (self.plane.layout.ssh_config,
                                     self.identity)
        place = '%s@%s:copy/' % (_USER, address)
        self.succeed('rsync', '-a', '-e', shell, there + '/', place)
        self.succeed('rsync', '-a', '-e', shell, place, back)
        with open(os.path.join(back, 'file')) as file:
            self.assertEqual('x' * 300_000, file.read())

    def check_ansible(self, address):
        """Have modules of Ansible, which are in Python, run in the guest."""
        playbook = os.path.join(self.folder, 'playbook.yml')
        with open(playbook, 'w') as file:
            file.write(_PLAYBOOK)
        ansible = shutil.which('ansible-playbook', path=os.path.join(
            sys.prefix, 'bin'))
        words = (ansible, '-i', address + ',', '--user', _USER,
                 '--private-key', self.identity, '--ssh-common-args',
                 '-F %s' % self.plane.layout.ssh_config, playbook)
        for expected in ('changed=2', 'changed=0'):
            self.assertIn(expected, self.succeed(
                *words, ANSIBLE_NOCOLOR='1', HOME=self.folder,
                # Seconds until the guest's sshd says hello.
                ANSIBLE_TIMEOUT='300'))
        self.assertEqual(_NAME, self.ssh('cat', '/etc/host-by-ansible'))

    def check_password(self):
        self.cloud.compute.change_server_password(self.server.id, _PASSWORD)
        self.server.wait('ACTIVE')
        line = self.ssh('sudo', 'grep', '^root:', '/etc/shadow')
        self.assertTrue(hash.sha512_crypt.verify(_PASSWORD,
                                                 line.split(':')[1]))

    def check_freeze(self):
        """Have the guest write to its disk while an image is made of it."""
        self.ssh(frozen.start())
        # The guest is frozen for as long.
        with self.plane.knobs(LATENCY='snapshot=%d' % _FROZEN):
            made = self.cloud.compute.create_server_image(
                self.server.id, 'frozen', wait=False)
            self.addCleanup(self.cloud.image.delete_image, made.id,
                            ignore_missing=True)
            self.cloud.image.wait_for_status(
                self.cloud.image.get_image(made.id), 'active', interval=1,
                wait=base.CHANGE)
        self.server.wait('ACTIVE')
        begun, ended = frozen.longest_write(self.ssh(frozen.WRITES))
        self.assertGreater(ended - begun, 0.9 * _FROZEN)
        # The rest of the guest has run on.
        ticks = map(float, self.ssh(frozen.TICKS).split())
        self.assertGreater(
            len([tick for tick in ticks if begun < tick < ended]), _FROZEN)
        log = self.ssh('sudo', 'journalctl', '--unit', 'qemu-guest-agent',
                       '--output', 'short-monotonic')
        called, = [float(line.strip('[').partition(']')[0])
                   for line in log.splitlines()
                   if line.endswith('guest-fsfreeze called')]
        self.assertLess(abs(called - begun), _FROZEN)

    def check_clean_stop(self):
        self.ssh(_IGNORE_POWER_BUTTON)
        self.cloud.compute.stop_server(self.server.id)
        self.server.wait('SHUTOFF')
        # The kernel's last line.
        self.assertIn('reboot: Power down', self.server.console.text())
        self.assertEqual([], self.server.processes())


_PLAYBOOK = textwrap.dedent("""\
    - hosts: all
      become: true
      tasks:
        - ansible.builtin.copy:
            content: "{{ ansible_facts.hostname }}\\n"
            dest: /etc/host-by-ansible
        - ansible.builtin.user:
            name: by-ansible
    """)
