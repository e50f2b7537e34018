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
import os

import fixtures

from nova_vmrun import exception
from nova_vmrun.host import file_stream
from nova_vmrun.host import space
from nova_vmrun.server import arrivals
from nova_vmrun.server import layout
from nova_vmrun.server import move_protocol
from nova_vmrun.server import use_locks
from tests.unit import base

UUID = '9d4c1d3c-7fb0-4a5e-8f0b-0a4f3c2b1d10'
NODE = '4c8a11a2-0a3f-4a7c-8d5e-6c1c9c0d7b21'
PROBE = '0123456789abcdef' * 2
Verb, Outcome = move_protocol.Verb, move_protocol.Outcome


class ArrivalsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        self.layout = layout.Layout(os.path.join(folder, 'instances'), '_b')
        self.layout.prepare()
        self.arrivals = arrivals.Arrivals(self.layout)
        self.sent = os.path.join(folder, 'sent')
        os.mkdir(self.sent)
        with open(os.path.join(self.sent, 'root.vmdk'), 'wb') as file:
            file.write(b'data')

    def stream(self):
        stream = io.BytesIO()
        file_stream.write(self.sent, stream)
        stream.seek(0)
        return stream

    def ask(self, verb, node=None, stream=None):
        return self.arrivals.answer(
            move_protocol.Request(verb, UUID, node, PROBE if
                                  verb is Verb.EXAMINE else None),
            stream or io.BytesIO())

    def names(self):
        return sorted(set(os.listdir(self.layout.root)) - {'_b', 'locks'})

    def put(self, folder):
        os.makedirs(os.path.join(folder, 'inner'))

    def test_a_server_arrives(self):
        self.assertGreater(self.ask(Verb.EXAMINE).free, 0)
        answer = self.ask(Verb.RECEIVE, stream=self.stream())
        self.assertEqual(Outcome.DONE, answer.outcome)
        self.assertEqual([UUID + '_prepared'], self.names())
        prepared = self.layout.prepared(UUID)
        self.assertEqual(['root.vmdk'], os.listdir(prepared))
        self.assertEqual(0o700, os.stat(prepared).st_mode & 0o777)
        self.assertEqual(Outcome.DONE, self.ask(Verb.DISCARD).outcome)
        self.assertEqual([], self.names())
        self.assertEqual([], os.listdir(self.layout.locks))

    def test_what_does_not_arrive_whole_leaves_nothing(self):
        broken = io.BytesIO(self.stream().getvalue()[:-1])
        self.assertRaises(exception.InvalidInput, self.ask, Verb.RECEIVE,
                          stream=broken)
        self.assertEqual([], self.names())

    def test_a_record_is_not_taken_from_another_host(self):
        for path in (self.layout.record(UUID), self.layout.paused(UUID),
                     self.layout.migration(self.layout.folder(UUID))):
            name = os.path.join(self.sent, os.path.basename(path))
            open(name, 'w').close()
            self.assertRaises(exception.InvalidInput, self.ask, Verb.RECEIVE,
                              stream=self.stream())
            os.remove(name)

    def test_some_space_stays_in_reserve(self):
        self.useFixture(fixtures.MockPatchObject(space, 'RESERVE', 1 << 60))
        self.assertRaises(exception.DiskFull, self.ask, Verb.RECEIVE,
                          stream=self.stream())
        self.assertEqual([], self.names())

    def test_leftovers_of_an_earlier_attempt_are_removed(self):
        for verb in (Verb.EXAMINE, Verb.DISCARD):
            self.put(self.layout.preparing(UUID))
            self.put(self.layout.prepared(UUID))
            self.ask(verb)
            self.assertEqual([], self.names())

    def test_a_link_in_place_of_a_folder_is_not_followed(self):
        self.put(self.sent)
        os.symlink(self.sent, self.layout.prepared(UUID))
        self.ask(Verb.DISCARD)
        self.assertEqual([], self.names())
        self.assertTrue(os.path.exists(os.path.join(self.sent, 'inner')))

    def test_a_server_that_is_there_stays(self):
        for folder in (self.layout.folder(UUID), self.layout.kept(UUID)):
            self.put(folder)
            for verb in (Verb.EXAMINE, Verb.RECEIVE):
                answer = self.ask(verb, stream=self.stream())
                self.assertEqual((Outcome.TAKEN, folder),
                                 (answer.outcome, answer.reason))
            self.ask(Verb.DISCARD)
            self.assertEqual([os.path.basename(folder)], self.names())
            os.rmdir(os.path.join(folder, 'inner'))
            os.rmdir(folder)

    def test_the_folder_of_another_node(self):
        open(self.layout.node('the-third'), 'w').close()
        self.put(self.layout.prepared(UUID))
        for verb in Verb:
            self.assertEqual(Outcome.OTHER, self.ask(verb, NODE).outcome)
        self.assertEqual([UUID + '_prepared'], self.names())
        open(self.layout.node(NODE), 'w').close()
        self.assertEqual(Outcome.DONE, self.ask(Verb.EXAMINE, NODE).outcome)

    def test_what_nova_compute_says_of_its_networks(self):
        with open(self.layout.node(NODE), 'w') as file:
            file.write('{"kind": "ws"}')
        self.assertEqual('{"kind": "ws"}',
                         self.ask(Verb.EXAMINE, NODE).networks)
        self.assertEqual('', self.ask(Verb.EXAMINE).networks)
        os.truncate(self.layout.node(NODE), 1 << 20)
        self.assertEqual('', self.ask(Verb.EXAMINE, NODE).networks)
        os.remove(self.layout.node(NODE))
        self.assertEqual('', self.ask(Verb.EXAMINE, NODE).networks)

    def test_a_shared_folder(self):
        open(arrivals.probe(self.layout, PROBE), 'w').close()
        self.put(self.layout.prepared(UUID))
        self.assertEqual(Outcome.SHARED, self.ask(Verb.EXAMINE).outcome)
        self.assertEqual([UUID + '_prepared'], self.names())

    def test_a_server_that_is_in_use(self):
        with use_locks.UseLocks(self.layout).shared(UUID):
            for verb in Verb:
                self.assertRaises(exception.ServerInUse, self.ask, verb)

    def test_a_folder_that_nova_compute_has_never_used(self):
        self.assertRaises(exception.InvalidConfiguration, arrivals.Arrivals,
                          layout.Layout(self.sent, '_b'))
        self.assertEqual(['root.vmdk'], os.listdir(self.sent))
