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

"""Everything that is neither disk, network, CPU topology nor firmware."""

from nova_vmrun.catalog import options as catalog
from nova_vmrun.catalog import properties as props
from nova_vmrun.catalog import table
from nova_vmrun import exception
from nova_vmrun.formats.guestos import profiles
from nova_vmrun.machine.choices import request as requests
from nova_vmrun.machine import model

_MAX_VIDEO_RAM_MB = 256
_VIDEO_RAM_LIMIT = 'hw_video:ram_max_mb'


def nested(request: requests.Request) -> requests.Choice:
    """Chooses whether the guest may run VMs itself."""
    asked = request.image(*props.names('nested_hypervisor'))
    if asked.name:
        return asked.choose(props.boolean(asked.name, asked.value))
    if request.guest.id in profiles.NESTED_GUESTS:
        return requests.Choice(True, 'guest %s' % request.guest.id)
    return request.default(request.profile.nested)


def options(request: requests.Request, fresh: frozenset[str]) -> tuple[
        dict[str, requests.Choice], tuple[str, ...]]:
    """Chooses a value for each row of catalog.options.

    :param fresh: what a user chooses now; see table.disobeyed
    :returns: names of fields to choices, and names of properties that are
        passed over because a server was built with them before
    :raises InvalidProperty: a value that is chosen now cannot be used
    """
    chosen, passed_over = {}, []
    for row in catalog.ROWS:
        asked, where = request.flavor(*row.flavor), table.FLAVOR
        if not asked.name:
            asked, where = request.image(*row.image), table.IMAGE
        chosen[row.field] = requests.Choice(row.default, 'default')
        if not asked.name:
            continue
        try:
            chosen[row.field] = asked.choose(row.read(
                asked.name, asked.value, request.hw_version, request.is_arm))
        except exception.InvalidProperty:
            if where in fresh:
                raise
            passed_over.append(asked.name)
    return chosen, tuple(passed_over)


def video_ram_mb(request: requests.Request) -> requests.Choice:
    """Chooses the video memory, MiB, or None to leave it to VMware.

    As in Nova, an image can ask only for what the flavor allows.
    """
    asked = request.image('hw_video_ram')
    if not asked.name:
        return requests.Choice(None, 'default')
    limit = 0
    allowed = request.flavor(_VIDEO_RAM_LIMIT)
    if allowed.name:
        limit = props.integer(allowed.name, allowed.value, 0, 10 ** 6)
    number = props.integer(asked.name, asked.value, 1, _MAX_VIDEO_RAM_MB)
    if number > limit:
        raise exception.InvalidProperty(
            asked.name, asked.value, 'The flavor allows %d MiB.' % limit,
            "Set the flavor's %s." % _VIDEO_RAM_LIMIT)
    return asked.choose(number)


def serial_ports(request: requests.Request) -> requests.Choice:
    """Chooses the number of serial ports; an image may only lower it."""
    most = model.MAX_SERIALS
    allowed = request.flavor('hw:serial_port_count')
    if allowed.name:
        most = props.integer(allowed.name, allowed.value, 0, most)
    asked = request.image('hw_serial_port_count')
    if asked.name:
        return asked.choose(props.integer(asked.name, asked.value, 0, most))
    if allowed.name:
        return allowed.choose(most)
    return requests.Choice(1, 'default')


def usb(request: requests.Request) -> requests.Choice:
    """Chooses one of machine.USB_CONTROLLERS."""
    # Nova's API refuses two that differ.
    asked = request.either('hw_usb_model', 'hw:usb_model')
    if request.is_arm:
        # Their keyboard is on USB 3: without it a console takes no keys.
        if asked.name:
            props.one_of(asked.name, asked.value, props.USB)
        return request.default(request.profile.usb)
    if asked.name:
        return asked.choose(props.one_of(asked.name, asked.value, props.USB))
    return request.default(request.profile.usb)


def show_gui(request: requests.Request) -> requests.Choice:
    """Tells whether the image wants a window on the host; None: no wish."""
    asked = request.image(*props.names('show_gui'))
    if asked.name:
        return asked.choose(props.boolean(asked.name, asked.value))
    return requests.Choice(None, 'default')
