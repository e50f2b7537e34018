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

"""The answer file for the installer of Windows, in contrib."""

import pathlib
import re
from xml.etree import ElementTree

from tests.unit import base

_ROOT = pathlib.Path(__file__).parents[2]
_FILE = _ROOT / 'contrib' / 'windows' / 'autounattend.xml'
_UNATTEND = '{urn:schemas-microsoft-com:unattend}'
_WCM = '{http://schemas.microsoft.com/WMIConfig/2002/State}'
# The checks that the installer leaves out if LabConfig says so.
_KEYS = ('BypassTPMCheck', 'BypassSecureBootCheck', 'BypassRAMCheck',
         'BypassCPUCheck')
_COMMAND = re.compile(
    r'reg add HKLM\\SYSTEM\\Setup\\LabConfig /v (?P<key>\w+) /t REG_DWORD '
    r'/d 1 /f')
# Windows cuts longer commands off.
_LONGEST_COMMAND = 259


class AnswerFileTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.root = ElementTree.parse(_FILE).getroot()

    def test_where_the_commands_stand(self):
        """Setup ignores a component whose attributes it does not know."""
        self.assertEqual(_UNATTEND + 'unattend', self.root.tag)
        settings, = self.root
        self.assertEqual((_UNATTEND + 'settings', {'pass': 'windowsPE'}),
                         (settings.tag, settings.attrib))
        component, = settings
        self.assertEqual(_UNATTEND + 'component', component.tag)
        self.assertEqual({
            'name': 'Microsoft-Windows-Setup',
            'processorArchitecture': 'amd64',
            'publicKeyToken': '31bf3856ad364e35', 'language': 'neutral',
            'versionScope': 'nonSxS'}, component.attrib)

    def test_commands(self):
        commands = self.root.findall('.//%sRunSynchronous/*' % _UNATTEND)
        self.assertTrue(commands)
        for number, command in enumerate(commands, 1):
            self.assertEqual(_UNATTEND + 'RunSynchronousCommand',
                             command.tag)
            self.assertEqual({_WCM + 'action': 'add'}, command.attrib)
            self.assertEqual(str(number),
                             command.findtext(_UNATTEND + 'Order'))
            path = command.findtext(_UNATTEND + 'Path')
            self.assertLessEqual(len(path), _LONGEST_COMMAND)
            self.assertIn(_COMMAND.fullmatch(path)['key'], _KEYS)
        self.assertIn('BypassTPMCheck', _FILE.read_text())

    def test_it_accepts_no_licence_for_its_user(self):
        self.assertEqual('false', self.root.findtext(
            './/%sAcceptEula' % _UNATTEND))

    def test_the_documentation_names_the_keys(self):
        page = (_ROOT / 'doc' / 'source' / 'windows.rst').read_text()
        for key in _KEYS[1:]:
            self.assertIn(key, page)
        self.assertIn('contrib/windows/autounattend.xml', page)
