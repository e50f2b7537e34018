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


import base64
import os
import re

from nova_vmrun.aio.demo import kitty
from nova_vmrun.aio.demo import screen
from tests.unit import base

_PART = re.compile('\x1b_G([^;]*);([A-Za-z0-9+/=]*)\x1b\\\\')


class LineTestCase(base.TestCase):

    def parts(self, picture, columns=None):
        line = kitty.line(picture, columns)
        found = _PART.findall(line)
        # There is nothing else that a terminal could show.
        self.assertEqual('', _PART.sub('', line))
        return found

    def test_small_picture(self):
        picture = screen.Picture(1, 1, bytes(3))
        (keys, content), = self.parts(picture)
        self.assertEqual('a=T,f=100,q=2,m=0', keys)
        self.assertEqual(picture.png(), base64.b64decode(content))

    def test_large_picture_comes_in_pieces(self):
        picture = screen.Picture(100, 50, os.urandom(15000))
        parts = self.parts(picture)
        self.assertGreater(len(parts), 3)
        self.assertEqual(
            ['a=T,f=100,q=2,m=1', *['m=1'] * (len(parts) - 2), 'm=0'],
            [keys for keys, _ in parts])
        self.assertLessEqual(max(len(text) for _, text in parts), 4096)
        self.assertEqual(picture.png(), base64.b64decode(
            ''.join(text for _, text in parts)))

    def test_scaled_by_the_terminal(self):
        (keys, _), = self.parts(screen.Picture(1, 1, bytes(3)), 80)
        self.assertIn(',c=80,', keys)
