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

"""Whether the packages of an extra of ours are installed."""

from collections.abc import Iterable
import importlib.util

from nova_vmrun.aio import errors


def require(packages: Iterable[str], brief: str, resolution: str) -> None:
    """Raise an error unless packages can be imported.

    :param packages: those of the extra that would be missed first
    :param brief: sentence that says what cannot run
    :param resolution: sentence with the command that installs them
    :raises AioError: one of them is missing
    """
    missing = [name for name in packages
               if importlib.util.find_spec(name) is None]
    if missing:
        raise errors.AioError(brief, 'Missing: %s.' % ', '.join(missing),
                              resolution)
