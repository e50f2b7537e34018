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

"""What the commands for a compute host have in common."""

import argparse
from collections.abc import Iterable
import os
from typing import Any

from nova_vmrun import exception


def add_config_file(parser: argparse.ArgumentParser) -> None:
    """Add the option that names nova.conf."""
    parser.add_argument(
        '--config-file', metavar='<file>', action='append', default=[],
        help='Configuration file of nova-compute (repeat for more; '
             'default: the same files that nova-compute reads)')


def open_hypervisor(conf: Any, compute_id: str) -> Any:
    """Return the hypervisor of this compute node, as nova-compute has it."""
    from nova_vmrun import hypervisor

    return hypervisor.Hypervisor(conf, compute_id, conf.host)


def configuration(files: Iterable[str]) -> tuple[Any, str]:
    """Read nova.conf; return it and the id of this compute node.

    :param files: paths of nova.conf; none: those that nova-compute reads
    :raises InvalidConfiguration: there is no nova.conf, or nova-compute has
        never run with it
    """
    # Before other modules of Nova, which would load eventlet.
    from nova import monkey_patch
    os.environ.setdefault('OS_NOVA_DISABLE_EVENTLET_PATCHING', '1')
    monkey_patch.patch(backend='threading')
    from nova import config
    from nova import exception as nova_exception
    from nova.virt import node

    from nova_vmrun import conf as own

    own.register_opts(config.CONF)
    argv = ['nova-vmrun']
    for path in files:
        argv += ['--config-file', path]
    config.parse_args(argv, configure_db=False, init_rpc=False)
    if not config.CONF.config_file:
        raise exception.InvalidConfiguration(
            'No nova.conf was found.',
            'Searched ~/.nova, ~, /etc/nova and /etc.',
            'Pass the nova.conf of nova-compute with --config-file.')
    try:
        compute_id = node.read_local_node_uuid()
    except nova_exception.InvalidNodeConfiguration as error:
        raise exception.InvalidConfiguration(
            'The id of this compute node cannot be read.', str(error),
            'Restore the compute_id file.') from error
    if compute_id is None:
        raise exception.InvalidConfiguration(
            'nova-compute has never run here with this configuration.',
            'There is no compute_id file in %s.' % config.CONF.state_path,
            'Pass the nova.conf of nova-compute with --config-file.')
    return config.CONF, compute_id


def require_owner(instances_path: str) -> None:
    """Raise an error for another user, who would not see the running VMs.

    :raises InvalidConfiguration: another user runs nova-compute
    """
    try:
        owner = os.stat(instances_path).st_uid
    except OSError as error:
        raise exception.InvalidConfiguration(
            '[DEFAULT] instances_path cannot be read.',
            'The system says: %s.' % error,
            'Pass the nova.conf of nova-compute with --config-file.')
    if owner != os.geteuid():
        raise exception.InvalidConfiguration(
            '%s belongs to another user.' % instances_path,
            'Its owner is user id %d, but you are %d.' % (owner, os.geteuid()),
            'Run this command as the user who runs nova-compute.')
