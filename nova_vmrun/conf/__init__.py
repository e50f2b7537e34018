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

"""Options of the [vmrun] section.

Print them with ``oslo-config-generator --namespace nova_vmrun``.
"""

from oslo_config import cfg
from oslo_config import types

from nova_vmrun.conf import consoles
from nova_vmrun.conf import programs
from nova_vmrun.conf import servers
from nova_vmrun.conf import storage
from nova_vmrun.conf import volumes

GROUP = cfg.OptGroup(
    'vmrun',
    title='VMware Workstation, Player and Fusion',
    help="""
Options for the nova-vmrun driver, which runs servers on VMware Workstation,
Player or Fusion through VMware's own command line tools.

To enable the driver, set
``[DEFAULT] compute_driver = nova_vmrun.VmrunDriver``. nova-compute must run as
the user who owns the VMs, because vmrun shows only the VMs of the user and
session that run it.
""")

network_opts = [
    cfg.DictOpt(
        'vmnet_mappings',
        default={},
        help="""
Maps Neutron physical networks to VMware networks.

Possible values:

* A comma-separated list of ``physical_network:network`` or
  ``physical_network.VLAN_ID:network``, where the network is ``nat``,
  ``bridged``, ``hostonly`` or a virtual network such as ``vmnet8``. For
  example: ``physnet1:vmnet8,provider:bridged``

A server does not start if its VMware network does not exist on this host. The
network used for a VLAN must be bridged to an interface that carries that
VLAN.

Related options:

* ``default_vmnet``
* ``vlan_interface``
"""),
    cfg.StrOpt(
        'default_vmnet',
        default='nat',
        help="""
VMware network for physical networks that are not in ``vmnet_mappings``.

Possible values:

* ``nat``, ``bridged``, ``hostonly``, or a virtual network such as
  ``vmnet2``.
* Empty: servers on an unmapped physical network are refused.

Related options:

* ``vmnet_mappings``
"""),
    cfg.StrOpt(
        'vlan_interface',
        help="""
The host network interface that carries the VLANs.

Before starting a server on a VLAN, the driver checks that this interface
exists and that the VLAN's virtual network is bridged to a VLAN interface on
top of it. If something is missing, the error message shows the command that
fixes it. The driver does not set up VLANs itself, because that requires root.

Possible values:

* The name of an interface, such as ``eth0``.
* Not set (the default): servers on a VLAN are refused.

Related options:

* ``vmnet_mappings``
"""),
]


# A day, in seconds. The system cannot wait for more than 24 days at once.
_LONGEST = 24 * 60 * 60


_MORE = """

``memory_timeout_per_gib`` extends this for servers with a lot of memory.

Related options:

* ``memory_timeout_per_gib``"""


def _timeout(name: str, default: int, what: str, more: str = '') -> cfg.IntOpt:
    return cfg.IntOpt(
        name, default=default, min=1, max=_LONGEST,
        help="""
Timeout for %s, in seconds.

When it expires, the driver kills the program and checks the actual state of
the VM before it does anything else.%s
""" % (what, more))


limit_opts = [
    cfg.IntOpt(
        'retry_count',
        default=3,
        min=0,
        help="""
How many times to retry a command that VMware refused for a temporary reason.

Temporary reasons are a .vmx that VMware is rewriting, a file that another
process has open, and a busy VM. Other errors are not retried.

Related options:

* ``retry_interval``
"""),
    cfg.FloatOpt(
        'retry_interval',
        default=1.0,
        min=0,
        max=_LONGEST,
        help="""
Delay between retries, in seconds.

Related options:

* ``retry_count``
"""),
    cfg.IntOpt(
        'max_concurrent_operations',
        default=4,
        min=1,
        help="""
Maximum number of VM operations to run at the same time on this host.

Suspends, snapshots and clones write gigabytes, so they always leave one slot
free for other operations (unless this is 1). Waiting for a guest to shut down
or restart does not use a slot.
"""),
    _timeout('list_timeout', 30, '``vmrun list``'),
    _timeout('start_timeout', 300, '``vmrun start``', _MORE),
    _timeout('stop_timeout', 60, 'hard ``vmrun stop`` and ``vmrun reset``'),
    _timeout('suspend_timeout', 300, '``vmrun suspend``', _MORE),
    _timeout('pause_timeout', 60, '``vmrun pause`` and ``vmrun unpause``'),
    _timeout('snapshot_timeout', 600, 'snapshot commands', _MORE),
    cfg.IntOpt(
        'memory_timeout_per_gib',
        default=120,
        min=0,
        help="""
Extra time for each GiB of memory that VMware saves or restores, in seconds.

It is added to ``suspend_timeout``, to ``snapshot_timeout`` if the server is
running, and to ``start_timeout`` when a suspended server resumes, because all
of the server's memory is then written to or read from disk. A snapshot of a
server with 8 GiB has been measured to take more than five minutes.

Related options:

* ``start_timeout``, ``suspend_timeout`` and ``snapshot_timeout``
"""),
    _timeout('disk_timeout', 3600,
             'copying or converting a disk with vmware-vdiskmanager or '
             'qemu-img'),
    _timeout('ssh_timeout', 120, 'a request to another host'),
    _timeout('transfer_timeout', 14400, 'copying a server to another host'),
    cfg.IntOpt(
        'guest_address_timeout',
        default=10,
        min=1,
        max=_LONGEST,
        help="""
How long server diagnostics wait for the guest's IP address, in seconds.

VMware Tools in the guest report the address. If the guest does not run them,
the diagnostics of that server take this long.
"""),
    cfg.IntOpt(
        'wait_soft_reboot_seconds',
        default=60,
        min=0,
        max=_LONGEST,
        help="""
How long to wait for the guest to restart during a soft reboot, in seconds.

If the guest takes longer, or VMware Tools are not running in it, the server is
hard rebooted. Clean shutdowns use Nova's ``[DEFAULT] shutdown_timeout``
instead.

Possible values:

* 0: every soft reboot becomes a hard reboot.
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
Upper limit for the time a guest gets to shut down cleanly, in seconds.

The image property ``os_shutdown_timeout`` can ask for more time than Nova's
``[DEFAULT] shutdown_timeout``. This option limits both.

Each guest that is shutting down occupies one of nova-compute's
``[DEFAULT] executor_thread_pool_size`` worker threads, so keep this as low as
your guests allow.

Possible values:

* 0: never wait; always power off immediately.
* A number of seconds, up to 86400.

Related options:

* ``[DEFAULT] shutdown_timeout``
"""),
]

metrics_opts = [
    cfg.StrOpt(
        'metrics_file',
        help="""
File in which nova-compute writes figures about this host for Prometheus.

They are the servers by power state, the programs started and failed, and the
space in storage folders. nova-compute writes them every minute, each time it
reports its resources (``[DEFAULT] update_resources_interval``), which takes
one ``vmrun list``. The textfile collector of Prometheus' node_exporter reads
files whose names end in ``.prom``.

Possible values:

* Empty: no file is written.
* An absolute path, such as
  ``/var/lib/prometheus/node-exporter/nova-vmrun.prom``, in a folder that the
  user who runs nova-compute can write to.
"""),
]

ALL_OPTS = (programs.OPTS + servers.OPTS + storage.OPTS + network_opts +
            consoles.OPTS + volumes.OPTS + limit_opts + metrics_opts)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the [vmrun] options with an oslo.config ConfigOpts."""
    conf.register_group(GROUP)
    conf.register_opts(ALL_OPTS, group=GROUP)


def set_defaults(conf: cfg.ConfigOpts) -> None:
    """Override Nova defaults that do not work on VMware's networks.

    Servers cannot reach a metadata service there, so they get a config drive.
    Values set by the operator in nova.conf are kept.
    """
    conf.set_default('force_config_drive', True)


def list_opts() -> list[tuple[cfg.OptGroup, list[cfg.Opt]]]:
    """Return the options for oslo-config-generator."""
    return [(GROUP, ALL_OPTS)]


def port_range(text: str) -> range:
    """Parse ``first:last`` into a range of port numbers.

    :raises ValueError: a port is not valid, or the last comes before the first
    """
    port = types.Port(min=1)
    # oslo.config converts an empty text to None.
    first, last = (int(port(number) or '') for number in text.split(':'))
    if last < first:
        raise ValueError('%s runs backwards' % text)
    return range(first, last + 1)
