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

"""The options of [vmrun] for consoles: screens and serial ports."""

from oslo_config import cfg

OPTS = [
    cfg.BoolOpt(
        'remote_display',
        default=True,
        # As the driver for VirtualBox had it.
        deprecated_name='remote_display',
        deprecated_group='virtualbox',
        help="""
Give each server a VNC console, on a port of its own.

Possible values:

* True (the default): if ``[vnc] enabled`` is True too.
* False: the servers of this host have no VNC console.

Related options:

* ``[vnc] enabled``
* ``vnc_port_range``
"""),
    cfg.FloatOpt(
        'console_delay_seconds',
        min=0,
        max=60,
        help="""
Seconds until a key that is held down in a console repeats.

Set it if a slow network makes characters appear twice. It is the
``keyboard.typematicMinDelay`` of the ``.vmx``, and servers get it at their
next hard reboot.

Possible values:

* 0 to 60, also fractions.
* Not set (the default): VMware's own delay.
"""),
    cfg.StrOpt(
        'serial_port_service_uri',
        help="""
The virtual serial port concentrator to which servers send their consoles.

The first serial port of each server connects to it. What the guest writes
there is then not in the server's console log: the ports that image and flavor
ask for, and so the log, come after it.

VMware documents such ports for vSphere alone. Its desktop products have the
code, their windows do not offer it, and it was not tried with this driver. A
product that refuses disconnects the port, and the server runs without it.

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
A proxy through which ``serial_port_service_uri`` is reached.

Possible values:

* As in ``serial_port_service_uri``, without which it is ignored.

Related options:

* ``serial_port_service_uri``
"""),
    cfg.StrOpt(
        'vnc_port_range',
        default='5900:6099',
        regex=r'^[0-9]{2,5}:[0-9]{2,5}$',
        help="""
TCP ports that VNC consoles of servers may take, first and last.

A server keeps its port as long as it exists. A server for which no port is
left is not started.

Possible values:

* ``first:last``

Related options:

* ``[vnc] enabled`` and ``remote_display``: no console is made when one is
  False.
* ``[vnc] server_listen``: the address.
"""),
    cfg.BoolOpt(
        'vnc_insecure_listen',
        default=False,
        help="""
Allow VNC consoles on an address that other machines can reach.

The consoles have no password, because nova-novncproxy cannot speak VNC's own
authentication: whoever reaches the port controls the guest. nova-compute
therefore refuses a ``[vnc] server_listen`` that is not loopback unless this
is set. Use a firewall that lets only the proxy in.

Possible values:

* True: any address is accepted.
* False (the default): only loopback is.

Related options:

* ``[vnc] server_listen``
"""),
]
