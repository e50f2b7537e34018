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

"""guestinfo.* variables in the form that cloud-init's VMware source reads."""

import base64
from collections.abc import Mapping
from collections.abc import Sequence
import gzip
import json
from typing import Any

from nova_vmrun import exception

# VMware Tools pass at most this many bytes of a variable.
MAX_BYTES = 64 * 1024
_ENCODING = 'gzip+base64'


def variables(metadata: Mapping[str, Any], user_data: bytes | None = None,
              vendor_data: bytes | None = None) -> dict[str, str]:
    """Return the variables, by their names without ``guestinfo.``.

    :param metadata: instance-id, local-hostname, network ...
    :returns: texts without quotes and line breaks
    :raises InvalidInput: one of the three is too long
    """
    contents = {
        'metadata': json.dumps(metadata, sort_keys=True).encode('utf-8'),
        'userdata': user_data, 'vendordata': vendor_data}
    found = {}
    for name, content in contents.items():
        if content:
            found[name] = encode(name, content)
            found[name + '.encoding'] = _ENCODING
    return found


def encode(name: str, content: bytes) -> str:
    """Return bytes as the text of a variable.

    The same bytes always give the same text.

    :param name: name of the variable, for the error
    :raises InvalidInput: the text is too long
    """
    text = base64.b64encode(gzip.compress(content, mtime=0)).decode('ascii')
    if len(text) > MAX_BYTES:
        raise exception.InvalidInput(
            'guestinfo.%s would have %d bytes.' % (name, len(text)),
            'VMware Tools pass at most %d, compressed and in base64.'
            % MAX_BYTES,
            'Use less user data, for example a link to the rest of it, or let '
            'the operator set [vmrun] use_guestinfo to False.')
    return text


def decode(text: str) -> bytes:
    """Return the bytes from which encode made a text."""
    return gzip.decompress(base64.b64decode(text))


def with_devices(present: Mapping[str, str],
                 devices: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return variables whose metadata describes other tagged devices.

    :param present: what variables has returned
    :param devices: as in Nova's meta_data.json
    :raises InvalidInput: the metadata is too long
    """
    if 'metadata' not in present:
        return dict(present)
    metadata = json.loads(decode(present['metadata']))
    metadata.pop('devices', None)
    if devices:
        metadata['devices'] = devices
    return {**present, 'metadata': encode('metadata', json.dumps(
        metadata, sort_keys=True).encode('utf-8'))}
