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

"""One lock for each server: its .vmx is not written while it is started."""

from oslo_concurrency import lockutils


def held(uuid):
    """Returns a context in which nobody else writes a .vmx or starts the VM.

    It is not for calls that wait for Neutron, and not reentrant.

    :param uuid: of the server
    """
    return lockutils.lock('vmrun-vmx-%s' % uuid)
