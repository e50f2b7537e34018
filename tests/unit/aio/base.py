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

"""A state directory for the tests of the control plane."""

import io

import fixtures

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import report
from nova_vmrun.aio import settings as aio_settings
from tests.unit import base


class TestCase(base.TestCase):
    """A test with a state directory that nothing runs in."""

    def setUp(self):
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        self.layout = aio_layout.Layout(folder + '/state')
        self.layout.create()
        self.settings = aio_settings.Settings(host='laptop')
        self.passwords = {user: 'secret-of-%s' % user
                          for user in aio_settings.USERS}
        self.output = io.StringIO()
        self.report = report.Report(self.output)

    def lines(self):
        """What was reported, without the times."""
        return [line.partition('] ')[2]
                for line in self.output.getvalue().splitlines()]
