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

"""The command line of vmware-vdiskmanager."""

from __future__ import annotations

import re

from vmwarefake.vdiskmanager import refusals
from vmwarefake import vmdk

#: Number of arguments of each switch, without the disk.
SWITCHES = {'-c': 0, '-d': 0, '-k': 0, '-n': 1, '-p': 0, '-r': 1, '-x': 1,
            '-R': 0, '-e': 0, '-D': 0, '-U': 0}
_OPTIONS = {'-s': 'size', '-a': 'adapter', '-t': 'type', '-h': 'host',
            '-u': 'user', '-f': 'password_file'}
ADAPTERS = ('ide', 'buslogic', 'lsilogic', 'pvscsi')
_SIZE = re.compile(r'(\d+(?:\.\d+)?)\s*(KB?|MB?|GB?|TB?)?\Z', re.I)
_UNITS = {'': 1, 'K': 2, 'M': 2048, 'G': 2048 * 1024,
          'T': 2048 * 1024 * 1024}


class Request:
    """A parsed command line.

    :ivar switch: ``-c``, ``-r`` and so on.
    :ivar argument: the argument of the switch, if any.
    :ivar disk: the disk or mount point, which comes last.
    """

    def __init__(self, argv: list[str]) -> None:
        self.switch = ''
        self.argument = ''
        self.quiet = False
        self.options: dict[str, str] = {}
        rest = list(argv)
        names = []
        while rest:
            word = rest.pop(0)
            if word in SWITCHES:
                self._switch(word, rest)
            elif word == '-q':
                self.quiet = True
            elif word in _OPTIONS:
                if not rest:
                    raise refusals.Usage()
                self.options[_OPTIONS[word]] = rest.pop(0)
            elif word.startswith('-') and len(word) > 1:
                raise refusals.Usage()
            else:
                names.append(word)
        if not self.switch or len(names) != 1 or 'host' in self.options:
            raise refusals.Usage()
        self.disk = names[0]

    def _switch(self, word: str, rest: list[str]) -> None:
        takes = SWITCHES[word]
        if self.switch or len(rest) < takes:
            raise refusals.Usage()
        self.switch = word
        if takes:
            self.argument = rest.pop(0)

    @property
    def type(self) -> int:
        """The number after -t."""
        if self.options.get('type', '') not in ('0', '1', '2', '3', '4',
                                                '5', '6'):
            raise refusals.Usage()
        return int(self.options['type'])

    def adapter(self, default: str = 'lsilogic') -> str:
        adapter = self.options.get('adapter', default).lower()
        if adapter not in ADAPTERS:
            raise refusals.Usage()
        return adapter


def sectors(text: str, adapter: str = 'lsilogic') -> int:
    """Return the sectors of a size, with unit KB, MB, GB or none.

    Without a unit it is in sectors of 512 bytes.

    :raises vmdk.DiskError: if it is not a size or out of range: 1 MB to
        8192 GB, for buslogic 2040 GB.
    """
    parts = _SIZE.match(text)
    if not parts:
        raise vmdk.DiskError(vmdk.BAD_PARAMETER, text)
    unit = (parts.group(2) or '')[:1].upper()
    value = int(float(parts.group(1)) * _UNITS[unit])
    most = (2040 if adapter == 'buslogic' else 8192) * _UNITS['G']
    if not _UNITS['M'] <= value <= most:
        raise vmdk.DiskError(vmdk.BAD_PARAMETER, text)
    return value
