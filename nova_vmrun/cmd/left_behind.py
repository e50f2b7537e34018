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

"""Stop the VMs of a compute node that its cloud does not let in any more.

A node runs this when it is not let in, and when it leaves. The answer is a
line of JSON, as from the first machine.
"""

import argparse
from collections.abc import Sequence
import dataclasses
import sys

from nova_vmrun.cluster import messages
from nova_vmrun.cmd import compute_host
from nova_vmrun import exception


def main(argv: Sequence[str] | None = None) -> int:
    """Stop the VMs whose disks another host has; print what became of all.

    :param argv: arguments without the program name
    :returns: exit status
    """
    parser = argparse.ArgumentParser(prog='nova_vmrun.cmd.left_behind')
    compute_host.add_config_file(parser)
    choices = parser.add_mutually_exclusive_group()
    choices.add_argument(
        '--every', action='store_true',
        help='Stop all VMs of this node, also those whose servers may be here')
    choices.add_argument(
        '--look', action='store_true', help='Stop none')
    parsed = parser.parse_args(argv)
    try:
        conf, compute_id = compute_host.configuration(parsed.config_file)
        compute_host.require_owner(conf.instances_path)
        work = compute_host.open_hypervisor(conf, compute_id).left_behind
        found = work.running() if parsed.look else work.stop(parsed.every)
    except exception.VmrunError as error:
        sys.stdout.write(messages.failure(error) + '\n')
        return 1
    sys.stdout.write(messages.success(
        {'vms': [dataclasses.asdict(vm) for vm in found]}) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
