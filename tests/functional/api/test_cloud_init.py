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

"""The data for guests, read by Debian's cloud-init."""

import base64
import os
import shlex
import stat

from oslo_serialization import jsonutils

from nova_vmrun.formats import vmx
from tests.functional.api import guest_data
from tests.functional import cloud_init

USER_DATA = b'#cloud-config\nruncmd: [["echo", "\xc3\xa9 \\"|22"]]\n'

# A stand-in of what the guest's tools have: each variable is a file.
RPCTOOL = """#!/bin/sh
key=${1#info-get guestinfo.}
if [ "$key" != "$1" ] && [ -f %(folder)s/"$key" ]; then
    cat %(folder)s/"$key"
else
    echo 'No value found' >&2
    exit 1
fi
"""


class CloudInitTestCase(guest_data.TestCase):

    def setUp(self):
        super().setUp()
        cloud_init.fetch_or_skip(self)
        vendor = os.path.join(self.folder, 'vendor.json')
        with open(vendor, 'w') as file:
            jsonutils.dump({'cloud-init': '#cloud-config\nntp: {}\n'}, file)
        self.flags(vendordata_jsonfile_path=vendor, group='api')

    def boot_guest(self, **options):
        options.setdefault('networks', [{'port': self.neutron.port_1['id']}])
        return self.boot(
            name='Web',
            key_name='mine', metadata={'role': 'front'},
            user_data=base64.b64encode(USER_DATA).decode(), **options)

    def read_guestinfo(self, server):
        variables = self.folder_of('variables')
        for key, value in self.vmx(server).items():
            if key.startswith('guestinfo.'):
                path = os.path.join(variables, key[len('guestinfo.'):])
                with open(path, 'w') as file:
                    file.write(value)
        programs = self.folder_of('programs')
        tool = os.path.join(programs, 'vmware-rpctool')
        with open(tool, 'w') as file:
            file.write(RPCTOOL % {'folder': shlex.quote(variables)})
        os.chmod(tool, 0o755)
        return cloud_init.read('vmware', self.folder_of('run'), self.macs,
                               programs)

    def read_config_drive(self, server):
        return cloud_init.read('config-drive',
                               self.unpack_config_drive(server), self.macs)

    def check(self, found):
        self.assertEqual(USER_DATA, base64.b64decode(found['userdata']))
        self.assertEqual(b'#cloud-config\nntp: {}\n',
                         base64.b64decode(found['vendordata']))
        self.assertEqual([guest_data.KEY], found['keys'])
        self.assertEqual({'role': 'front'}, found['metadata']['meta'])
        lines = list(map(str.strip, found['interfaces'].splitlines()))
        self.assertIn('iface eth0 inet static', lines)
        self.assertTrue({'address 192.168.1.3/24', 'address 192.168.1.3'} &
                        set(lines), lines)
        self.assertTrue(any('192.168.1.1' in line and (
            'gateway' in line or 'default' in line) for line in lines), lines)
        self.assertNotIn('dhcp', found['interfaces'])

    def test_config_drive(self):
        server = self.boot_guest()
        found = self.read_config_drive(server)
        self.check(found)
        self.assertEqual((server['id'], 'web.novalocal'), tuple(
            found['metadata'][name]
            for name in ('instance-id', 'local-hostname')))

    def test_guestinfo(self):
        self.flags(use_guestinfo=True, group='vmrun')
        self.restart_compute_service(self.compute)
        server = self.boot_guest()
        found = self.read_guestinfo(server)
        self.check(found)
        self.assertEqual((server['id'], 'web.novalocal'), tuple(
            found['metadata'][name]
            for name in ('instance-id', 'local-hostname')))
        for path in (self.vmx_path(server), self.path(
                server, server['id'] + '.vmx.rendered')):
            self.assertEqual(0o600, stat.S_IMODE(os.stat(path).st_mode))

    def test_guestinfo_outlives_a_hard_reboot(self):
        self.flags(use_guestinfo=True, use_machine_id=True, group='vmrun')
        self.restart_compute_service(self.compute)
        server = self.boot_guest()
        before = self.told(server)
        self.assertEqual(
            '%s;192.168.1.3;255.255.255.0;192.168.1.1;192.168.1.255;#'
            % self.macs[0], before['machine.id'])
        self.flags(use_guestinfo=False, use_machine_id=False, group='vmrun')
        self.restart_compute_service(self.compute)
        self._stop_server(server)
        os.remove(self.vmx_path(server))
        self._reboot_server(server, hard=True)
        self.assertEqual(before, self.told(server))

    def test_every_address_of_every_adapter(self):
        self.flags(use_guestinfo=True, use_machine_id=True, group='vmrun')
        self.restart_compute_service(self.compute)
        server = self.boot_guest(networks=self.add_second_port())
        for found in (self.read_config_drive(server),
                      self.read_guestinfo(server)):
            self.check_interfaces(found['interfaces'])
            # What changes in Neutron later has no effect in the guest.
            self.assertEqual(['boot-new-instance'], found['events'])
            # No address from whoever advertises a router. Only an adapter
            # with an address of IPv6 has a line about it.
            self.assertEqual(
                (1, 0), tuple(found['netplan'].count('accept-ra: ' + value)
                              for value in ('false', 'true')))
        self.assertEqual(
            '%s;192.168.1.3;255.255.255.0;192.168.1.1;192.168.1.255;10.9.0.53#'
            '%s;10.9.0.5;255.255.255.0;;10.9.0.255;10.9.0.53#'
            % tuple(self.macs), self.told(server)['machine.id'])

    def check_interfaces(self, text):
        lines = [line.strip() for line in text.splitlines()]
        self.assertEqual(
            {'192.168.1.3', '10.8.0.5', 'fd37:44e8:ad06::5', '10.9.0.5'},
            {line.split()[1].partition('/')[0] for line in lines
             if line.startswith('address ')})
        self.assertNotIn('dhcp', text)
        self.assertTrue(any(
            '10.9.0.53' in line for line in lines
            if line.startswith('dns-nameservers')), text)
        self.assertEqual(
            {'192.168.1.1', 'fd37:44e8:ad06::1'},
            {line.split()[-1] for line in lines
             if line.startswith('gateway')} | set(self.default_routes(lines)))
        self.assertTrue(any('10.7.0.0' in line and '10.9.0.7' in line
                            for line in lines), text)

    def default_routes(self, lines):
        """Return gateways of the commands that add default routes."""
        for line in lines:
            words = line.split()
            if words[:1] == ['post-up'] and {'default', 'default6'} & set(
                    words) or '0.0.0.0' in words:
                yield words[words.index('gw') + 1]

    def told(self, server):
        return vmx.Vmx((key, value) for key, value in self.vmx(server).items()
                       if key.startswith(('guestinfo.', 'machine.')))
