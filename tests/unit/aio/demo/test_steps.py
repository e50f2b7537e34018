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

import pathlib
from unittest import mock

import fixtures

from nova_vmrun.aio.demo import commands
from nova_vmrun.aio.demo import display
from nova_vmrun.aio.demo import guest
from nova_vmrun.aio.demo import image
from nova_vmrun.aio.demo import screen
from nova_vmrun.aio.demo import session
from nova_vmrun.aio.demo import steps
from nova_vmrun.aio import errors
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import vmware
from nova_vmrun import exception
from tests.unit.aio import base


class MakeImageTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.settings.knobs = {vmware.ENGINE: vmware.QEMU}
        self.session = session.Session(
            self.layout, self.settings, self.report, False,
            commands.Commands())
        self.patch(guest, 'make', self.make('guest'))
        self.patch(image, 'make', self.make('blank'))

    def make(self, name):
        def make(folder):
            path = folder / name
            path.write_bytes(bytes(2048))
            return path

        return make

    def refuse(self, folder):
        raise errors.AioError('The guest cannot be made.', 'No apt-get.')

    def test_qemu_gets_a_guest(self):
        steps.make_image(self.session)
        self.assertEqual('guest', self.session.image_path.name)
        self.assertIsNone(self.session.no_guest)

    def test_plain_engine_gets_a_blank_disk(self):
        self.settings.knobs = {vmware.ENGINE: vmware.PLAIN}
        self.patch(vmware, 'default_engine', lambda: vmware.PLAIN)
        steps.make_image(self.session)
        self.assertEqual('blank', self.session.image_path.name)
        self.assertIn('QEMU is not installed', self.session.no_guest)

    def test_requested_engine_is_named(self):
        self.settings.knobs = {vmware.ENGINE: vmware.PLAIN}
        self.patch(vmware, 'default_engine', lambda: vmware.QEMU)
        steps.make_image(self.session)
        self.assertIn('FAKE_VMRUN_ENGINE=plain', self.session.no_guest)

    def test_guest_that_cannot_be_made_makes_the_engine_plain(self):
        self.settings.save(self.layout)
        self.patch(guest, 'make', self.refuse)
        steps.make_image(self.session)
        self.assertEqual('blank', self.session.image_path.name)
        self.assertIn('  without a system: The guest cannot be made. No '
                      'apt-get.', self.lines())
        self.assertEqual(vmware.PLAIN, aio_settings.load(
            self.layout).knobs[vmware.ENGINE])

    def test_engine_of_servers_that_exist_is_kept(self):
        self.patch(guest, 'make', self.refuse)
        (self.layout.instances / 'uuid').mkdir()
        (self.layout.instances / 'uuid' / 'uuid.vmx').write_text('')
        self.assertRaises(errors.AioError, steps.make_image, self.session)
        self.assertEqual(vmware.QEMU, self.settings.knobs[vmware.ENGINE])


class ShowTestCase(base.TestCase):

    def test_server_with_addresses_of_both_versions(self):
        shown = mock.create_autospec(session.Session, instance=True)
        shown.server = mock.Mock(addresses={'vmnet8': [
            {'addr': '172.16.41.5'}, {'addr': '2001:db8::5'}]})
        shown.cloud.network.ports.return_value = [mock.Mock(
            status='ACTIVE', fixed_ips=[{'ip_address': '2001:db8::5'},
                                        {'ip_address': '172.16.41.5'}])]
        steps.show(shown)
        shown.check.assert_called_with(
            True, 'its address is 172.16.41.5, 2001:db8::5')


class TakePictureTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.session = session.Session(
            self.layout, self.settings, self.report, False,
            commands.Commands())
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.patch(pathlib.Path, 'cwd', lambda: self.folder)
        self.patch(steps, '_vnc_address', lambda _: ('127.0.0.1', 5900))
        self.patch(screen, 'capture', lambda *_: screen.Picture(
            1, 2, bytes(3) + b'\xff\xff\xff'))

    def take(self, graphics):
        self.patch(display, 'find', lambda *_: graphics)
        steps.take_picture(self.session)
        self.assertTrue((self.folder / steps.PICTURE).read_bytes())
        return self.output.getvalue()

    def test_in_a_terminal(self):
        self.assertIn('48;2;255;255;255m',
                      self.take(display.Graphics.HALF_BLOCKS))

    def test_elsewhere(self):
        output = self.take(display.Graphics.NONE)
        self.assertNotIn('\x1b', output)
        self.assertIn(str(self.folder / steps.PICTURE), output)


class SwitchOffTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.session = mock.create_autospec(session.Session, instance=True)
        self.session.configure_mock(report=self.report, no_guest=None,
                                    guests=mock.Mock())
        self.session.require_vmx.return_value = '/a.vmx'
        self.session.runs.return_value = False
        self.session.wait_for.return_value = 2.5
        self.session.check = lambda truth, claim: session.Session.check(
            self.session, truth, claim)

    def test_the_api_knows_soon(self):
        steps.switch_off(self.session)
        self.session.guests.shut_down.assert_called_once_with('/a.vmx')
        self.session.wait_for.assert_called_once_with('SHUTOFF')

    def test_the_api_knows_late(self):
        self.session.wait_for.return_value = 170
        error = self.assertRaises(errors.AioError, steps.switch_off,
                                  self.session)
        self.assertIn('SHUTOFF', error.brief)

    def test_a_vm_without_a_guest(self):
        refusal = exception.ToolsNotRunning('Nobody listens.')
        self.session.guests.shut_down.side_effect = refusal
        self.assertRaises(exception.ToolsNotRunning, steps.switch_off,
                          self.session)
        self.session.no_guest = 'there is none'
        steps.switch_off(self.session)
        self.session.wait_for.assert_not_called()
        self.assertIn('  it has none: Nobody listens.', self.lines())


class BootLogTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.log = steps._BootLog(session.Session(
            self.layout, self.settings, self.report, False,
            commands.Commands()))

    def printed(self):
        return self.output.getvalue().split('\n')[:-1]

    def test_lines_are_printed_once_and_when_they_are_whole(self):
        self.log.show('one\ntw')
        self.log.show('one\ntwo\n')
        self.assertEqual(['    one', '    two'], self.printed())

    def test_long_log_is_cut_off(self):
        for count in (1, 15, 30):
            self.log.show('line\n' * count)
        self.log.tell_rest()
        self.assertEqual(20 * ['    line'] + ['    (10 more lines)'],
                         self.printed())

    def test_long_line_is_cut_off(self):
        self.log.show('x' * 500 + '\n')
        self.assertEqual(['    ' + 'x' * 107 + '...'], self.printed())
