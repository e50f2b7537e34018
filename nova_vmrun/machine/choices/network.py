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

"""The model of network adapters and the limits on their traffic."""

from nova_vmrun.catalog import obeyed
from nova_vmrun.catalog import row as rows
from nova_vmrun import exception
from nova_vmrun.machine.choices import request as requests

_ARM_MODELS = ('e1000e', 'vmxnet3')
_KBITS_PER_KBYTE = 8
_KBITS_PER_MBIT = 1000


def nic_model(request: requests.Request) -> requests.Choice[str]:
    """Choose the model of all adapters, one of model.NIC_MODELS."""
    found = request.image(obeyed.NIC_MODEL)
    if found is None:
        return request.default(request.profile.nic_model)
    if request.is_arm and found.value not in _ARM_MODELS:
        raise exception.InvalidProperty(
            found.name, found.text, 'Apple silicon has no such adapter.',
            'Use one of: %s.' % ', '.join(_ARM_MODELS))
    return found.choose(found.value, written=found.text)


def rx_kbps(request: requests.Request) -> requests.Choice[int | None]:
    """Choose the limit on what a guest receives, kbit/s, or None."""
    return _limit(request, obeyed.RECEIVE_LIMIT)


def tx_kbps(request: requests.Request) -> requests.Choice[int | None]:
    """Choose the limit on what a guest sends, kbit/s, or None."""
    return _limit(request, obeyed.SEND_LIMIT)


def _limit(request: requests.Request,
           row: rows.Row[int]) -> requests.Choice[int | None]:
    for each, factor in ((row, _KBITS_PER_KBYTE),
                         (obeyed.VIF_LIMIT, _KBITS_PER_MBIT)):
        found = request.flavor(each)
        if found is not None:
            return found.choose(factor * found.value, written=found.value)
    return requests.Choice(None, requests.DEFAULT)
