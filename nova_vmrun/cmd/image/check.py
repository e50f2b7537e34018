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

"""Whether the driver would boot an image, and as what: by its own code."""

import dataclasses
import os
import tempfile

from nova_vmrun.catalog import properties as props
from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.formats import vmdk
from nova_vmrun.inspection import drive_images
from nova_vmrun.inspection import inspector
from nova_vmrun.inspection import sniff
from nova_vmrun.machine import hardware

# What Nova allows if [compute] vmdk_allowed_types is not set.
CREATE_TYPES = (vmdk.STREAM_OPTIMIZED, vmdk.MONOLITHIC_SPARSE)
_DEFAULT_GUEST = 'otherlinux-64'


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the driver would make of an image.

    :ivar content: what it is; None if it was refused or is an ISO image
    :ivar guest: None if the properties name an impossible one
    :ivar guest_is_known: whether the image says what the guest is
    :ivar bus: of the disks; None if the properties were refused
    :ivar bus_origin: a phrase that names the rule that chose the bus, or None
    :ivar reasons: sentences that say why a server would not boot
    """

    content: inspector.Content | None
    guest: guestos.GuestOS | None
    guest_is_known: bool
    bus: str | None
    bus_origin: str | None
    reasons: tuple[str, ...]


def judge(path: str, kind: sniff.GlanceFormat, properties: dict[str, str],
          adapter: str | None = None) -> Verdict:
    """Find out whether a server could boot from an image.

    :param path: the file
    :param kind: the formats to declare to Glance
    :param properties: of the image
    :param adapter: ide or buslogic if its disk is known to be made for that
    """
    reasons: list[str] = []
    content = _content(path, kind, properties, reasons)
    if content is not None:
        adapter = content.adapter or adapter
    guest, bus, origin = _hardware(properties, adapter, reasons)
    known = guest is not None and not guest.origin.startswith('option ')
    return Verdict(content, guest, known, bus, origin, tuple(reasons))


def _content(path: str, kind: sniff.GlanceFormat, properties: dict[str, str],
             reasons: list[str]) -> inspector.Content | None:
    image = inspector.Image(
        os.path.basename(path), kind.disk_format, kind.container_format,
        _disk_type(properties) or kind.disk_type, props.ova_disk(properties))
    try:
        if kind.disk_format == 'iso':
            drive_images.require_iso(path, image)
            return None
        with tempfile.TemporaryDirectory(prefix='nova-vmrun-') as folder:
            return inspector.inspect(path, image, CREATE_TYPES,
                                     os.path.join(folder, 'disk'))
    except exception.ImageRefused as error:
        reasons.append(' '.join(filter(None, (error.reason,
                                              error.resolution))))
    return None


def _disk_type(properties: dict[str, str]) -> str | None:
    try:
        return props.disk_type(properties)
    except exception.InvalidProperty:
        # The choice of hardware reports this error.
        return None


def _hardware(properties: dict[str, str], adapter: str | None,
              reasons: list[str]
              ) -> tuple[guestos.GuestOS | None, str | None, str | None]:
    try:
        guest = guestos.choose(properties, _DEFAULT_GUEST,
                               _architecture(properties))
        chosen = hardware.choose(properties, {}, guest, 1,
                                 image_adapter=adapter)
    except exception.InvalidInput as error:
        reasons.append(str(error))
        return None, None, None
    return guest, chosen.disk_bus, chosen.origins['disk_bus']


def _architecture(properties: dict[str, str]) -> str:
    is_arm = properties.get('hw_architecture') == guestos.AARCH64
    return guestos.AARCH64 if is_arm else guestos.X86_64
