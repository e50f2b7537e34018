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

"""Checks of required keys and of the types of values."""

from collections.abc import Iterator
import re

from nova_vmrun.formats import guestos
from nova_vmrun.formats.lint import finding
from nova_vmrun.formats import vmx
from nova_vmrun.formats.vmx import keys

_REQUIRED = ('config.version', 'virtualHW.version', 'guestOS')
_BOOLEANS = ('true', 'false')
_FORMS = {
    'int': re.compile('-?[0-9]+'),
    'uuid': re.compile('([0-9a-f]{2}[ -]){15}[0-9a-f]{2}', re.IGNORECASE),
    'mac': re.compile('([0-9a-f]{2}:){5}[0-9a-f]{2}', re.IGNORECASE),
}
# VMware does not start a VM with an unknown word for one of these. For other
# keys, it uses its default and logs a line.
_REFUSED_WORDS = re.compile(
    r'firmware|(scsi|ethernet)[0-9]+\.virtualdev|serial[0-9]+\.filetype')
_REFUSED_ADDRESS = re.compile(r'ethernet[0-9]+\.address')
_NAMES = {'int': 'a number', 'mac': 'a MAC address',
          'uuid': 'a UUID as VMware writes it'}


def check(settings: vmx.Vmx) -> Iterator[finding.Finding]:
    """Check each key by itself."""
    if not finding.is_encrypted(settings):
        # In an encrypted file, they may be in the part that cannot be read.
        for key in _REQUIRED:
            if key not in settings:
                yield finding.error(key, 'is missing.')
    for key, value in settings.items():
        known = keys.find(key)
        if known is keys.UNKNOWN:
            yield finding.warning(key, 'is unknown.')
        elif known.values:
            yield from _check_word(key, value, known)
        elif known.kind == 'bool' and value.lower() not in _BOOLEANS:
            yield finding.warning(key, 'is %r; it must be TRUE or FALSE. '
                                  'VMware uses its default.' % value)
        elif known.kind in _FORMS and value and (
                not _FORMS[known.kind].fullmatch(value)):
            found = (finding.error if _REFUSED_ADDRESS.fullmatch(key.lower())
                     else finding.warning)
            yield found(key, 'is %r; it must be %s.'
                        % (value, _NAMES[known.kind]))
    yield from _check_guest(settings)
    yield from _check_size(settings)
    yield from _check_cookie(settings)
    yield from _check_starts(settings)


def _check_word(key: str, value: str,
                known: keys.Key) -> Iterator[finding.Finding]:
    spellings = {word.lower(): word for word in known.values}
    if value.lower() not in spellings:
        found = (finding.error if _REFUSED_WORDS.fullmatch(key.lower())
                 else finding.warning)
        yield found(key, 'is %r; it must be one of: %s.'
                    % (value, ', '.join(known.values)))
    elif value != spellings[value.lower()]:
        yield finding.warning(key, 'is %r; VMware writes it %s.'
                              % (value, spellings[value.lower()]))


def _check_guest(settings: vmx.Vmx) -> Iterator[finding.Finding]:
    guest_id = settings.get('guestOS', '').strip()
    if guest_id and guestos.find(guest_id) is None:
        yield finding.error(
            'guestOS', 'is %r; VMware has no such guest and would not '
            'start the VM.' % guest_id)


def _check_cookie(settings: vmx.Vmx) -> Iterator[finding.Finding]:
    """Check VMware's note of the CPUs that memory is laid out for."""
    key = 'numa.autosize.cookie'
    vcpus = settings.get_int('numvcpus', 1)
    cookie = settings.get_int(key, 0)
    # Without the number of cores, VMware's choice is unknown.
    cores = settings.get_int('cpuid.coresPerSocket', cookie % 10000 // 10)
    if cookie and cookie != vcpus * 10000 + cores * 10 + 2:
        yield finding.warning(
            key, 'is %d, which is wrong for %d CPUs with %d cores per socket; '
            'VMware corrects it at the next start.'
            % (cookie, vcpus, cores))


def _check_starts(settings: vmx.Vmx) -> Iterator[finding.Finding]:
    """Check settings that were seen to keep vmrun from starting a VM."""
    if settings.get_bool('mks.enable3d'):
        yield finding.warning(
            'mks.enable3d', 'has been reported to keep VMs without a window '
            'from starting.')
    if settings.get('managedvm.autoAddVTPM'):
        yield finding.warning(
            'managedvm.autoAddVTPM', 'does not add a TPM if vmrun starts '
            'the VM, and has been reported to keep it from starting.')
    if settings.get_bool('vtpm.present') and not (
            settings.get('encryption.keySafe')):
        yield finding.error(
            'vtpm.present', 'needs an encrypted VM; VMware would not start '
            'this one.')


def _check_size(settings: vmx.Vmx) -> Iterator[finding.Finding]:
    memory = settings.get_int('memsize', 32)
    if memory < 4 or memory % 4:
        yield finding.error('memsize', 'is %d; it must be a multiple of 4.'
                            % memory)
    vcpus = settings.get_int('numvcpus', 1)
    if vcpus < 1:
        yield finding.error('numvcpus', 'is %d.' % vcpus)
        return
    cores = settings.get_int('cpuid.coresPerSocket', 1)
    if cores < 1 or vcpus % cores:
        yield finding.error(
            'cpuid.coresPerSocket', 'is %d; it must divide the %d CPUs.'
            % (cores, vcpus))
