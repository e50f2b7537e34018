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

"""Cinder's volumes as an NFS server would have them.

nova-compute reaches Cinder through a proxy. It replaces what Cinder says about
connections: a volume in a file of the first machine becomes one on an export,
and a folder stands for its mount. The file is copied there at first.
"""

import contextlib
from http import client
from http import server
import json
import pathlib
import subprocess
import threading
from typing import Any

import fixtures

EXPORT = '192.0.2.1:/srv/volumes'
_TIMEOUT = 120
# Of one connection only, or of a body that is written anew.
_DROPPED = ('connection', 'content-length', 'transfer-encoding')


class NfsVolumes(fixtures.Fixture):
    """The proxy of one node.

    :param cinder: port on 127.0.0.1 at which the node reaches Cinder
    :param mount: folder in the place of the mount
    :ivar port: of the proxy
    :ivar mounts: nova-compute's option
    """

    def __init__(self, cinder: int, mount: pathlib.Path) -> None:
        super().__init__()
        self.cinder = cinder
        self.mount = mount
        self.mounts = '%s=%s' % (EXPORT, mount)

    def _setUp(self) -> None:
        self.mount.mkdir(exist_ok=True)
        proxy = self

        class Handler(_Handler):
            volumes = proxy

        httpd = server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        httpd.daemon_threads = True
        httpd.block_on_close = False
        self.port = httpd.server_address[1]
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        self.addCleanup(httpd.server_close)
        self.addCleanup(httpd.shutdown)

    def shown(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return an answer of Cinder with a connection to the export."""
        info = found.get('attachment', {}).get('connection_info') or {}
        if info.get('driver_volume_type') == 'local':
            path = info.pop('device_path')
            name = 'volume-%s' % info['volume_id']
            if not (self.mount / name).exists():
                # A volume is refused if its file has two names.
                subprocess.run(['cp', '--sparse=always', path,
                                self.mount / name], check=True)
            info.update(driver_volume_type='nfs', export=EXPORT, name=name,
                        format='raw', options=None)
        return found


class _Handler(server.BaseHTTPRequestHandler):

    volumes: NfsVolumes

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        cinder = client.HTTPConnection('127.0.0.1', self.volumes.cinder,
                                       timeout=_TIMEOUT)
        with contextlib.closing(cinder):
            cinder.request(self.command, self.path, body or None,
                           dict(self.headers))
            answer = cinder.getresponse()
            content = answer.read()
        if '/attachments' in self.path and answer.status == 200 and content:
            content = json.dumps(
                self.volumes.shown(json.loads(content))).encode()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _DROPPED:
                self.send_header(name, value)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _pass_on

    def log_message(self, format: str, *values: object) -> None:
        """Say nothing."""
