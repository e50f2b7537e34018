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


"""Patch that keeps non-ASCII letters in the last lines of a console log.

nova-compute cuts the lines out of what the driver returns, then decodes them
as ASCII. Neither an option nor a driver can change that. The all-in-one runs
nova-compute in its own process, so it can replace that method.
"""

from typing import Any

from nova.compute import manager

from nova_vmrun.server.serial import utf8_log


_FLAG = 'nova_vmrun'


def install() -> None:
    """Patch nova-compute, once for the process."""
    cut = manager.ComputeManager._tail_log
    if getattr(cut, _FLAG, False):
        return

    def keeping_letters(self: manager.ComputeManager, log: bytes,
                        length: Any) -> utf8_log.Utf8Log:
        return utf8_log.Utf8Log(cut(self, log, length))

    setattr(keeping_letters, _FLAG, True)
    manager.ComputeManager._tail_log = keeping_letters
