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

"""noVNC: the web page in which a browser shows a server's screen.

PyPI has no package of it, and npm's package lacks the page. It comes with
Linux distributions (Debian, Ubuntu, Fedora: novnc) or as a separate archive.
"""

import pathlib

from nova_vmrun.aio import errors
from nova_vmrun.aio import settings as aio_settings

#: The page that connects as soon as it opens.
PAGE = 'vnc_lite.html'
_SYSTEM = pathlib.Path('/usr/share/novnc')
# Folder with a page of the same name, which says that noVNC is missing.
_WITHOUT = pathlib.Path(__file__).parent / 'pages'

HINT = ('noVNC is not installed, so no screen can be opened in a browser: '
        'install your system\'s package novnc, or unpack noVNC and name its '
        'folder with --novnc; then "aio down" and "aio up"')


def find(settings: aio_settings.Settings,
         system: pathlib.Path = _SYSTEM) -> pathlib.Path | None:
    """Find noVNC's folder.

    :returns: None if noVNC is not installed
    :raises AioError: the folder named with --novnc is not noVNC's
    """
    if settings.novnc:
        folder = pathlib.Path(settings.novnc)
        if not (folder / PAGE).is_file():
            raise errors.AioError(
                '%s is no folder of noVNC.' % folder,
                'It has no %s.' % PAGE,
                'Name the folder in which that file is with --novnc.')
        return folder
    return system if (system / PAGE).is_file() else None


def folder(settings: aio_settings.Settings) -> pathlib.Path:
    """Return the folder to serve: noVNC's, or a page on how to get noVNC."""
    return find(settings) or _WITHOUT
