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

"""ssh for hosts that are folders of one machine."""

import os
import sys

import fixtures

# It runs what authorized_keys of the host that is named would run.
_PROGRAM = '''#!%(python)s -ES
import os, sys
ROOTS = %(roots)r
host, *words = sys.argv[sys.argv.index('--') + 1:]
if host not in ROOTS:
    print('ssh: connect to host', host, 'port 22: No route to host',
          file=sys.stderr)
    sys.exit(255)
os.environ['SSH_ORIGINAL_COMMAND'] = ' '.join(words)
os.execv(%(python)r, [%(python)r, '-m', 'nova_vmrun.cmd.receive',
                      '--instances-path', ROOTS[host]])
'''


class FakeSsh(fixtures.Fixture):
    """Installs the program.

    :param roots: dict of addresses to the instances_path of that host
    :ivar ssh: path of the program
    """

    def __init__(self, roots):
        self._roots = roots

    def _setUp(self):
        folder = self.useFixture(fixtures.TempDir()).path
        self.ssh = os.path.join(folder, 'ssh')
        with open(self.ssh, 'w') as file:
            file.write(_PROGRAM % {'python': sys.executable,
                                   'roots': self._roots})
        os.chmod(self.ssh, 0o700)
