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

"""The [vmrun] options for VNC and serial consoles."""

from oslo_config import cfg

OPTS = [
    cfg.BoolOpt(
        'remote_display',
        default=True,
        # The name used by the VirtualBox driver.
        deprecated_name='remote_display',
        deprecated_group='virtualbox',
        help="""
Give each server a VNC console on its own port.

Possible values:

* True (the default): servers get a VNC console if ``[vnc] enabled`` is also
  True.
* False: servers on this host have no VNC console.

Related options:

* ``[vnc] enabled``
* ``vnc_port_range``
"""),
    cfg.FloatOpt(
        'console_delay_seconds',
        min=0,
        max=60,
        help="""
Delay before a held-down key starts to repeat in a console, in seconds.

Increase it if characters appear twice over a slow network. It sets
``keyboard.typematicMinDelay`` in the ``.vmx`` and applies to a server from its
next hard reboot.

Possible values:

* 0 to 60; fractions are allowed.
* Not set (the default): use VMware's own delay.
"""),
    cfg.StrOpt(
        'serial_port_service_uri',
        help="""
Virtual serial port concentrator that servers send their consoles to.

The first serial port of each server connects to it. The ports requested by
the image and flavor, including the one that feeds the console log, come after
it, so output on the first port does not appear in the console log.

VMware documents these ports only for vSphere. The desktop products contain the
code but do not offer it in their user interface, and it has not been tried
with this driver. If the product does not support it, VMware disconnects the
port and the server runs without it.

Possible values:

* ``telnet://host:port``, or the same with ``telnets``, ``tcp``, ``tcp4``,
  ``tcp6``, ``ssl`` or ``tcp+ssl``.
* Not set (the default): the first serial port is the console log.

Related options:

* ``serial_port_proxy_uri``
* ``[serial_console] enabled`` must be False.
"""),
    cfg.StrOpt(
        'serial_port_proxy_uri',
        help="""
Proxy used to reach ``serial_port_service_uri``.

Possible values:

* A URI, as for ``serial_port_service_uri``. Ignored if that option is not
  set.

Related options:

* ``serial_port_service_uri``
"""),
    cfg.StrOpt(
        'vnc_port_range',
        default='5900:6099',
        regex=r'^[0-9]{2,5}:[0-9]{2,5}$',
        help="""
Range of TCP ports for VNC consoles.

A server keeps its port for as long as it exists. If no port is free, the
server does not start.

Possible values:

* ``first:last``

Related options:

* ``[vnc] enabled`` and ``remote_display``: there are no consoles if either is
  False.
* ``[vnc] server_listen``: the address to listen on.
"""),
    cfg.BoolOpt(
        'vnc_insecure_listen',
        default=False,
        help="""
Allow VNC consoles to listen on addresses that other machines can reach.

The consoles have no password, because nova-novncproxy does not support VNC
authentication: anyone who can reach the port controls the guest. nova-compute
therefore refuses to use a ``[vnc] server_listen`` that is not a loopback
address unless this is set. Use a firewall that admits only the proxy.

Possible values:

* True: any address is accepted.
* False (the default): only loopback addresses are accepted.

Related options:

* ``[vnc] server_listen``
"""),
]
