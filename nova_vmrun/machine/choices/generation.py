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

"""The virtual hardware version."""

from collections.abc import Mapping
import re

from nova_vmrun.catalog import obeyed
from nova_vmrun.catalog import table
from nova_vmrun import exception
from nova_vmrun.machine.choices import request as requests

# Workstation 10 and Fusion 6. Older versions lack what the templates use.
OLDEST = 10


def hw_version(extra_specs: Mapping[str, str], newest: int,
               chosen_now: frozenset[str] = table.BOTH
               ) -> requests.Choice[int]:
    """Choose virtualHW.version, by the extra spec of Nova's vSphere driver.

    :param extra_specs: extra specs of the flavor
    :param newest: newest version that the installed product runs
    :param chosen_now: what a user chooses now; see table.find_disobeyed
    :raises InvalidProperty: the product does not run the version
    """
    name, = obeyed.HARDWARE_VERSION.flavor
    value = extra_specs.get(name, '')
    match = re.fullmatch('(?:vmx-)?0?([1-9][0-9]?)', value.strip().lower())
    if match and OLDEST <= int(match.group(1)) <= newest:
        return requests.Choice(int(match.group(1)),
                               'flavor %s=%s' % (name, value.strip()))
    if value == '' or table.FLAVOR not in chosen_now:
        return requests.Choice(newest, 'product')
    raise exception.InvalidProperty(
        name, value, 'The installed VMware product does not run it.',
        'Use vmx-%d to vmx-%d.' % (OLDEST, newest))
