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

"""The address at which other machines reach the control plane."""

import ipaddress
import socket

from nova_vmrun.aio import errors

_NAME_ONE = ('Name an IPv4 address of this machine with --listen, or use '
             '--no-listen.')


def check(address: str) -> None:
    """Raise an error if an address cannot be listened on, without trying.

    :raises AioError:
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError as error:
        raise _refusal(address, '%s.' % error) from error
    if parsed.is_unspecified:
        raise _refusal(
            address, 'The catalog and the certificate name one address, which '
            'clients can reach. This one stands for all.')
    if parsed.is_loopback:
        raise _refusal(
            address, 'Only this machine reaches it, and the services always '
            'listen on 127.0.0.1.')
    if parsed.version != 4:
        raise _refusal(address, 'IPv6 is not supported.')
    if parsed.is_multicast:
        raise _refusal(address, 'It is of a group of machines.')


def require_own(address: str) -> None:
    """Raise an error unless this machine has an address.

    :raises AioError:
    """
    try:
        with socket.socket() as probe:
            probe.bind((address, 0))
    except OSError as error:
        raise _refusal(
            address, 'This machine has no such address, or no longer has it.'
        ) from error


def _refusal(address: str, details: str) -> errors.AioError:
    return errors.AioError(
        'The services cannot listen on %.100s.' % address, details, _NAME_ONE)
