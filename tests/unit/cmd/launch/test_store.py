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

import hashlib
import lzma
import pathlib
import threading

import fixtures

from nova_vmrun.cmd.launch import catalogue
from nova_vmrun.cmd.launch import store
from nova_vmrun.cmd.launch import web
from nova_vmrun import exception
from tests.unit import base
from tests.unit.cmd.launch import web_servers

DATA = b'QFI\xfb' + bytes(range(256)) * 100


def digest(data, algorithm='sha256'):
    return hashlib.new(algorithm, data).hexdigest()


class StoreTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.server = self.useFixture(web_servers.WebServer())
        self.output = web_servers.Output()
        self.folder = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path) / 'images'
        self.publish(DATA)

    def publish(self, data, name='debian.qcow2'):
        self.server.files['/' + name] = data
        self.server.files['/SHA256SUMS'] = (
            '%s  %s\n' % (digest(data), name)).encode()
        self.server.etag = '"%s"' % digest(data)

    def source(self, name='debian.qcow2', expected=None):
        return store.Source(
            '%s/%s' % (self.server.address, name),
            expected or store.ChecksumFile(
                self.server.address + '/SHA256SUMS',
                catalogue.ChecksumFormat.LIST, 'sha256'))

    def fetch(self, *arguments, **named):
        return store.Store(self.folder, self.output.progress(),
                           web_servers.LIMITS).fetch(
            self.source(*arguments, **named))

    def refused(self, kind, *arguments, **named):
        return self.assertRaises(kind, self.fetch, *arguments, **named)

    def requests(self, path='/debian.qcow2'):
        return [found for found, _ in self.server.requests].count(path)

    def left(self):
        return sorted(path.suffix for path in self.folder.iterdir())

    def test_downloaded_and_verified(self):
        stored = self.fetch()
        self.assertEqual(DATA, stored.path.read_bytes())
        self.assertEqual(digest(DATA, 'sha512'), stored.sha512)
        self.assertEqual(['.json', '.lock', '.qcow2'], self.left())

    def test_downloaded_once(self):
        first = self.fetch()
        self.assertEqual(first, self.fetch())
        self.assertEqual(1, self.requests())
        self.assertIn('Already downloaded', self.output.getvalue())

    def test_new_version_replaces_the_old_one(self):
        first = self.fetch()
        self.publish(DATA + b'new')
        second = self.fetch()
        self.assertEqual(DATA + b'new', second.path.read_bytes())
        self.assertEqual(first.path, second.path)
        self.assertEqual(2, self.requests())

    def test_wrong_checksum(self):
        self.server.files['/debian.qcow2'] = DATA + b'evil'
        error = self.refused(store.WrongChecksum)
        self.assertIn(digest(DATA), str(error))
        self.assertEqual(['.lock'], self.left())

    def test_wrong_checksum_leaves_the_old_version(self):
        stored = self.fetch()
        self.publish(DATA + b'new')
        self.server.files['/debian.qcow2'] = b'evil'
        self.refused(store.WrongChecksum)
        self.assertEqual(DATA, stored.path.read_bytes())

    def test_continued_download_with_a_wrong_checksum_begins_again(self):
        """The validator may be no better than the server."""
        self.server.files['/debian.qcow2'] = DATA[::-1]
        self.server.in_turn(
            '/debian.qcow2',
            lambda handler: self.server.serve(handler, upto=1000),
            *3 * [self.server.status(503)])
        self.refused(web.Interrupted)
        self.server.files['/debian.qcow2'] = DATA
        self.assertEqual(DATA, self.fetch().path.read_bytes())
        self.assertIn('Downloading all of it again', self.output.getvalue())

    def test_image_that_the_publisher_does_not_list(self):
        self.server.files['/SHA256SUMS'] = b''
        self.refused(exception.InvalidInput)
        self.assertEqual(0, self.requests())

    def test_offline_with_a_copy(self):
        first = self.fetch()
        self.server.answers['/SHA256SUMS'] = self.server.status(503)
        self.assertEqual(first, self.fetch())
        self.assertIn('Using the image that was downloaded on',
                      self.output.getvalue())

    def test_offline_without_a_copy(self):
        self.server.answers['/SHA256SUMS'] = self.server.status(503)
        self.refused(web.Interrupted)

    def test_checksum_of_the_user(self):
        expected = store.Digest('sha512', digest(DATA, 'sha512'))
        self.fetch(expected=expected)
        self.assertEqual(0, self.requests('/SHA256SUMS'))
        self.refused(store.WrongChecksum, expected=store.Digest(
            'md5', 32 * '0'))

    def test_nobody_says_what_it_must_be(self):
        source = store.Source(self.server.address + '/debian.qcow2', None)
        keeper = store.Store(self.folder, self.output.progress(),
                             web_servers.LIMITS)
        keeper.fetch(source)
        self.assertIn('it is not verified', self.output.getvalue())
        keeper.fetch(source)
        self.assertEqual(1, self.requests())
        # Now somebody says.
        self.refused(store.WrongChecksum,
                     expected=store.Digest('md5', 32 * '0'))

    def test_damaged_copy_or_record_is_downloaded_again(self):
        stored = self.fetch()
        stored.path.write_bytes(b'short')
        self.assertEqual(DATA, self.fetch().path.read_bytes())
        for record in self.folder.glob('*.json'):
            record.write_text('{"address": 1}')
        self.fetch()
        self.assertEqual(3, self.requests())

    def test_packed_image(self):
        self.publish(lzma.compress(DATA), 'freebsd.qcow2.xz')
        stored = self.fetch('freebsd.qcow2.xz')
        self.assertEqual(DATA, stored.path.read_bytes())
        self.assertEqual('.qcow2', stored.path.suffix)
        self.assertEqual(digest(DATA, 'sha512'), stored.sha512)
        self.fetch('freebsd.qcow2.xz')
        self.assertEqual(1, self.requests('/freebsd.qcow2.xz'))

    def test_packed_image_that_is_damaged(self):
        for data in (b'not packed', lzma.compress(DATA)[:-30]):
            self.publish(data, 'freebsd.qcow2.xz')
            self.refused(web.DownloadFailed, 'freebsd.qcow2.xz')
            self.assertEqual(['.lock'], self.left())

    def test_name_of_a_hostile_address_stays_in_the_folder(self):
        self.server.files['/..%2F..%2Fevil%00%1b'] = DATA
        stored = self.fetch('..%2F..%2Fevil%00%1b', expected=store.Digest(
            'sha256', digest(DATA)))
        self.assertEqual(self.folder, stored.path.parent)
        self.assertTrue(str(stored.path).isprintable())

    def test_two_processes_download_once(self):
        entered = threading.Event()
        leave = threading.Event()

        def answer(handler):
            entered.set()
            leave.wait(10)
            self.server.serve(handler)
        self.server.answers['/debian.qcow2'] = answer
        threads = [threading.Thread(target=self.fetch) for _ in range(2)]
        threads[0].start()
        self.assertTrue(entered.wait(10))
        threads[1].start()
        leave.set()
        for thread in threads:
            thread.join(10)
        self.assertEqual(1, self.requests())


class DigestTestCase(base.TestCase):

    def test_each_algorithm(self):
        for algorithm, length in (('md5', 32), ('sha256', 64),
                                  ('sha512', 128)):
            self.assertEqual(
                store.Digest(algorithm, length * 'a'),
                store.parse_digest('%s:%s' % (algorithm, length * 'A')))

    def test_anything_else(self):
        for text in ('', 'abc', 'sha1:' + 40 * 'a', 'sha256:' + 63 * 'a',
                     'sha256:' + 64 * 'g'):
            self.assertRaises(exception.InvalidInput, store.parse_digest,
                              text)


class FolderTestCase(base.TestCase):

    def test_folder_of_the_environment(self):
        self.assertEqual(
            pathlib.Path('/c/nova-vmrun/images'),
            store.default_folder({'XDG_CACHE_HOME': '/c'}))
        self.assertEqual(
            pathlib.Path.home() / '.cache/nova-vmrun/images',
            store.default_folder({'XDG_CACHE_HOME': 'relative'}))
