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

"""The options of the [vmrun] section.

``oslo-config-generator --namespace nova_vmrun`` prints them.
"""

from oslo_config import cfg
from oslo_config import types

from nova_vmrun.conf import consoles
from nova_vmrun.conf import programs
from nova_vmrun.conf import servers

GROUP = cfg.OptGroup(
    'vmrun',
    title='VMware Workstation, Player and Fusion',
    help="""
Options of the nova-vmrun driver, which runs servers on a desktop hypervisor
through VMware's own command line tools.

It is chosen with ``[DEFAULT] compute_driver = nova_vmrun.VmrunDriver``.
nova-compute must run as the user who owns the VMs: vmrun shows a user only
the VMs of that same user and session.
""")

network_opts = [
    cfg.DictOpt(
        'vmnet_mappings',
        default={},
        help="""
The VMware network of each physical network of Neutron.

Possible values:

* ``physical_network:network`` or ``physical_network.VLAN_ID:network``,
  separated by commas. The network is ``nat``, ``bridged``, ``hostonly`` or
  the name of a virtual network such as ``vmnet8``. For example:
  ``physnet1:vmnet8,provider:bridged``

A server is not started on a network that VMware does not have on this host.
The network of a VLAN must be bridged to an interface that carries it.

Related options:

* ``default_vmnet``
* ``vlan_interface``
"""),
    cfg.StrOpt(
        'default_vmnet',
        default='nat',
        help="""
The VMware network of a physical network that ``vmnet_mappings`` leaves out.

Possible values:

* ``nat``, ``bridged``, ``hostonly``, or a virtual network such as
  ``vmnet2``.
* An empty value: a server on an unmapped physical network is refused.

Related options:

* ``vmnet_mappings``
"""),
    cfg.StrOpt(
        'vlan_interface',
        help="""
The adapter of this host on which VLANs come in.

Before a server is started on a VLAN it is checked that this adapter exists,
and that the virtual network of the VLAN is bridged to an interface of it that
carries the VLAN. The error names the command that mends what is missing;
nothing of it is made by itself, since that needs root.

Possible values:

* The name of an adapter, such as ``eth0``.
* Not set (the default): a server on a VLAN is refused.

Related options:

* ``vmnet_mappings``
"""),
]


# A day, in seconds. The system cannot wait for more than 24 of them at once.
_LONGEST = 24 * 60 * 60


_MORE = """

More time is given for the memory of a server.

Related options:

* ``memory_timeout_per_gib``"""


def _timeout(name: str, default: int, what: str, more: str = '') -> cfg.IntOpt:
    return cfg.IntOpt(
        name, default=default, min=1, max=_LONGEST,
        help="""
Seconds that %s may take.

After them the program is killed. The state of the VM is then looked up, and
nothing is repeated blindly.%s
""" % (what, more))


limit_opts = [
    cfg.IntOpt(
        'retry_count',
        default=3,
        min=0,
        help="""
How often a command is tried again that VMware refused for a passing reason.

Such reasons are a .vmx that VMware is just rewriting, a file that another
process has open, and a busy VM. Other refusals are not repeated.

Related options:

* ``retry_interval``
"""),
    cfg.FloatOpt(
        'retry_interval',
        default=1.0,
        min=0,
        max=_LONGEST,
        help="""
Seconds between two tries.

Related options:

* ``retry_count``
"""),
    cfg.IntOpt(
        'max_concurrent_operations',
        default=4,
        min=1,
        help="""
How many commands that change a VM may run at once on this host.

Suspends, snapshots and clones, which write gigabytes, leave one place to the
other commands; with 1 they cannot. Waiting for a guest that shuts down or
restarts by itself takes no place.
"""),
    _timeout('list_timeout', 30, '``vmrun list``'),
    _timeout('start_timeout', 300, '``vmrun start``', _MORE),
    _timeout('stop_timeout', 60, 'a hard ``vmrun stop`` or ``reset``'),
    _timeout('suspend_timeout', 300, '``vmrun suspend``', _MORE),
    _timeout('pause_timeout', 60, '``vmrun pause`` or ``unpause``'),
    _timeout('snapshot_timeout', 600, 'a snapshot command', _MORE),
    cfg.IntOpt(
        'memory_timeout_per_gib',
        default=120,
        min=0,
        help="""
Seconds more for each GiB of memory that VMware must write or read.

They are added to ``suspend_timeout``, to ``snapshot_timeout`` for a server
that runs, and to ``start_timeout`` for one that resumes: all of a server's
memory goes to or from the disk then. A snapshot of 8 GiB was measured to take
more than five minutes.

Related options:

* ``start_timeout``, ``suspend_timeout`` and ``snapshot_timeout``
"""),
    _timeout('clone_timeout', 600, '``vmrun clone``'),
    _timeout('disk_timeout', 3600,
             'a disk copy or conversion by vmware-vdiskmanager or qemu-img'),
    _timeout('ssh_timeout', 120, 'a command on another host'),
    _timeout('transfer_timeout', 14400,
             'the copy of a server to another host'),
    cfg.IntOpt(
        'guest_address_timeout',
        default=10,
        min=1,
        max=_LONGEST,
        help="""
Seconds that a guest gets to tell its address when diagnostics are asked for.

Only VMware Tools in the guest tell it. Without them the diagnostics of a
server take this long.
"""),
    cfg.IntOpt(
        'wait_soft_reboot_seconds',
        default=60,
        min=0,
        max=_LONGEST,
        help="""
Seconds that a guest gets to restart by itself at a soft reboot.

When they are over, or VMware Tools do not run in the guest, the server is
rebooted hard. A clean stop uses Nova's ``[DEFAULT] shutdown_timeout`` instead.

Possible values:

* 0: a soft reboot is a hard one.
* A number of seconds, up to 86400.

Related options:

* ``[DEFAULT] shutdown_timeout``
"""),
    cfg.IntOpt(
        'max_shutdown_timeout',
        default=300,
        min=0,
        max=_LONGEST,
        help="""
The longest that a guest may take to shut down by itself, in seconds.

Whoever makes an image can ask for more time than Nova's ``[DEFAULT]
shutdown_timeout`` gives, with the image property ``os_shutdown_timeout``. This
is the most that they get. It bounds ``[DEFAULT] shutdown_timeout`` too.

One of nova-compute's workers waits for each guest that shuts down (there are
``[DEFAULT] executor_thread_pool_size`` of them), so keep it as low as your
guests allow.

Possible values:

* 0: the power is always cut at once.
* A number of seconds, up to 86400.

Related options:

* ``[DEFAULT] shutdown_timeout``
"""),
]

ALL_OPTS = (programs.OPTS + servers.OPTS + network_opts + consoles.OPTS +
            limit_opts)


def register_opts(conf):
    """Registers the [vmrun] section with an oslo.config ConfigOpts."""
    conf.register_group(GROUP)
    conf.register_opts(ALL_OPTS, group=GROUP)


def set_defaults(conf):
    """Changes defaults of Nova that are wrong on VMware's networks.

    No metadata service can be reached there, so servers get a config drive.
    What an operator has set in nova.conf stays.
    """
    conf.set_default('force_config_drive', True)


def list_opts():
    """Returns the options for oslo-config-generator."""
    return [(GROUP, ALL_OPTS)]


def port_range(text):
    """Reads ``first:last`` into a range of port numbers.

    :raises ValueError: the ports are no ports, or run backwards
    """
    port = types.Port(min=1)
    first, last = (port(number) for number in text.split(':'))
    if last < first:
        raise ValueError('%s runs backwards' % text)
    return range(first, last + 1)
