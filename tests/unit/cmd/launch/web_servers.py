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

"""A web server on this machine that behaves as badly as a test wants."""

import contextlib
import http.server
import io
import threading

import fixtures

from nova_vmrun.cmd.launch import progress
from nova_vmrun.cmd.launch import web

# Nobody waits in a unit test.
LIMITS = web.Limits(timeout=5, window=1000, attempts=3, pause=0, reserve=0)


class WebServer(fixtures.Fixture):
    """Serves answers, which a test may make up.

    :ivar files: what to serve by path
    :ivar answers: functions by path, which are called with the request handler
        instead
    :ivar requests: (path, value of the header Range) of each request
    :ivar etag: the validator of every file
    """

    def _setUp(self):
        self.files = {}
        self.answers = {}
        self.requests = []
        self.etag = '"1"'
        self.useFixture(fixtures.EnvironmentVariable('no_proxy', '127.0.0.1'))
        self.useFixture(fixtures.EnvironmentVariable('http_proxy'))
        server = http.server.ThreadingHTTPServer(
            ('127.0.0.1', 0), self._handler())
        server.daemon_threads = True
        self.addCleanup(server.server_close)
        self.address = 'http://127.0.0.1:%d' % server.server_address[1]
        # Its own poll interval is half a second.
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)

    def _handler(self):
        fixture = self

        class Handler(http.server.BaseHTTPRequestHandler):

            def do_GET(self):
                fixture.requests.append(
                    (self.path, self.headers.get('Range')))
                answer = fixture.answers.get(self.path, fixture.serve)
                # The client may hang up.
                with contextlib.suppress(ConnectionError):
                    answer(self)

            def log_message(self, *arguments):
                pass

        return Handler

    def serve(self, handler, upto=None, ranges=True):
        """Serve a file as a good server does.

        :param upto: cut the connection after so many bytes of the file
        :param ranges: whether parts can be had
        """
        data = self.files.get(handler.path)
        if data is None:
            handler.send_error(404)
            return
        start = 0
        wanted = handler.headers.get('Range')
        if ranges and wanted and handler.headers['If-Range'] == self.etag:
            start = int(wanted.removeprefix('bytes=').removesuffix('-'))
            if start >= len(data):
                handler.send_response(416)
                handler.send_header('Content-Range', 'bytes */%d' % len(data))
                handler.send_header('Content-Length', '0')
                handler.end_headers()
                return
            handler.send_response(206)
            handler.send_header('Content-Range', 'bytes %d-%d/%d' % (
                start, len(data) - 1, len(data)))
        else:
            handler.send_response(200)
        if self.etag:
            handler.send_header('ETag', self.etag)
        handler.send_header('Content-Length', str(len(data) - start))
        handler.end_headers()
        handler.wfile.write(data[start:upto])

    def redirect(self, target):
        """Return an answer that sends the client elsewhere."""
        def answer(handler):
            handler.send_response(302)
            handler.send_header('Location', target)
            handler.send_header('Content-Length', '0')
            handler.end_headers()
        return answer

    def status(self, code):
        """Return an answer with a status of an error."""
        def answer(handler):
            handler.send_error(code)
        return answer

    def in_turn(self, path, *answers):
        """Use a list of answers, and then serve the file."""
        left = list(answers)

        def answer(handler):
            (left.pop(0) if left else self.serve)(handler)
        self.answers[path] = answer


class Output(io.StringIO):
    """Where progress is printed."""

    def progress(self):
        return progress.Progress(self)
