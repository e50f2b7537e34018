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

"""The option of the [ml2_vmrun] section, which neutron-server reads.

``oslo-config-generator --namespace nova_vmrun.ml2`` prints it.
"""

from oslo_config import cfg

GROUP = cfg.OptGroup(
    'ml2_vmrun',
    title='ML2 mechanism driver for VMware Workstation, Player and Fusion',
    help="""
The mechanism driver ``vmrun`` binds the ports of servers on compute hosts that
run nova-vmrun. It needs no agent. It is switched on with
``[ml2] mechanism_drivers``.
""")

OPTS = [
    cfg.ListOpt(
        'hosts',
        default=['*'],
        help="""
The compute hosts that run nova-vmrun.

Neutron asks its mechanism drivers in the order of their list, and the first
one that binds a port keeps it. As there is no agent, nothing but this list
tells a host of ours from any other. Where other drivers are in use, name the
hosts here, or at least put ``vmrun`` behind the others: with ``*`` it takes
what they left, which hides that the agent of a host is down.

Possible values:

* A comma separated list of host names, as ``[DEFAULT] host`` in the nova.conf
  of the compute host has it. ``*``, ``?`` and ``[...]`` match as in a shell;
  upper and lower case are the same.
* ``*`` (the default): every host.

Related options:

* ``[ml2] mechanism_drivers``
"""),
]


def register_opts(conf):
    """Adds the options to a ConfigOpts; again is harmless."""
    conf.register_group(GROUP)
    conf.register_opts(OPTS, group=GROUP)


def list_opts():
    """The options, as the oslo.config.opts entry point wants them."""
    return [(GROUP, OPTS)]
