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

"""The name by which iSCSI targets know this host."""

import contextlib
import os
import re
import secrets

from oslo_log import log as logging

from nova_vmrun.host import files
from nova_vmrun.server import layout as layout_module

LOG = logging.getLogger(__name__)

_PREFIX = 'iqn.2010-10.org.openstack:nova-vmrun-'
_NAME = re.compile('iqn[.][0-9]{4}-[0-9]{2}[.][a-z0-9.:-]{1,200}')


def name(layout: layout_module.Layout) -> str:
    """Return the name; it is made up once and then kept.

    :raises OSError: it cannot be kept
    """
    path = layout.initiator()
    found = _read(path)
    if found is None:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        # Another process may make one at this moment.
        with contextlib.suppress(FileExistsError):
            files.create_atomically(path, _made_up())
        found = _read(path)
    if found is None or not _NAME.fullmatch(found):
        LOG.warning('Replacing the iSCSI name in %s, which is malformed', path)
        files.write_atomically(path, _made_up())
        found = _read(path)
    return found or ''


def _read(path: str) -> str | None:
    try:
        return files.read(path).decode('ascii', 'replace').strip()
    except FileNotFoundError:
        return None


def _made_up() -> str:
    return _PREFIX + secrets.token_hex(6) + '\n'
