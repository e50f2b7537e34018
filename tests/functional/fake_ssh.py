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

"""ssh and scp for hosts that are folders of one machine."""

import os
import sys

import fixtures

# Both programs replace paths below the root of any host with paths below the
# root of the host that is named.
_PROGRAM = '''#!%(python)s -ES
import os, re, shutil, subprocess, sys
ROOTS = %(roots)r
def there(host, text):
    roots = '|'.join(re.escape(root) for root in ROOTS.values())
    return re.sub('(%%s)(?=[/; ]|$)' %% roots, ROOTS[host], text)
first, last = sys.argv[sys.argv.index('--') + 1:]
host, _colon, target = last.partition(':')
if (first if first in ROOTS else host) not in ROOTS:
    sys.exit('ssh: connect to host %%s port 22: No route to host'
             %% (host if target else first))
if os.path.basename(sys.argv[0]) == 'ssh':
    sys.exit(subprocess.call(['sh', '-c', there(first, last)]))
shutil.copytree(first, there(host, target))
'''


class FakeSsh(fixtures.Fixture):
    """Installs the two programs.

    :param roots: dict of addresses to the instances_path of that host
    :ivar ssh: path of the program
    :ivar scp: path of the program
    """

    def __init__(self, roots):
        self._roots = roots

    def _setUp(self):
        folder = self.useFixture(fixtures.TempDir()).path
        for name in ('ssh', 'scp'):
            path = os.path.join(folder, name)
            with open(path, 'w') as file:
                file.write(_PROGRAM % {'python': sys.executable,
                                       'roots': self._roots})
            os.chmod(path, 0o700)
            setattr(self, name, path)
