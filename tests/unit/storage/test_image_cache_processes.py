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

"""Two processes and one image cache; see tests/crash for their death."""

import os

from tests.unit import forks
from tests.unit.storage import caches


class ProcessesTestCase(caches.TestCase):

    def fetched(self):
        """Returns how often any process has fetched the image."""
        with open(self.log_path) as file:
            return len(file.readlines())

    def setUp(self):
        super().setUp()
        self.log_path = os.path.join(self.layout.root, 'fetched')

    def note(self):
        with open(self.log_path, 'a') as file:
            file.write('fetched\n')

    def test_an_image_is_fetched_once(self):
        def build(reached):
            def download(path):
                self.note()
                reached()
                self.download(path)

            self.base(download=download)

        first = self.useFixture(forks.Fork(build))
        first.wait_until_reached()
        second = self.useFixture(forks.Fork(build))
        # It cannot get on before the first one has.
        first.go_on()
        second.go_on()
        self.assertEqual([0, 0], [first.join(), second.join()])
        self.assertEqual(1, self.fetched())
        self.assertTrue(self.cache.has_disk(caches.IMAGE))

    def test_the_start_of_one_leaves_alone_what_another_makes(self):
        def build(reached):
            def download(path):
                self.download(path)
                reached()

            self.base(download=download)

        child = self.useFixture(forks.Fork(build))
        child.wait_until_reached()
        self.cache.finish_interrupted()
        child.go_on()
        self.assertEqual(0, child.join())
        self.assertTrue(self.cache.has_disk(caches.IMAGE))
