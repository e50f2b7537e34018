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
from nova_vmrun import exception
from nova_vmrun.machine.choices import request as requests

_DEFAULT_SERIAL_PORTS = 1


def serial_ports(request: requests.Request) -> requests.Choice[int]:
    """Choose the number of serial ports.

    An image can only lower a flavor's number.
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
    return found.choose(found.value)


def show_gui(request: requests.Request) -> requests.Choice[bool | None]:
    """Choose whether the image wants a window on the host; None: either."""
    return request.image_choice(obeyed.SHOW_GUI)
