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


import io
import logging

from nova_vmrun.aio import logs
from tests.unit.aio import base


class LogsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.addCleanup(logging.setLogRecordFactory,
                        logging.getLogRecordFactory())
        for name in (logs._PASSING_ON, *(name for name, _ in logs._NOISE)):
            logger = logging.getLogger(name)
            self.patch(logger, 'filters', list(logger.filters))
            self.patch(logger, 'disabled', False)
        logs.install()
        self.text = io.StringIO()
        handler = logging.StreamHandler(self.text)
        logging.getLogger().addHandler(handler)
        self.addCleanup(logging.getLogger().removeHandler, handler)

    def fail(self, names):
        """Logs one error wherever it passes."""
        try:
            raise ValueError('The disk is full.')
        except ValueError:
            for name in names:
                logging.getLogger(name).exception('It failed in %s', name)
        return self.text.getvalue()

    def test_error_has_one_traceback(self):
        text = self.fail(['nova.compute.manager', 'nova.conductor.manager'])
        self.assertEqual(1, text.count('Traceback'))
        self.assertIn('It failed in nova.conductor.manager', text)

    def test_messaging_does_not_repeat_what_was_logged(self):
        self.assertNotIn(logs._PASSING_ON, self.fail(
            ['nova.compute.manager', logs._PASSING_ON]))

    def test_errors_that_only_messaging_logs_are_kept(self):
        self.assertIn('The disk is full.', self.fail([logs._PASSING_ON]))

    def test_two_errors_have_two_tracebacks(self):
        self.fail(['nova'])
        self.assertEqual(2, self.fail(['nova']).count('Traceback'))

    def test_known_noise_is_dropped_and_other_warnings_are_not(self):
        logger = logging.getLogger('keystonemiddleware.auth_token')
        logger.warning('Using the in-process token cache is deprecated')
        logger.warning('Authorization failed for %s', 'token')
        self.assertEqual('Authorization failed for token\n',
                         self.text.getvalue())
