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

import fixtures

from nova_vmrun.aio import assets
from nova_vmrun.aio import errors
from tests.unit import base


class FolderTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.prefix = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.patch(assets.sys, 'prefix', str(self.prefix))

    def test_checkout_comes_first(self):
        self.assertTrue((assets.folder('guest', 'make_guest')
                         / 'guestbuilder').is_dir())

    def test_wheel_has_it_in_share(self):
        self.patch(assets.nova_vmrun, '__file__', '/site/nova_vmrun/x.py')
        self.patch(assets.importlib.metadata, 'files', lambda _: None)
        share = self.prefix / 'share' / 'nova-vmrun' / 'guest'
        share.mkdir(parents=True)
        (share / 'make_guest').write_text('')
        self.assertEqual(share, assets.folder('guest', 'make_guest'))

    def test_missing_one_says_where_was_looked(self):
        error = self.assertRaises(errors.AioError, assets.folder, 'guest',
                                  'nothing')
        self.assertIn(str(self.prefix), error.details)
