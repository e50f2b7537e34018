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

from tests.unit.formats.lint import base


class SecurityTestCase(base.LintTestCase):

    def test_consoles(self):
        vnc = {'RemoteDisplay.vnc.enabled': 'TRUE'}
        key = 'RemoteDisplay.vnc.ip'
        self.check([('warning', key)], vnc)
        self.check([('warning', key)], dict(vnc, **{key: '0.0.0.0'}))
        for address in ('127.0.0.1', '::1', 'localhost'):
            self.check([], dict(vnc, **{key: address}))
        password = 'RemoteDisplay.vnc.password'
        self.check([('warning', password)],
                   dict(vnc, **{key: '127.0.0.1', password: 'x'}))

    def test_shared_folders(self):
        self.check([('warning', 'sharedFolder0.present')],
                   {'sharedFolder0.present': 'TRUE'})

    def test_isolation(self):
        for key in ('isolation.tools.copy.disable',
                    'isolation.tools.hgfs.disable', 'msg.autoAnswer'):
            self.check([('warning', key)], {key: 'FALSE'})
            self.check([('warning', key)], {key: None})
