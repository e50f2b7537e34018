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

"""The services of the first machine by TLS, without the tunnel.

If the first machine listens on an address that the node reaches, images and
Nova's messages need not go through one connection of ssh.
"""

from urllib import parse

from nova_vmrun.aio import config
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import report as aio_report
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio.tls import probe
from nova_vmrun.cluster import messages

# Sections with which nova-compute looks for a service in the catalog.
_IN_CATALOG = ('placement', 'neutron', 'glance')
_LOGINS = (*_IN_CATALOG, 'cinder', 'service_user')


def are_reachable(layout: aio_layout.Layout, settings: aio_settings.Settings,
                  welcome: messages.Welcome,
                  report: aio_report.Report) -> bool:
    """Return whether this machine reaches all services by TLS.

    The certificate authority is written for that.

    :param settings: those of the first machine, as far as the node knows them
    :raises AioError: it cannot be written
    """
    if not settings.tls:
        return False
    layout.tls.mkdir(mode=0o700, exist_ok=True)
    aio_settings.write_private(layout.ca, welcome.ca)
    for name in welcome.services:
        try:
            probe.connect(layout, settings, name)
        except (OSError, ValueError) as error:
            report.line('%s cannot be reached at %s port %d (%s), so all '
                        'services are used through the tunnel' % (
                            name, settings.listen, settings.ports[name],
                            getattr(error, 'strerror', None) or error))
            return False
    report.line('the services are used by TLS at %s' % settings.listen)
    return True


def sections(layout: aio_layout.Layout, settings: aio_settings.Settings,
             welcome: messages.Welcome) -> config.Sections:
    """Return the options of nova.conf that name services by TLS."""
    login = {'auth_url': settings.public_url('keystone', '/v3'),
             'cafile': layout.ca}
    found: dict[str, dict[str, object]] = {
        name: dict(login) for name in _LOGINS}
    for name in _IN_CATALOG:
        found[name]['valid_interfaces'] = 'public'
    found['cinder']['catalog_info'] = 'block-storage::public'
    if aio_settings.OWN_BUS in welcome.services:
        found['DEFAULT'] = {'transport_url': _bus(settings,
                                                  welcome.transport_url)}
        found['oslo_messaging_rabbit'] = {
            'ssl': True, 'ssl_ca_file': layout.ca}
    return found


def _bus(settings: aio_settings.Settings, url: str) -> str:
    """Return a URL of the bus with the first machine's address."""
    parts = parse.urlsplit(url)
    user = parts.netloc.rpartition('@')[0]
    return parts._replace(netloc='%s@%s:%d' % (
        user, settings.listen,
        settings.ports[aio_settings.OWN_BUS])).geturl()
