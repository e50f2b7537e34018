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

import itertools
import json
import pathlib
import shutil
import time

import fixtures

from nova_vmrun.cmd.launch import download
from nova_vmrun.cmd.launch import web
from nova_vmrun import exception
from tests.unit import base
from tests.unit.cmd.launch import web_servers

DATA = bytes(range(256)) * 4096


class DownloadTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.server = self.useFixture(web_servers.WebServer())
        self.server.files['/image'] = DATA
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = self.folder / 'part'
        self.output = web_servers.Output()

    def download(self, path='/image', limits=web_servers.LIMITS):
        return download.Download(self.server.address + path, self.path,
                                 self.output.progress(), limits).run()

    def fail(self, kind=web.DownloadFailed, **arguments):
        return self.assertRaises(kind, self.download, **arguments)

    def serve(self, **how):
        return lambda handler: self.server.serve(handler, **how)

    def ranges(self):
        return [wanted for _, wanted in self.server.requests]

    def assertComplete(self):
        self.assertEqual(DATA, self.path.read_bytes())
        self.assertEqual([self.path], list(self.folder.iterdir()))

    def test_at_once(self):
        self.assertFalse(self.download())
        self.assertComplete()
        self.assertEqual([None], self.ranges())

    def test_progress(self):
        self.download()
        self.assertIn('1 of 1 MiB, 100 %', self.output.getvalue())

    def test_cut_connections_are_continued(self):
        self.server.in_turn('/image', self.serve(upto=1000),
                            self.serve(upto=5000))
        self.download()
        self.assertComplete()
        self.assertEqual([None, 'bytes=1000-', 'bytes=5000-'], self.ranges())
        self.assertIn('1000 of 1048576', self.output.getvalue())

    def test_many_cuts_are_no_reason_to_give_up(self):
        cuts = [self.serve(upto=size) for size in range(1000, 20000, 1000)]
        self.server.in_turn('/image', *cuts)
        self.download()
        self.assertComplete()

    def test_next_command_goes_on(self):
        self.server.in_turn('/image', self.serve(upto=1000),
                            *3 * [self.server.status(503)])
        self.fail(web.Interrupted)
        self.assertEqual(1000, self.path.stat().st_size)
        self.assertTrue(self.download())
        self.assertComplete()
        self.assertEqual('bytes=1000-', self.ranges()[-1])

    def test_server_without_ranges(self):
        self.server.in_turn('/image', self.serve(upto=1000, ranges=False),
                            self.serve(ranges=False))
        self.download()
        self.assertComplete()

    def test_server_without_ranges_that_always_cuts(self):
        self.server.answers['/image'] = self.serve(upto=1000, ranges=False)
        self.fail(web.Interrupted)
        self.assertLessEqual(len(self.server.requests), 4)

    def test_without_a_validator_it_begins_again(self):
        self.server.etag = ''
        self.server.in_turn('/image', self.serve(upto=1000))
        self.download()
        self.assertComplete()
        self.assertEqual([None, None], self.ranges())

    def test_weak_validator_cannot_be_used(self):
        self.server.etag = 'W/"1"'
        self.server.in_turn('/image', self.serve(upto=1000))
        self.download()
        self.assertComplete()
        self.assertEqual([None, None], self.ranges())

    def test_file_that_changed_meanwhile_is_not_mixed(self):
        def change(handler):
            self.server.serve(handler, upto=1000)
            self.server.files['/image'] = DATA[::-1]
            self.server.etag = '"2"'
        self.server.in_turn('/image', change)
        self.download()
        self.assertEqual(DATA[::-1], self.path.read_bytes())

    def test_part_of_another_address_is_not_used(self):
        self.server.in_turn('/image', self.serve(upto=1000),
                            *3 * [self.server.status(503)])
        self.fail(web.Interrupted)
        self.server.files['/other'] = DATA[::-1]
        self.assertFalse(self.download('/other'))
        self.assertEqual(DATA[::-1], self.path.read_bytes())

    def test_damaged_note_about_the_version_is_ignored(self):
        self.path.write_bytes(b'abc')
        for text in ('', '[]', '{"a": 1}', 'null'):
            (self.folder / 'part.version').write_text(text)
            self.assertFalse(self.download())
            self.assertComplete()

    def _have(self, size):
        self.path.write_bytes(DATA[:size])
        (self.folder / 'part.version').write_text(json.dumps({
            'address': self.server.address + '/image', 'validator': '"1"'}))

    def test_all_of_it_was_there(self):
        self._have(len(DATA))
        self.assertTrue(self.download())
        self.assertComplete()

    def test_more_than_all_of_it_was_there(self):
        self.path.write_bytes(DATA + b'x')
        (self.folder / 'part.version').write_text(json.dumps({
            'address': self.server.address + '/image', 'validator': '"1"'}))
        self.download()
        self.assertComplete()

    def test_wrong_part_is_not_used(self):
        def lie(handler):
            handler.send_response(206)
            handler.send_header('Content-Range', 'bytes 0-9/%d' % len(DATA))
            handler.send_header('Content-Length', '10')
            handler.end_headers()
            handler.wfile.write(DATA[:10])
        self._have(1000)
        self.server.in_turn('/image', lie)
        self.download()
        self.assertComplete()

    def test_connection_that_ends_before_the_stated_length(self):
        def lie(handler):
            handler.send_response(200)
            handler.send_header('Content-Length', str(2 * len(DATA)))
            handler.end_headers()
            handler.wfile.write(DATA)
        self.server.answers['/image'] = lie
        error = self.fail(web.Interrupted)
        self.assertIn('1048576 of 2097152', str(error))

    def test_bytes_after_the_stated_length_are_dropped(self):
        def lie(handler):
            handler.send_response(200)
            handler.send_header('Content-Length', '1000')
            handler.end_headers()
            handler.wfile.write(DATA)
        self.server.answers['/image'] = lie
        self.download()
        self.assertEqual(DATA[:1000], self.path.read_bytes())

    def test_chunks_that_end_early_are_an_error(self):
        def answer(handler):
            handler.protocol_version = 'HTTP/1.1'
            handler.send_response(200)
            handler.send_header('Transfer-Encoding', 'chunked')
            handler.send_header('Connection', 'close')
            handler.end_headers()
            handler.wfile.write(b'5\r\nabcde\r\n5\r\nab')
        self.server.answers['/image'] = answer
        self.fail(web.Interrupted)

    def test_server_that_compresses_is_refused(self):
        def answer(handler):
            handler.send_response(200)
            handler.send_header('Content-Encoding', 'gzip')
            handler.end_headers()
        self.server.answers['/image'] = answer
        self.assertIn('changes its content', str(self.fail()))

    def test_slow_server(self):
        clock = itertools.count()
        self.patch(time, 'monotonic', lambda: float(next(clock)))
        error = self.fail(web.Interrupted, limits=web.Limits(
            window=0.5, slowest=1 << 40, attempts=1, pause=0, reserve=0))
        self.assertIn('too slow', str(error))

    def test_file_that_does_not_fit_is_not_begun(self):
        free = shutil.disk_usage(self.folder).free
        error = self.fail(exception.DiskFull, limits=web.Limits(
            reserve=free - 1000))
        self.assertIn('It needs 1 MiB', str(error))
        self.assertFalse(self.path.exists())

    def test_file_of_unknown_size_is_stopped_before_the_disk_is_full(self):
        def answer(handler):
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.write(DATA)
        self.server.answers['/image'] = answer
        self.patch(download, '_LOOK', 1)
        sizes = itertools.chain([1 << 20], itertools.repeat(0))
        usage = shutil.disk_usage(self.folder)
        self.patch(shutil, 'disk_usage',
                   lambda path: usage._replace(free=next(sizes)))
        self.fail(exception.DiskFull, limits=web.Limits(reserve=1))

    def test_status_of_an_error_is_final(self):
        self.assertIn('404', str(self.fail(path='/missing')))
        self.assertEqual(1, len(self.server.requests))
