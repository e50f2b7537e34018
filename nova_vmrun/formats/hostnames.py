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

"""Names and addresses of machines, as settings and URLs have them."""

import ipaddress


def is_loopback(host: str | None) -> bool:
    """Return whether an address or a name always leads to this machine.

    Of names, only localhost does; others are not looked up.
    """
    try:
        return ipaddress.ip_address(host or '').is_loopback
    except ValueError:
        return (host or '').lower() == 'localhost'
