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

"""Options of the [ml2_vmrun] section, which neutron-server reads.

Print them with ``oslo-config-generator --namespace nova_vmrun.ml2``.
"""

from oslo_config import cfg

GROUP = cfg.OptGroup(
    'ml2_vmrun',
    title='ML2 mechanism driver for VMware Workstation, Player and Fusion',
    help="""
Options for the ``vmrun`` mechanism driver, which binds the ports of servers on
compute hosts that run nova-vmrun. It needs no agent. To enable it, add
``vmrun`` to ``[ml2] mechanism_drivers``.
""")

OPTS: list[cfg.Opt] = [
    cfg.ListOpt(
        'hosts',
        default=['*'],
        help="""
The compute hosts that run nova-vmrun.

Neutron tries its mechanism drivers in the order in which they are listed, and
the first driver that binds a port keeps it. Because there is no agent, this
list is the only way to tell nova-vmrun hosts from others. If you also use
other mechanism drivers, list the hosts here, or at least put ``vmrun`` last in
``[ml2] mechanism_drivers``. With ``*``, the driver binds every port that the
others leave, which hides the fact that a host's agent is down.

Possible values:

* A comma-separated list of host names, as set in ``[DEFAULT] host`` in
  nova.conf on the compute host. The wildcards ``*``, ``?`` and ``[...]`` work
  as in a shell, and case does not matter.
* ``*`` (the default): every host.

Related options:

* ``[ml2] mechanism_drivers``
"""),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options with a ConfigOpts; safe to call repeatedly."""
    conf.register_group(GROUP)
    conf.register_opts(OPTS, group=GROUP)


def list_opts() -> list[tuple[cfg.OptGroup, list[cfg.Opt]]]:
    """Return the options for oslo-config-generator."""
    return [(GROUP, OPTS)]
