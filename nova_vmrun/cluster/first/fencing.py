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

"""Say that a node is off, unless it plainly is on."""

from typing import Any

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import probe
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import cloud
from nova_vmrun.cluster.first import registry

# Seconds. nova-compute reports every 10 seconds.
_FRESH = 30


def fence(layout: aio_layout.Layout, settings: aio_settings.Settings,
          name: str, nova: cloud.Cloud, insists: bool = False) -> bool:
    """Tell Nova that a node is off.

    :param insists: do so although it seems to be on
    :returns: whether the node tells Nova by itself when it is back
    :raises AioError: it is on, or Nova does not know it
    """
    node = registry.load(layout).nodes.get(name)
    service = nova.service(name)
    if not insists:
        if name == settings.host:
            raise errors.AioError(
                'Node %s is not off: it is this machine.' % name, '',
                'To let others run its servers, stop them here, and add '
                '--insist.')
        sign = _sign_of_life(node, service)
        if sign:
            raise errors.AioError(
                'Node %s is not off.' % name, sign,
                'Cut its power. If that was done just now, repeat the command '
                'in half a minute.')
    nova.set_fenced(name, True)
    return node is not None and node.has_joined


def _sign_of_life(node: registry.Node | None, service: Any) -> str:
    """Return what shows that a node is on, or ''."""
    if node is not None and node.first_port and probe.complaint(
            aio_settings.ADDRESS, node.ports.ssh) is None:
        return 'Its sshd answers through its connection.'
    age = cloud.age(service.updated_at)
    if service.state == 'up' and 0 <= age < _FRESH:
        return ('Nova says that its nova-compute is up, and heard of it %d s '
                'ago.' % age)
    return ''
