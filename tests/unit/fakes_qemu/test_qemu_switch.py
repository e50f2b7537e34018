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

import socket

import testtools

from tests.unit import fakes_qemu  # noqa: F401 - makes vmwarefake importable

from vmwarefake.engine.qemu import switch

A = b'\x00\x0c\x29\x00\x00\x01'
B = b'\x00\x0c\x29\x00\x00\x02'
SERVICES = b'\x52\x55\xac\x10\x29\x02'
EVERYBODY = b'\xff' * 6


def frame(destination, source, content=b'x' * 50):
    return destination + source + b'\x08\x00' + content


class SwitchTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.switch = switch.Switch()
        self.far = {}

    def port(self, name, kind=switch.CablePort):
        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        theirs.setblocking(False)
        port = kind(ours)
        self.far[name] = theirs
        self.switch.add(port)
        return port

    def received(self, name):
        """Return the frames that have come at the far end of a cable."""
        far = switch.CablePort(self.far[name])
        return far.read()

    def test_unknown_destination_goes_everywhere_but_back(self):
        a = self.port('a')
        self.port('b')
        self.port('c')

        self.switch.forward(a, frame(B, A))

        self.assertEqual([], self.received('a'))
        self.assertEqual([frame(B, A)], self.received('b'))
        self.assertEqual([frame(B, A)], self.received('c'))

    def test_known_destination_goes_there_alone(self):
        a, b = self.port('a'), self.port('b')
        self.port('c')
        self.switch.forward(b, frame(EVERYBODY, B))
        self.received('c')

        self.switch.forward(a, frame(B, A))

        self.assertEqual([frame(B, A)], self.received('b'))
        self.assertEqual([], self.received('c'))

    def test_services_see_only_what_is_for_them(self):
        a = self.port('a')
        self.port('services', switch.ServicesPort)

        for destination in (B, EVERYBODY, SERVICES):
            self.switch.forward(a, frame(destination, A))

        self.assertEqual([frame(EVERYBODY, A), frame(SERVICES, A)],
                         self.received('services'))

    def test_cable_that_is_cut_is_forgotten(self):
        a, b = self.port('a'), self.port('b')
        self.port('c')
        self.switch.forward(b, frame(EVERYBODY, B))
        self.received('c')
        self.far['b'].close()
        self.assertIsNone(b.read())
        self.switch.remove(b)

        self.switch.forward(a, frame(B, A))

        self.assertEqual([frame(B, A)], self.received('c'))

    def test_frames_that_come_in_pieces(self):
        a = self.port('a')
        self.port('b')
        data = b''.join(len(f).to_bytes(4, 'big') + f
                        for f in (frame(B, A), frame(B, A, b'second')))
        found = []
        for n in range(0, len(data), 7):
            self.far['a'].send(data[n:n + 7])
            found += a.read()

        self.assertEqual([frame(B, A), frame(B, A, b'second')], found)

    def test_slow_readers_lose_whole_frames(self):
        a, b = self.port('a'), self.port('b')
        big = frame(B, A, b'y' * 60000)
        for _ in range(100):
            self.switch.forward(a, big)
        self.assertTrue(b.wants_to_write)

        far = switch.CablePort(self.far['b'])
        found = []
        while b.wants_to_write:
            found += far.read()
            b.flush()
        found += far.read()

        self.assertTrue(0 < len(found) < 100, len(found))
        self.assertEqual({big}, set(found))

    def test_runts_are_dropped(self):
        a = self.port('a')
        self.port('b')

        self.switch.forward(a, B + A)

        self.assertEqual([], self.received('b'))
