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

"""Checks of settings that expose the host or the VM to others."""

from collections.abc import Iterator
import re

from nova_vmrun.formats import hostnames
from nova_vmrun.formats.lint import finding
from nova_vmrun.formats import vmx

_SHARED_FOLDER = re.compile('sharedfolder[0-9]+[.]present')
# Ways from the guest to the desktop; they are open by default.
_TO_BE_CLOSED = (
    'isolation.tools.copy.disable', 'isolation.tools.paste.disable',
    'isolation.tools.dnd.disable', 'isolation.tools.hgfs.disable')


def check(settings: vmx.Vmx) -> Iterator[finding.Finding]:
    """Check what hardening guides check; all findings are warnings."""
    yield from _check_vnc(settings)
    for key in settings:
        if _SHARED_FOLDER.fullmatch(key.lower()) and settings.get_bool(key):
            yield finding.warning(key, 'shares a folder of the host with the '
                                  'guest.')
    for key in _TO_BE_CLOSED:
        if not settings.get_bool(key):
            yield finding.warning(key, 'is not TRUE: the guest shares this '
                                  'with the desktop of the host.')
    if not settings.get_bool('msg.autoAnswer'):
        yield finding.warning('msg.autoAnswer', 'is not TRUE: an invisible '
                              'dialog can block the VM.')


def _check_vnc(settings: vmx.Vmx) -> Iterator[finding.Finding]:
    if not settings.get_bool('RemoteDisplay.vnc.enabled'):
        return
    key = 'RemoteDisplay.vnc.ip'
    address = settings.get(key, '')
    if not hostnames.is_loopback(address):
        yield finding.warning(key, 'is %s: other machines can reach the '
                              'console.' % (address or 'missing'))
    if 'RemoteDisplay.vnc.password' in settings:
        yield finding.warning('RemoteDisplay.vnc.password',
                              'is stored as plain text.')
