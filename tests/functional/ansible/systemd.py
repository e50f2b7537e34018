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

"""A stand-in for systemctl and loginctl, whose state is one folder.

Usage::

    systemd.py FOLDER PROGRAM ARGUMENT...

It knows the verbs that Ansible uses for one unit, and writes each call that
changes something to FOLDER/calls.
"""

import pathlib
import sys


class Systemd:

    def __init__(self, folder: str) -> None:
        self._folder = pathlib.Path(folder)

    def has(self, mark: str) -> bool:
        return (self._folder / mark).exists()

    def change(self, words: list[str], **marks: bool) -> int:
        with open(self._folder / 'calls', 'a') as stream:
            stream.write(' '.join(words) + '\n')
        for mark, is_set in marks.items():
            if is_set:
                (self._folder / mark).touch()
            else:
                (self._folder / mark).unlink(missing_ok=True)
        return 0

    def loginctl(self, verb: str, *_words: str) -> int:
        if verb == 'enable-linger':
            return self.change([verb], linger=True)
        print('Linger=%s' % ('yes' if self.has('linger') else 'no'))
        return 0

    def systemctl(self, *words: str) -> int:
        assert words[0] == '--user', words
        verb = words[1]
        if verb == 'show':
            print('LoadState=loaded\nActiveState=%s\nUnitFileState=%s' % (
                'active' if self.has('active') else 'inactive',
                'enabled' if self.has('enabled') else 'disabled'))
            return 0
        if verb == 'is-enabled':
            enabled = self.has('enabled')
            print('enabled' if enabled else 'disabled')
            return 0 if enabled else 1
        if verb == 'daemon-reload':
            return 0
        marks = {'enable': {'enabled': True}, 'start': {'active': True},
                 'restart': {'active': True}}[verb]
        return self.change([verb, *words[2:]], **marks)


if __name__ == '__main__':
    state, program, *arguments = sys.argv[1:]
    sys.exit(getattr(Systemd(state), program)(*arguments))
