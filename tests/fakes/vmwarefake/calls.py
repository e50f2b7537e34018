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

"""calls.jsonl: a line of JSON for each call of a tool."""

from __future__ import annotations

import fcntl
import json
import os
import time

from vmwarefake import files

FILE = 'calls.jsonl'


class Call:
    """The record of one call.

    :param folder: the state folder.
    :param prog: ``vmrun``, ``vmware-vdiskmanager``, ...
    :param argv: the arguments, without the program's name.
    """

    def __init__(self, folder: str, prog: str, argv: list[str]) -> None:
        self._path = os.path.join(folder, FILE)
        self._record = {'prog': prog, 'argv': list(argv), 'rc': None,
                        'start': time.time(), 'end': None,
                        'pid': os.getpid()}
        self._written = False

    def finish(self, rc: int | None) -> None:
        """Write the line; ``rc`` is None if the call never ends."""
        if self._written:
            return
        self._written = True
        self._record['rc'] = rc
        self._record['steps'] = files.steps_done
        self._record['end'] = None if rc is None else time.time()
        line = json.dumps(self._record, sort_keys=True) + '\n'
        with open(self._path, 'a', encoding='utf-8',
                  errors='surrogateescape') as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            f.write(line)
