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

"""Passwords of running servers, set by the QEMU guest agent."""

import unicodedata

from nova.api.metadata import password as metadata_password
from nova import crypto
from nova import exception as nova_exception
from nova.objects import instance as nova_instance
from oslo_log import log as logging
from oslo_serialization import base64
from passlib import hash as password_hashes

from nova_vmrun.catalog import obeyed
from nova_vmrun.catalog import properties
from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.server import guest_agents as guest_agents_module
from nova_vmrun.server import vmx_file
from nova_vmrun.tools import guest_agent

LOG = logging.getLogger(__name__)

# The longest that Linux' own programs read.
_LONGEST_PASSWORD = 511
_LONGEST_USER = 255
# What Linux keeps in /etc/shadow; its own programs use 5,000 rounds.
_HASH = password_hashes.sha512_crypt.using(rounds=5000)
# Nova can encrypt the password for the owner of such a key.
_RSA = 'ssh-rsa'


class GuestPasswords:
    """Sets passwords in guests."""

    def __init__(self, guest_agents: guest_agents_module.GuestAgents,
                 vmx_files: vmx_file.VmxFiles) -> None:
        self._guest_agents = guest_agents
        self._vmx_files = vmx_files

    def set(self, instance: nova_instance.Instance, password: str) -> None:
        """Set the password of the administrator of a running guest.

        :raises QemuGuestAgentNotEnabled: Nova's; the image does not want one
        :raises SetAdminPasswdNotSupported: Nova's; the VM has no port for it
        :raises NotImplementedError: no agent answers, as with libvirt
        :raises InvalidInput: the password or the name cannot be used
        :raises AgentRefused: there is no such user
        :raises ToolTimeout: the password may have changed
        """
        wanted = instance.image_meta.properties
        if not wanted.get(obeyed.GUEST_AGENT.image[0]):
            raise nova_exception.QemuGuestAgentNotEnabled()
        agent = self._guest_agents.of(instance.uuid)
        if agent is None:
            LOG.warning('Cannot set the password: the VM has no port for the '
                        'guest agent. Stop the server and start it again.',
                        instance=instance)
            raise nova_exception.SetAdminPasswdNotSupported()
        is_windows = self._is_windows(instance.uuid)
        user = wanted.get(obeyed.ADMIN_USER.image[0]) or (
            properties.WINDOWS_ADMIN_USER if is_windows
            else properties.ADMIN_USER)
        _check('user', user, _LONGEST_USER, ':')
        _check('password', password, _LONGEST_PASSWORD)
        try:
            _set(agent, user, password, is_windows)
        except exception.AgentNotRunning as error:
            LOG.warning('Cannot set the password: %s', error,
                        instance=instance)
            raise NotImplementedError() from error
        _keep_for_owner(instance, password)

    def _is_windows(self, uuid: str) -> bool:
        guest = guestos.find(self._vmx_files.load(uuid).get('guestOS', ''))
        return guest is not None and guest.family.startswith('windows')


def _set(agent: guest_agent.GuestAgent, user: str, password: str,
         is_windows: bool) -> None:
    """Set a password as a hash, or as it is where the guest needs that."""
    if not is_windows:
        try:
            agent.set_password(user, _HASH.hash(password), True)
            return
        except exception.AgentRefused as error:
            LOG.info('The agent does not take a hash: %s', error)
    agent.set_password(user, password, False)


def _check(what: str, text: str, longest: int, forbidden: str = '') -> None:
    """Refuse what would end the line in which a guest's program reads it.

    The error does not show the text.
    """
    length = len(text.encode('utf-8', 'surrogatepass'))
    if not 0 < length <= longest:
        raise exception.InvalidInput(
            'The %s has %d bytes.' % (what, length),
            resolution='Use 1 to %d bytes.' % longest)
    if any(c in forbidden or unicodedata.category(c) in ('Cc', 'Cs')
           for c in text):
        raise exception.InvalidInput(
            'The %s contains a character that is not allowed.' % what,
            'Not allowed are line breaks and other control characters.',
            'Use another %s.' % what)


def _keep_for_owner(instance: nova_instance.Instance, password: str) -> None:
    """Let the owner of the server's key read the password from Nova."""
    key = instance.key_data
    if key and key.startswith(_RSA):
        secret = base64.encode_as_text(crypto.ssh_encrypt_text(key, password))
        instance.system_metadata.update(
            metadata_password.convert_password(None, secret))
        instance.save()
