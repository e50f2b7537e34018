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

"""The products: names, versions, and what each refuses."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import knobs

BUILDS = {
    '14.1.8': '14921873', '15.5.7': '17171714', '16.2.5': '20904516',
    '17.0.0': '20800274', '17.5.2': '23775571', '17.6.0': '24238078',
    '17.6.1': '24319023', '17.6.2': '24409262', '17.6.3': '24583834',
    '17.6.4': '24832109', '13.5.0': '22583790', '13.6.4': '24832108',
    '25.0.0': '24995812', '26.0.0': '25388281',
}
MARKETING = {'25H2': '25.0.0', '25H2u1': '25.0.0', '26H1': '26.0.0'}

#: Newest virtual hardware of each version, by its first two numbers.
_WS_HARDWARE = (((25, 0), 22), ((17, 5), 21), ((17, 0), 20), ((16, 2), 19),
                ((16, 0), 18), ((15, 0), 16), ((14, 0), 14), ((12, 0), 12),
                ((11, 0), 11), ((10, 0), 10))
_FUSION_HARDWARE = (((25, 0), 22), ((13, 5), 21), ((13, 0), 20),
                    ((12, 2), 19), ((12, 0), 18), ((11, 0), 16),
                    ((10, 0), 14), ((8, 0), 12), ((7, 0), 11), ((6, 0), 10))

NAMES = {'ws': 'VMware Workstation', 'player': 'VMware Player',
         'fusion': 'VMware Fusion'}

HOSTS = ('linux', 'macos', 'windows')

#: Verbs that Player lacks; the snapshot verbs according to the 2012 manual.
_NOT_ON_PLAYER = frozenset((
    'pause', 'unpause', 'snapshot', 'listsnapshots', 'deletesnapshot',
    'reverttosnapshot', 'clone', 'upgradevm'))
_ONLY_ON_FUSION = frozenset((
    'listnetworkadapters', 'addnetworkadapter', 'setnetworkadapter',
    'deletenetworkadapter'))


class Product:
    """The installed product.

    :ivar kind: ``ws``, ``player`` or ``fusion``.
    :ivar version: ``17.6.4``.
    :ivar build: ``24832109``.
    :ivar host: ``linux``, ``macos`` or ``windows``.
    :ivar arm: whether the host is Apple silicon.
    """

    def __init__(self, knobs: knobs.Knobs) -> None:
        self.kind = knobs['PRODUCT']
        default = '13.6.4' if self.kind == 'fusion' else '17.6.4'
        version = knobs['VERSION'] or default
        self.version = MARKETING.get(version, version)
        self.build = knobs['BUILD'] or BUILDS.get(self.version, '24832109')
        self.host = knobs['HOST'] or (
            'macos' if self.kind == 'fusion' else 'linux')
        #: The product whose vmrun answers: -T player on Workstation is Player.
        self.provider = self.kind
        self.arm = knobs['HOST_ARCH'] == 'arm64'

    @property
    def name(self) -> str:
        return NAMES[self.kind]

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(int(n) for n in re.findall(r'\d+', self.version)[:2])

    @property
    def full_version(self) -> str:
        return '%s %s build-%s' % (self.name, self.version, self.build)

    def newest_hardware(self) -> int:
        """Return the newest virtualHW.version that this product supports."""
        table = _FUSION_HARDWARE if self.kind == 'fusion' else _WS_HARDWARE
        for least, hardware in table:
            if self.numbers >= least:
                return hardware
        return table[-1][1]

    def refuses(self, verb: str) -> bool:
        """Return whether the product refuses a verb (in lower case)."""
        return self.provider == 'player' and verb in _NOT_ON_PLAYER

    def lacks(self, verb: str) -> bool:
        """Return whether a verb is missing even from the product's help."""
        return self.kind != 'fusion' and verb in _ONLY_ON_FUSION

    def vmrun_version(self) -> str:
        """Return the first line of vmrun's help, which names a VIX version.

        Since 25H2 there is no ``build-`` before the build number.
        """
        if self.numbers >= (25, 0):
            return 'vmrun version 1.17.0.%s' % self.build
        vix = '1.17.0' if self.newest_hardware() >= 14 else '1.15.8'
        return 'vmrun version %s build-%s' % (vix, self.build)
