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

"""The config drive: an ISO image with Nova's metadata for a guest."""

import os

from nova.api.metadata import base as instance_metadata
from nova.network import model
from nova.objects import instance as nova_instance
from nova.virt import configdrive
from oslo_concurrency import processutils

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.ops import guest_networks


def describe(instance: nova_instance.Instance,
             injected_files: list[tuple[str, str]],
             admin_password: str | None, network_info: model.NetworkInfo
             ) -> instance_metadata.InstanceMetadata:
    """Return the metadata of a server; this may wait for Neutron.

    :param injected_files: paths and contents
    :param admin_password: for the guest's administrator
    """
    extra = {'admin_pass': admin_password} if admin_password else {}
    return instance_metadata.InstanceMetadata(
        instance, content=injected_files, extra_md=extra,
        network_info=guest_networks.static(network_info))


def make(path: str, metadata: instance_metadata.InstanceMetadata) -> None:
    """Write a config drive, which only the owner of the file can read.

    Nova's builder runs [DEFAULT] mkisofs_cmd.

    :param path: the .iso to create
    :raises ToolRefused: mkisofs failed
    """
    with files.replacing(path) as part:
        try:
            with configdrive.ConfigDriveBuilder(metadata) as builder:
                builder.make_drive(part)
        except (processutils.ProcessExecutionError, OSError) as error:
            raise exception.ToolRefused(
                'Cannot create the config drive of server %s.'
                % metadata.uuid, str(error),
                'Install genisoimage, or set [DEFAULT] mkisofs_cmd.')
        os.chmod(part, 0o600)
