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

"""ssh between nodes that are folders of one machine, with a gate in it."""

from collections.abc import Mapping
import pathlib

import fixtures

from tests.functional import fake_ssh

# The word before the verb is the program that receives servers.
_GATE = '''\
#!/bin/sh
gate="{folder}/gate"
case "$*" in
    *" nova-vmrun-receive receive "*)
        if [ -e "$gate" ]; then
            : > "$gate.reached"
            while [ -e "$gate" ]; do sleep 0.05; done
        fi;;
esac
exec "{program}" "$@"
'''


class Ssh(fixtures.Fixture):
    """An ssh that can be stopped before it sends the files of a server.

    :param roots: the instances_path of each node, by its name
    :ivar path: of the program
    """

    def __init__(self, roots: Mapping[str, str]) -> None:
        super().__init__()
        self._roots = roots

    def _setUp(self) -> None:
        program = self.useFixture(fake_ssh.FakeSsh(dict(self._roots))).ssh
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self._gate = folder / 'gate'
        self._reached = folder / 'gate.reached'
        path = folder / 'ssh'
        path.write_text(_GATE.format(folder=folder, program=program))
        path.chmod(0o700)
        self.path = str(path)
        self.addCleanup(self.open)

    def close(self) -> None:
        """Stop each transfer before it begins."""
        self._gate.touch()

    def is_reached(self) -> bool:
        return self._reached.exists()

    def open(self) -> None:
        self._gate.unlink(missing_ok=True)
        self._reached.unlink(missing_ok=True)
