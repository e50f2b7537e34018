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

"""nova.conf of a node: the first machine's, with what is a node's own."""

from nova_vmrun.aio import config
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio.services import nova
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import vmware as aio_vmware
from nova_vmrun.cluster import messages
from nova_vmrun.cluster.node import direct
from nova_vmrun.cluster.node import files as node_files
from nova_vmrun.cluster.node import membership as node_membership

# Sections with which a node logs in to services, as one user.
_LOGINS = ('service_user', 'placement', 'neutron', 'glance', 'cinder')
# Others that nova-compute reads. The rest is for the API and the scheduler.
_SHARED = ('DEFAULT', 'compute', 'oslo_concurrency', 'vnc',
           'serial_console', 'vmrun')
_NOT_DEFAULT = ('osapi_compute_listen', 'osapi_compute_listen_port')


def write(layout: aio_layout.Layout, settings: aio_settings.Settings,
          member: node_membership.Membership, welcome: messages.Welcome,
          programs: aio_vmware.Programs, by_tls: bool = False) -> None:
    """Write nova.conf.

    :param settings: those of the first machine, as far as the node knows them
    :param by_tls: use the services by TLS, not through the tunnel
    :raises AioError: it cannot be written
    """
    files = node_files.Files(layout)
    base = nova.sections(
        layout, settings, dict.fromkeys(aio_settings.USERS, welcome.password),
        programs)
    sections = {name: dict(base[name]) for name in (*_SHARED, *_LOGINS)}
    for name in _LOGINS:
        sections[name].update(username=welcome.user)
    for name in _NOT_DEFAULT:
        sections['DEFAULT'].pop(name, None)
    sections['oslo_messaging_rabbit'] = dict(welcome.messaging)
    sections['serial_console'].update(port_range=member.ports.serial)
    sections['vmrun'].update(
        vnc_port_range=member.ports.vnc,
        ssh_config=files.peers_config)
    if by_tls:
        for name, options in direct.sections(
                layout, settings, welcome).items():
            sections[name].update(options)
    config.write(layout, nova.PROJECT, nova.CONFIG, sections)


def settings_of(member: node_membership.Membership,
                welcome: messages.Welcome, fake: bool,
                vmrun_path: str, vmnet: str) -> aio_settings.Settings:
    """Return the first machine's settings, as far as the node knows them.

    :param fake: whether to use the fake VMware
    :param vmrun_path: path of vmrun, or '' to search for it
    :param vmnet: this machine's VMware network, or '' for the first machine's
    """
    return aio_settings.Settings(
        host=member.name, ports={**member.services, **welcome.proxies},
        listen=welcome.listen, listen_insecure=not welcome.ca,
        bus=welcome.transport_url, volumes=welcome.volumes, fake=fake,
        vmrun_path=vmrun_path, vmnet=vmnet or welcome.vmnet,
        knobs=dict(member.knobs))
