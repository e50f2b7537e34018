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

from tests.unit.machine.choices import base


class TopologyTestCase(base.ChoiceTestCase):

    def _cores(self, vcpus, properties=(), extra_specs=()):
        return self.choose(properties, extra_specs, vcpus).cores_per_socket

    def test_cores_and_threads(self):
        self.assertEqual(2, self._cores(4, {'hw_cpu_cores': '2'}))
        self.assertEqual(4, self._cores(4, {'hw_cpu_cores': '2',
                                            'hw_cpu_threads': '2'}))

    def test_sockets(self):
        self.assertEqual(4, self._cores(8, {'hw_cpu_sockets': '2'}))

    def test_a_preference_that_does_not_divide_the_vcpus(self):
        self.assertEqual(2, self._cores(4, {'hw_cpu_cores': '3'}))
        self.assertEqual(1, self._cores(1, {'hw_cpu_cores': '8'}))
        self.assertEqual(1, self._cores(2, {'hw_cpu_sockets': '4'}))

    def test_the_flavor_wins(self):
        self.check('cores_per_socket', 4, 'flavor hw:cpu_cores=4',
                   {'hw_cpu_cores': '2'}, {'hw:cpu_cores': '4'}, vcpus=4)

    def test_limits(self):
        self.check('cores_per_socket', 4,
                   'image property hw_cpu_max_sockets=2',
                   {'hw_cpu_max_sockets': '2'}, vcpus=8)
        self.assertEqual(2, self._cores(8, {'hw_cpu_cores': '8',
                                            'hw_cpu_max_cores': '2'}))
        self.assertEqual(2, self._cores(
            8, {'hw_cpu_max_threads': '1', 'hw_cpu_max_cores': '2',
                'hw_cpu_threads': '4'}))

    def test_limits_that_allow_nothing(self):
        self.refused('hw_cpu_max_sockets',
                     {'hw_cpu_max_sockets': '1', 'hw_cpu_max_cores': '2',
                      'hw_cpu_max_threads': '1'}, vcpus=4)
        self.refused('hw:cpu_max_sockets', (),
                     {'hw:cpu_max_sockets': '1', 'hw:cpu_max_cores': '2',
                      'hw:cpu_max_threads': '1'}, vcpus=4)

    def test_an_image_cannot_raise_the_limit_of_a_flavor(self):
        self.refused('hw_cpu_max_sockets', {'hw_cpu_max_sockets': '4'},
                     {'hw:cpu_max_sockets': '2'})

    def test_nonsense(self):
        for value in ('0', 'two', '-1'):
            self.refused('hw_cpu_cores', {'hw_cpu_cores': value})

    def test_desktop_windows_has_all_cores_in_one_socket(self):
        self.check('cores_per_socket', 4, 'default of windows-10 guests',
                   guest='windows9-64', vcpus=4)
        self.assertIsNone(self.choose(guest='ubuntu-64',
                                      vcpus=4).cores_per_socket)
        self.assertIsNone(self.choose(guest='windows9-64',
                                      vcpus=1).cores_per_socket)
