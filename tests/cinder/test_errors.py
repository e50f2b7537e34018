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

"""nova_vmrun.cinder.errors: no part of an error is lost."""

from cinder import exception as cinder_exception
import testtools

from nova_vmrun.cinder import errors
from nova_vmrun import exception


class ErrorsTestCase(testtools.TestCase):

    def raised(self, error):
        @errors.converted
        def fail():
            raise error

        return self.assertRaises(cinder_exception.CinderException, fail)

    def test_each_kind(self):
        for error, expected in (
                (exception.InvalidInput('a.', 'b.', 'c.'),
                 cinder_exception.InvalidInput),
                (exception.FileInUse('a.', 'b.', 'c.'),
                 cinder_exception.VolumeIsBusy),
                (exception.HasSnapshots('a.', 'b.', 'c.'),
                 cinder_exception.VolumeIsBusy),
                (exception.DiskFull('a.', 'b 100%s.', 'c.'),
                 cinder_exception.VolumeDriverException),
                (exception.VolumeDamaged('a.', 'b.', 'c.'),
                 cinder_exception.VolumeDriverException),
                (exception.InvalidConfiguration('a.', 'b.', 'c.'),
                 cinder_exception.VolumeDriverException)):
            raised = self.raised(error)
            self.assertIs(expected, type(raised))
            self.assertIn(str(error), str(raised))

    def test_images(self):
        raised = self.raised(exception.ImageRefused('1', 'Bad.', 'Repair it.'))
        self.assertIs(cinder_exception.ImageUnacceptable, type(raised))
        self.assertIn('Bad. Repair it.', str(raised))

    def test_others_stay_as_they_are(self):
        error = cinder_exception.ImageCopyFailure(reason='a')
        self.assertIs(error, self.raised(error))

    def test_results_and_signatures(self):
        @errors.converted
        def add(one, other=2):
            return one + other

        self.assertEqual(3, add(1))
        self.assertEqual('add', add.__name__)
