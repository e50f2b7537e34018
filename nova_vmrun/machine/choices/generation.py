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

"""The generation of the virtual hardware."""

import re
import typing

from nova_vmrun.catalog import table
from nova_vmrun import exception
from nova_vmrun.machine.choices import request as requests

_NAME = 'vmware:hw_version'
# That of Workstation 10 and Fusion 6. Older ones lack what templates use.
OLDEST = 10


def hw_version(extra_specs: typing.Mapping[str, str], newest: int,
               fresh: frozenset[str] = table.BOTH) -> requests.Choice:
    """Chooses virtualHW.version, in Nova's vSphere driver's words.

    :param extra_specs: of the flavor
    :param newest: what the installed product runs
    :param fresh: what a user chooses now; see table.disobeyed
    :raises InvalidProperty: the product does not run it
    """
    value = extra_specs.get(_NAME, '')
    match = re.fullmatch('(?:vmx-)?0?([1-9][0-9]?)', value.strip().lower())
    if match and OLDEST <= int(match.group(1)) <= newest:
        return requests.Choice(int(match.group(1)),
                               'flavor %s=%s' % (_NAME, value.strip()))
    if value == '' or table.FLAVOR not in fresh:
        return requests.Choice(newest, 'product')
    raise exception.InvalidProperty(
        _NAME, value, 'The installed VMware product does not run it.',
        'Use vmx-%d to vmx-%d.' % (OLDEST, newest))
