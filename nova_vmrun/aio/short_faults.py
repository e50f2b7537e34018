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

"""Patch that keeps tracebacks out of servers' faults.

Nova stores a fault's message and its traceback, and shows both to
administrators. The user of this control plane is one, so "openstack server
show" would print sixty lines for one sentence. The log has the traceback.
"""

from typing import Any

from nova.compute import utils as compute_utils

_NAME = '_get_fault_details'


def install() -> None:
    """Patch Nova in this process, before it stores a fault."""
    # Fail now if a release of Nova has another name for it.
    getattr(compute_utils, _NAME)
    setattr(compute_utils, _NAME, _no_details)


def _no_details(exc_info: Any, error_code: int) -> str:
    return ''
