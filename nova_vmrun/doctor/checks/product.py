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

"""Checks of the VMware product: is it there, does it work, is it licensed."""

from collections.abc import Iterable

from nova_vmrun.doctor import facts
from nova_vmrun.doctor import finding
from nova_vmrun.host import product
from nova_vmrun import system

_TOPIC = 'VMware'

# The oldest major versions that somebody maintains or packages.
_OLDEST = {product.WORKSTATION: 16, product.PLAYER: 16, product.FUSION: 12}
# From these on, no product needs a licence key.
_FREE = {product.WORKSTATION: (17, 6, 2), product.FUSION: (13, 6, 2)}

_INSTALL = {
    system.MACOS: 'Install VMware Fusion and start it once. To try nova-vmrun '
                  'without it: nova-vmrun aio demo --fake'}
_INSTALL_ON_LINUX = (
    'Install VMware Workstation Pro (free since 17.6.2) and start it once. To '
    'try nova-vmrun without it: nova-vmrun aio demo --fake')


def check(facts_: facts.Product) -> Iterable[finding.Finding]:
    """Check that a product is installed, works and is recent enough."""
    if facts_.vmrun is None:
        yield finding.wrong(
            _TOPIC, 'vmrun was not found, so no server can run here.',
            _INSTALL.get(facts_.platform, _INSTALL_ON_LINUX))
    elif facts_.found is None:
        yield finding.wrong(_TOPIC, *facts_.refusal)
    else:
        yield from _check_version(facts_, facts_.found)
        if facts_.found.vdiskmanager is None:
            yield finding.warning(
                _TOPIC, 'vmware-vdiskmanager was not found, so disks cannot '
                'be resized.',
                'Install the product again, or set [vmrun] vdiskmanager_path '
                'in nova.conf.')


def _check_version(facts_: facts.Product,
                   found: product.Product) -> Iterable[finding.Finding]:
    name = '%s %s (%s)' % (found.name, found.version_text, found.vmrun)
    if found.is_fake:
        yield finding.ok(_TOPIC, 'The fake %s stands in for VMware. Servers '
                         'are real files, but not VMware\'s.' % name)
    elif found.version is None:
        yield finding.warning(
            _TOPIC, '%s does not say which version it is; a recent one is '
            'assumed.' % name,
            'Run "vmware -v" as this user, and correct what it complains of.')
    elif found.version.major < _OLDEST[found.kind]:
        yield finding.wrong(
            _TOPIC, '%s is too old.' % name,
            'Install version %d or later.' % _OLDEST[found.kind])
    elif not facts_.has_licence_file and found.version < _FREE.get(
            found.kind, (0,)):
        yield finding.warning(
            _TOPIC, '%s needs a licence key, and none was entered.' % name,
            'Update to %s or later, which needs none, or enter your key in '
            'VMware\'s Help menu.' % '.'.join(map(str, _FREE[found.kind])))
    else:
        yield finding.ok(_TOPIC, name)
