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

from nova_vmrun.catalog import properties as props
from nova_vmrun import exception
from nova_vmrun.machine.choices import request as requests

_ARM_MODELS = ('e1000e', 'vmxnet3')
_VIF_LIMIT = 'quota:vif_limit'


def nic_model(request: requests.Request) -> requests.Choice:
    """Chooses one of machine.NIC_MODELS for all adapters."""
    asked = request.image('hw_vif_model')
    if not asked.name:
        return request.default(request.profile.nic_model)
    model = props.one_of(asked.name, asked.value, props.NIC_MODELS)
    if request.is_arm and model not in _ARM_MODELS:
        raise exception.InvalidProperty(
            asked.name, asked.value, 'Apple silicon has no such adapter.',
            'Use one of: %s.' % ', '.join(_ARM_MODELS))
    return asked.choose(model, shown=asked.value)


def rx_kbps(request: requests.Request) -> requests.Choice:
    """Chooses the limit of what a guest receives, kbit/s, or None."""
    return _limit(request, 'quota:vif_inbound_average')


def tx_kbps(request: requests.Request) -> requests.Choice:
    """Chooses the limit of what a guest sends, kbit/s, or None."""
    return _limit(request, 'quota:vif_outbound_average')


def _limit(request: requests.Request, name: str) -> requests.Choice:
    asked = request.flavor(name)
    if asked.name:
        # Nova's unit is kilobytes per second.
        number = props.integer(name, asked.value, 1, 10 ** 8)
        return asked.choose(8 * number, shown=number)
    asked = request.flavor(_VIF_LIMIT)
    if asked.name:
        # Megabits per second, as Nova's vSphere driver has it.
        number = props.integer(_VIF_LIMIT, asked.value, 1, 10 ** 6)
        return asked.choose(1000 * number, shown=number)
    return requests.Choice(None, 'default')
