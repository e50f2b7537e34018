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

"""The output of the test guest on its serial port."""

import json
import time

_PREFIX = '@guest '
#: Seconds; beside ten busy processes, a guest boots for some minutes.
TIMEOUT = 600


class Silent(AssertionError):
    """The guest did not print the expected text in time."""


class Console(object):
    """Reads what a guest has printed so far.

    :param read: a function that returns the whole text of the serial port,
        for example from a file or from Nova's console log. A text that is
        only the end of it will do where nothing is counted.
    :param poll: seconds between two looks, the longer the more a look costs
    """

    def __init__(self, read, poll=0.1):
        self._read = read
        self._poll = poll

    @classmethod
    def of_file(cls, path):
        """Read the file behind a serial port, which may come later."""
        def read():
            try:
                with open(path, encoding='utf-8', errors='replace') as f:
                    return f.read()
            except FileNotFoundError:
                return ''

        return cls(read)

    def text(self):
        return self._read()

    def lines(self):
        """Return [(word, rest)] of the guest's own lines, oldest first."""
        found = []
        finished, _, _ = self._read().rpartition('\n')
        for line in finished.split('\n'):
            # Whatever came before on the same line is somebody else's.
            _, prefix, said = line.rpartition(_PREFIX)
            if prefix:
                word, _, rest = said.partition(' ')
                found.append((word, rest.strip()))
        return found

    def all_facts(self):
        """Return the facts of every boot, oldest first."""
        found = []
        for word, rest in self.lines():
            if word == 'facts':
                try:
                    found.append(json.loads(rest))
                except ValueError:
                    continue        # the power was cut in the middle of it
        return found

    def ticks(self):
        """Return the uptimes, in seconds, at which the guest has ticked."""
        return [float(rest.split()[1]) for word, rest in self.lines()
                if word == 'tick' and len(rest.split()) == 2]

    # -- waiting ---------------------------------------------------------

    def wait(self, what, found, timeout):
        """Wait until ``found()`` is true and return it.

        :param what: text for the error.
        :param timeout: in seconds.
        :raises Silent: with the end of the console's text.
        """
        end = time.monotonic() + timeout
        while True:
            value = found()
            if value:
                return value
            if time.monotonic() > end:
                raise Silent('no %s within %d s; the console ends with:\n%s'
                             % (what, timeout, self._read()[-2000:]))
            time.sleep(self._poll)

    def wait_facts(self, boot=1, timeout=TIMEOUT):
        """Wait for the facts of the ``boot``-th boot on this console."""
        def found():
            facts = self.all_facts()
            return facts[boot - 1] if len(facts) >= boot else None

        return self.wait('facts of boot %d' % boot, found, timeout)

    def wait_boots(self, count, timeout=TIMEOUT):
        """Wait for facts in which the disk counts ``count`` boots."""
        def found():
            facts = self.all_facts()
            return facts and boots(facts[-1]) == count and facts[-1]

        return self.wait('boot number %d' % count, found, timeout)

    def wait_tick(self, after=0.0, timeout=TIMEOUT):
        """Wait for a tick at an uptime beyond ``after``; return it."""
        def found():
            ticks = self.ticks()
            return ticks and ticks[-1] > after and ticks[-1]

        return self.wait('tick after %.2f' % after, found, timeout)

    def wait_word(self, word, count=1, timeout=TIMEOUT):
        """Wait until the guest has said ``word`` so many times."""
        def found():
            return [w for w, _ in self.lines()].count(word) >= count

        self.wait('"%s"' % word, found, timeout)


def root_disk(facts):
    """Return the disk that the guest runs from, None if it has none."""
    return next((d for d in facts['disks'] if d.get('root')), None)


def boots(facts):
    """Return how often the guest's disk was booted."""
    disk = root_disk(facts)
    return disk and disk['data']['boots']


def files(facts):
    """Return {path: text} of the files on the guest's disk."""
    disk = root_disk(facts)
    return disk and disk['data']['files']


def addresses(facts, mac):
    """Return the IPv4 addresses of the card with this MAC."""
    for nic in facts['nics']:
        if nic['mac'] == mac.lower():
            return [a.partition('/')[0] for a in nic['addresses']
                    if ':' not in a]
    return []
