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

"""Folders of programs that are installed beside the Python package."""

import importlib.metadata
import pathlib
import sys

import nova_vmrun
from nova_vmrun.aio import errors

_SHARE = 'share/nova-vmrun'


def folder(name: str, program: str) -> pathlib.Path:
    """Find tests/NAME of a checkout, or share/nova-vmrun/NAME of a wheel.

    :param name: of the folder
    :param program: a file that the folder must contain
    :raises AioError: the folder is not found
    """
    places = [pathlib.Path(nova_vmrun.__file__).parents[1] / 'tests' / name]
    try:
        for path in importlib.metadata.files('nova-vmrun') or ():
            if str(path).endswith('%s/%s/%s' % (_SHARE, name, program)):
                places.append(pathlib.Path(path.locate()).resolve().parent)
    except importlib.metadata.PackageNotFoundError:
        pass
    places.append(pathlib.Path(sys.prefix) / _SHARE / name)
    for place in places:
        if (place / program).is_file():
            return place
    raise errors.AioError(
        'There is no folder %s with %s.' % (name, program),
        'Looked at: %s.' % ', '.join(map(str, places)),
        'Install nova-vmrun again.')
