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

"""Guests by VirtualBox's names and CIM's numbers in OVF descriptors.

VMware writes its own id into an OVF. VirtualBox writes a name of its own, such
as Windows10_64. Every product writes the number of CIM_OperatingSystem, which
has only one number for all releases of most systems.
"""

import re

from nova_vmrun.formats import guestos
from nova_vmrun.formats.guestos import rows

_NAME = re.compile(r'(?P<name>[A-Za-z]+)(?P<release>[0-9]*)x?'
                   r'(?P<kind>(_(?!64$|arm64$)[A-Za-z0-9]+)*)'
                   r'(?P<bits>_64|_arm64)?', re.IGNORECASE)
_BY_WORD = {word: row for row in rows.ROWS for word in row.virtualbox}
# What stands before an id, and what may stand behind it, by VirtualBox's end.
_BITS = {'': ('', ('', '-64')), '_64': ('', ('-64',)),
         '_arm64': ('arm-', ('-64',))}
_BY_CIM = {number: row for row in rows.ROWS for number in row.cim}


def by_virtualbox(word: str) -> guestos.GuestOS | None:
    """Return the guest with a name in VirtualBox.

    :param word: such as Ubuntu22_LTS_64; the case does not matter
    """
    match = _NAME.fullmatch(word.strip())
    if match is None:
        return None
    name, release = match.group('name').lower(), match.group('release')
    bits = (match.group('bits') or '').lower()
    known = [each for each in (name + release, name) if each in _BY_WORD]
    # VMware has ids for only a few releases on Apple silicon.
    words = known if bits == '_arm64' else known[:1]
    before, ends = _BITS[bits]
    found = (guestos.find(before + _BY_WORD[each].stem + end)
             for each in words for end in ends)
    return next(filter(None, found), None)


def by_cim(number: str) -> guestos.GuestOS | None:
    """Return the guest with a number in CIM, as in an OVF."""
    if not re.fullmatch('[0-9]{1,4}', number.strip()):
        return None
    row = _BY_CIM.get(int(number))
    return guestos.find(row.id) if row else None
