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

from tests.unit.doctor import hosts


class UserTestCase(hosts.TestCase):

    def test_servers_of_somebody_else(self):
        self.assert_wrong('/home/ann/instances belongs to nova, but you are '
                          'ann', 'sudo -u nova nova-vmrun doctor', 'user',
                          instances_owner='nova')

    def test_root(self):
        self.assert_warning('You are root', 'the user who owns', 'user',
                            name='root', is_root=True)

    def test_folder_that_sudo_has_made(self):
        self.assert_wrong('/home/ann/.vmware, which ann cannot write',
                          'sudo chown -R ann /home/ann/.vmware', 'user',
                          unwritable='/home/ann/.vmware')

    def test_vmx_without_setuid(self):
        self.assert_wrong('not setuid root', 'sudo chmod 4755 /usr/lib/vmx',
                          'user', vmx_without_setuid='/usr/lib/vmx')


class DisplayTestCase(hosts.TestCase):

    def test_window_without_a_display(self):
        self.assert_wrong('no display', 'show_gui = False', 'user',
                          show_gui=True)

    def test_window_on_a_display(self):
        self.assertEqual([], self.problems('user', show_gui=True,
                                           has_display=True))


class ProgramsTestCase(hosts.TestCase):

    def test_no_qemu_img(self):
        self.assert_wrong('Cannot start qemu-img.', 'qemu-utils', 'programs',
                          qemu_img=None,
                          qemu_img_failure='Cannot start qemu-img.')

    def test_no_novnc(self):
        self.assert_warning('noVNC is not installed', 'apt-get install novnc',
                            'programs', novnc=None)

    def test_no_package_manager_of_linux_on_a_mac(self):
        for fault in ({'qemu_img': None}, {'novnc': None}):
            self.assertNotIn('apt-get', self.problem(
                'programs', platform='darwin', **fault).remedy)


class ClockTestCase(hosts.TestCase):

    def test_clock_in_the_past(self):
        self.assert_wrong('120 minutes newer than now', 'set-ntp true',
                          'clock', seconds_behind=7200)

    def test_nothing_sets_the_clock(self):
        self.assert_warning('Nothing sets the clock', 'set-ntp true',
                            'clock', is_synchronized=False)

    def test_system_does_not_say(self):
        self.assertEqual([], self.problems('clock', is_synchronized=None))
