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


"""A picture in kitty's graphics protocol, which several terminals have.

https://sw.kovidgoyal.net/kitty/graphics-protocol/
"""

import base64

from nova_vmrun.aio.demo import screen

_BEGIN, _END = '\x1b_G', '\x1b\\'
# What the protocol allows in one piece.
_CHUNK = 4096

#: Asks whether the terminal can show a picture of one pixel, without doing so.
QUERY = (_BEGIN + 'i=31,s=1,v=1,a=q,t=d,f=24;AAAA' + _END).encode()
#: Answer of a terminal that can.
OK = (_BEGIN + 'i=31;OK' + _END).encode()


def line(picture: screen.Picture, columns: int | None) -> str:
    """Return a picture as a text for a terminal.

    :param columns: width to scale it to, in characters; None: leave it as
        large as it is
    """
    content = base64.b64encode(picture.png()).decode('ascii')
    chunks = [content[start:start + _CHUNK]
              for start in range(0, len(content), _CHUNK)]
    # Shows a PNG at once (T), and keeps the terminal from answering (q).
    keys = 'a=T,f=100,q=2,'
    if columns is not None:
        keys += 'c=%d,' % columns
    text = ''
    for number, chunk in enumerate(chunks, 1):
        text += '%s%sm=%d;%s%s' % (
            _BEGIN, keys, number < len(chunks), chunk, _END)
        keys = ''
    return text
