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

"""The program vmware-vdiskmanager.

Everything it says, errors too, is on standard output; it exits 0 or 1.
"""

import os
import re
import sys

from vmwarefake import knobs
from vmwarefake import messages
from vmwarefake import session as sessions
from vmwarefake import vmdk

FAILED = 1
_BAD_KNOB = 70

#: switch -> function in diskops, words that it takes itself
OPERATIONS = {'-c': ('create', 0), '-d': ('defragment', 0),
              '-k': ('shrink', 0), '-n': ('rename', 1),
              '-p': ('prepare', 0), '-r': ('convert', 1),
              '-x': ('expand', 1), '-R': ('repair', 0),
              '-e': ('check_chain', 0), '-D': ('make_deletable', 0),
              '-U': ('delete', 0)}
_OPTIONS = {'-s': 'size', '-a': 'adapter', '-t': 'type', '-h': 'host',
            '-u': 'user', '-f': 'password_file'}
ADAPTERS = ('ide', 'buslogic', 'lsilogic', 'pvscsi')
_SIZE = re.compile(r'(\d+(?:\.\d+)?)\s*(KB?|MB?|GB?|TB?)?\Z', re.I)
_UNITS = {'': 1, 'K': 2, 'M': 2048, 'G': 2048 * 1024,
          'T': 2048 * 1024 * 1024}


class Usage(Exception):
    """The command line makes no sense."""


class Failed(Exception):
    """The operation failed; ``str()`` is all that is printed."""


class Request(object):
    """What the command line asks for.

    :ivar switch: ``-c``, ``-r`` and so on.
    :ivar argument: the word that the switch itself takes, or None.
    :ivar disk: the disk (or mount point) named last.
    """

    def __init__(self, argv):
        self.switch = None
        self.argument = None
        self.quiet = False
        self.options = {}
        rest = list(argv)
        names = []
        while rest:
            word = rest.pop(0)
            if word in OPERATIONS:
                self._operation(word, rest)
            elif word == '-q':
                self.quiet = True
            elif word in _OPTIONS:
                if not rest:
                    raise Usage()
                self.options[_OPTIONS[word]] = rest.pop(0)
            elif word.startswith('-') and len(word) > 1:
                raise Usage()
            else:
                names.append(word)
        if not self.switch or len(names) != 1 or 'host' in self.options:
            raise Usage()
        self.disk = names[0]

    def _operation(self, word, rest):
        takes = OPERATIONS[word][1]
        if self.switch or len(rest) < takes:
            raise Usage()
        self.switch = word
        if takes:
            self.argument = rest.pop(0)

    @property
    def type(self):
        """The -t number."""
        if self.options.get('type', '') not in ('0', '1', '2', '3', '4',
                                                '5', '6'):
            raise Usage()
        return int(self.options['type'])

    def adapter(self, default='lsilogic'):
        adapter = self.options.get('adapter', default).lower()
        if adapter not in ADAPTERS:
            raise Usage()
        return adapter


def sectors(text, adapter='lsilogic'):
    """Read a size: a number with KB, MB, GB, or of 512-byte sectors.

    :raises vmdk.DiskError: when it is out of range (1 MB to 8192 GB, for
        buslogic 2040 GB) or no size at all.
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


def main(argv=None):
    """Run one operation and return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        session = sessions.Session(os.environ, 'vmware-vdiskmanager', argv)
        code = run(session, argv)
    except knobs.BadKnob as e:
        sys.stderr.write('fake vmware-vdiskmanager: %s\n' % e)
        return _BAD_KNOB
    sys.stdout.flush()
    session.call.finish(code)
    return code


def run(session, argv):
    try:
        request = Request(argv)
        session.delay(request.switch)
        return _perform(session, request)
    except Usage:
        from vmwarefake import usage
        session.write(usage.vdiskmanager(session.product))
        return FAILED


def _perform(session, request):
    from vmwarefake import diskops
    from vmwarefake import errors
    active = session.strike(request.switch)
    operation = getattr(diskops, OPERATIONS[request.switch][0])
    try:
        active.before()
        operation(session, request)
        active.after()
    except errors.Refused as e:         # a fault on order
        session.line(str(e))
        return e.code and FAILED
    except Failed as e:
        session.write(str(e))
        return FAILED
    return 0


def failed(what, code):
    """Return the refusal ``WHAT TEXT (0xCODE).``"""
    return Failed('%s %s\n' % (what, messages.with_code(code)))
