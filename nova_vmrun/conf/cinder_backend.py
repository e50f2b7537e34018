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

"""Options in a back end's section of cinder.conf, for the Cinder driver.

Print them with ``oslo-config-generator --namespace nova_vmrun.cinder``.
"""

from oslo_config import cfg

GROUP = cfg.OptGroup(
    'backend_defaults',
    title='Cinder driver for VMware Workstation, Player and Fusion',
    help="""
Options for the Cinder driver ``nova_vmrun.cinder.FilesDriver``. Set them in
the section of the back end, whose name is in ``[DEFAULT] enabled_backends``,
or in ``[backend_defaults]`` for all back ends.
""")

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'vmrun_volume_folder',
        default='$state_path/vmrun-volumes',
        help="""
Folder for the files of volumes and snapshots.

The folder is created if it does not exist. Only the user who runs
cinder-volume gets access to it, and it has to be the user who runs
nova-compute, because VMware opens the files as that user. Each back end needs
a folder of its own. The file system has to support sparse files. If it is not
the one with Nova's instances, servers and volumes cannot use up each other's
space.

Possible values:

* An absolute path. In nova.conf, add it to ``[vmrun] volume_folders``.

Related options:

* ``vmrun_hosts``
* ``reserved_percentage`` and ``max_over_subscription_ratio``
"""),
    cfg.ListOpt(
        'vmrun_hosts',
        default=[],
        help="""
More names of the host that has ``vmrun_volume_folder``.

A volume can only be attached to servers on the host where its file is. Nova
says which host that is by ``[DEFAULT] host`` of nova.conf. The driver accepts
``[DEFAULT] host`` of cinder.conf and the host name that the system returns, so
that this option is only needed if Nova uses another name, such as a fully
qualified one.

Possible values:

* A comma-separated list of host names. Do not list other hosts, even if they
  share the folder: their VMs would not see each other's locks.

Related options:

* ``[DEFAULT] host`` in nova.conf and cinder.conf
"""),
]


def list_opts() -> list[tuple[cfg.OptGroup, list[cfg.Opt]]]:
    """Return the options for oslo-config-generator."""
    return [(GROUP, OPTS)]
