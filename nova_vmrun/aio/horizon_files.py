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

"""Horizon's style sheets and scripts, which are made once for each release.

Django links all static files of Horizon and its libraries into one folder, and
compiles and joins the style sheets and scripts. A marker beside the folder
says for which packages and settings that was done.
"""

import hashlib
from importlib import metadata
import json
import pathlib
import re
import shutil
import sys

from nova_vmrun.aio import horizon_settings
from nova_vmrun.aio import layout as aio_layout

_NAME = re.compile(r'[\w.-]+')
# Files that no page uses: more than half of them are single icons.
_UNUSED = ('svgs', 'sprites', 'jasmine*', '*.spec.js', '*.less', '*.md')


def are_current(layout: aio_layout.Layout) -> bool:
    """Return whether the files fit the installed packages and settings."""
    try:
        return _marker(layout).read_text() == _fingerprint(layout)
    except FileNotFoundError:
        return False


def make(layout: aio_layout.Layout) -> None:
    """Make all files again. Django must have been set up.

    The marker is written last. If it is missing, this was interrupted.
    """
    from django.core import management

    _marker(layout).unlink(missing_ok=True)
    shutil.rmtree(horizon_settings.static(layout), ignore_errors=True)
    # Links save space, and all these files are in the same environment.
    management.call_command(
        'collectstatic', interactive=False, link=True, verbosity=0,
        ignore_patterns=list(_UNUSED))
    management.call_command('compress', force=True, verbosity=0)
    _marker(layout).write_text(_fingerprint(layout))


def _marker(layout: aio_layout.Layout) -> pathlib.Path:
    return layout.horizon_state / 'static.made'


def _fingerprint(layout: aio_layout.Layout) -> str:
    """Return a text that changes when the files have to be made again."""
    names = ['horizon']
    for requirement in metadata.requires('horizon') or ():
        if name := _NAME.match(requirement):
            names.append(name.group())
    folder = layout.config_dir(horizon_settings.PROJECT)
    return json.dumps({
        'packages': sys.prefix,
        'versions': {name: metadata.version(name) for name in names},
        # Which scripts belong together depends on the panels, for example.
        'settings': {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob('*.py'))},
    }, indent=2) + '\n'
