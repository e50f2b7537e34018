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

"""The findings of the checks."""

import dataclasses

from nova_vmrun.formats import vmx

ERROR = 'error'
WARNING = 'warning'


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something wrong with a file.

    :ivar severity: ERROR if VMware would refuse the file or ignore a device in
        it, else WARNING
    :ivar key: the key at fault, or an empty text
    :ivar problem: the rest of a sentence that begins with the key
    :ivar line: its number, or None if a key is missing
    """

    severity: str
    key: str
    problem: str
    line: int | None = None


def error(key: str, problem: str) -> Finding:
    return Finding(ERROR, key, problem)


def warning(key: str, problem: str) -> Finding:
    return Finding(WARNING, key, problem)


def is_encrypted(settings: vmx.Vmx) -> bool:
    """Return whether most of a VM's settings are encrypted."""
    return bool(settings.get('encryption.data') or
                settings.get('encryption.keySafe'))
