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

"""Serial ports and the window on the host."""

from nova_vmrun.catalog import obeyed
from nova_vmrun.catalog import table
from nova_vmrun import exception
from nova_vmrun.machine.choices import request as requests

_DEFAULT_SERIAL_PORTS = 1
_MAX_BESIDE_AGENT = obeyed.MAX_SERIAL_PORTS - 1


def guest_agent(request: requests.Request,
                chosen_now: frozenset[str]) -> requests.Choice[bool]:
    """Choose whether the server has a port for the QEMU guest agent.

    :param chosen_now: as for hardware.choose; a server that was built with
        another value before the property meant anything can still start
    """
    try:
        found = request.image(obeyed.GUEST_AGENT)
    except exception.InvalidProperty:
        if table.IMAGE in chosen_now:
            raise
        found = None
    if found is None:
        return requests.Choice(False, requests.DEFAULT)
    return found.choose(found.value, written=found.text.strip())


def serial_ports(request: requests.Request, has_agent: bool,
                 chosen_now: frozenset[str]) -> requests.Choice[int]:
    """Choose the number of serial ports for consoles.

    An image can only lower a flavor's number.

    :param has_agent: whether one of the ports is for the guest agent
    :param chosen_now: as for hardware.choose
    """
    of_flavor = request.flavor(obeyed.SERIAL_PORTS)
    of_image = request.image(obeyed.SERIAL_PORTS)
    if of_flavor and of_image and of_image.value > of_flavor.value:
        raise exception.InvalidProperty(
            of_image.name, of_image.text,
            'The flavor allows %d.' % of_flavor.value, 'Lower it.')
    found = of_image or of_flavor
    if found is None:
        return requests.Choice(_DEFAULT_SERIAL_PORTS, requests.DEFAULT)
    if has_agent and found.value > _MAX_BESIDE_AGENT:
        if found.place in chosen_now or table.IMAGE in chosen_now:
            raise exception.InvalidProperty(
                found.name, found.text, 'The guest agent needs one of the %d '
                'serial ports.' % obeyed.MAX_SERIAL_PORTS,
                'Use at most %d, or remove %s from the image.'
                % (_MAX_BESIDE_AGENT, obeyed.GUEST_AGENT.image[0]))
        return found.choose(_MAX_BESIDE_AGENT, written=found.text.strip())
    return found.choose(found.value)


def show_gui(request: requests.Request) -> requests.Choice[bool | None]:
    """Choose whether the image wants a window on the host; None: either."""
    return request.image_choice(obeyed.SHOW_GUI)
