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

"""Vendor data that sets up the QEMU guest agent in a cloud image.

Distributions let the unit of their package wait for a virtio device, so the
guest gets a unit of the same name that uses the serial port. Nothing here
overrides what an operator or a user says: cloud-init merges this part last,
keeps what earlier parts say, and prefers user data to vendor data.
"""

from collections.abc import Mapping
import email
from email.mime import multipart
from email.mime import text as mime_text
import hashlib
import json

from nova_vmrun.formats import guestos

# Families of guests whose images have cloud-init and, most of them, systemd.
_FAMILIES = ('linux', 'linux-legacy', 'arm')
_CLOUD_INIT = 'cloud-init'
_SERVICE = '/etc/systemd/system/qemu-guest-agent.service'
_PORT = '/dev/ttyS1'
_MIME_HEADERS = ('content-type:', 'mime-version:')

CLOUD_CONFIG = '''\
#cloud-config
# Sets up the QEMU guest agent on a serial port, for nova-vmrun.
merge_how: 'dict(no_replace,recurse_list)+list(append)'
packages:
- qemu-guest-agent
write_files:
- path: %(service)s
  content: |
    [Unit]
    Description=QEMU guest agent on a serial port
    [Service]
    ExecStart=/bin/sh -c 'exec qemu-ga --method=isa-serial --path=%(port)s'
    Restart=always
    RestartSec=10
    [Install]
    WantedBy=multi-user.target
runcmd:
- [systemctl, daemon-reload]
- [systemctl, enable, qemu-guest-agent.service]
- [systemctl, restart, --no-block, qemu-guest-agent.service]
''' % {'service': _SERVICE, 'port': _PORT}


def suits(guest: guestos.GuestOS) -> bool:
    """Return whether a guest may understand our part."""
    return guest.family in _FAMILIES and 'windows' not in guest.id


def add(vendor_data: bytes) -> bytes:
    """Return a vendor_data.json with our part for cloud-init.

    :param vendor_data: the operator's; a text, a list of texts, or an object
        whose "cloud-init" is one of these
    :raises ValueError: it is none of these, so nothing can be added
    """
    found = json.loads(vendor_data or b'{}')
    if isinstance(found, Mapping):
        merged: object = {**found, _CLOUD_INIT: _merged(
            found.get(_CLOUD_INIT))}
    else:
        merged = _merged(found)
    return json.dumps(merged).encode()


def _merged(theirs: object) -> str:
    if not theirs:
        return CLOUD_CONFIG
    parts = [theirs] if isinstance(theirs, str) else theirs
    if not isinstance(parts, list) or not all(
            isinstance(part, str) for part in parts):
        raise ValueError('It has no texts for cloud-init.')
    # The same parts give the same text, and no part contains its boundary.
    digest = hashlib.sha256('\0'.join(parts).encode()).hexdigest()
    message = multipart.MIMEMultipart(boundary='nova-vmrun-' + digest)
    for part in [*parts, CLOUD_CONFIG]:
        message.attach(
            email.message_from_string(part)
            if part.lower().startswith(_MIME_HEADERS)
            else mime_text.MIMEText(part, 'plain', 'utf-8'))
    return message.as_string()
