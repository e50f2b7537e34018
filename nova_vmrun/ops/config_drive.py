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

"""The CD-ROM that tells a guest who it is."""

import os

from nova.api.metadata import base as instance_metadata
from nova.virt import configdrive
from oslo_concurrency import processutils

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.ops import guest_networks


def describe(instance, injected_files, admin_password, network_info):
    """Collects what a server is to be told. Neutron is asked too.

    :param instance: nova.objects.Instance
    :param injected_files: list of (path, content)
    :param admin_password: for the guest's administrator, or None
    :param network_info: nova.network.model.NetworkInfo
    :returns: nova.api.metadata.base.InstanceMetadata
    """
    extra = {'admin_pass': admin_password} if admin_password else {}
    return instance_metadata.InstanceMetadata(
        instance, content=injected_files, extra_md=extra,
        network_info=guest_networks.static(network_info))


def make(path, metadata):
    """Writes a config drive, an ISO image, for the owner's eyes only.

    Nova's own builder runs [DEFAULT] mkisofs_cmd.

    :param path: the .iso to make
    :param metadata: what describe returned
    :raises ToolRefused: mkisofs failed
    """
    with files.replacing(path) as part:
        try:
            with configdrive.ConfigDriveBuilder(metadata) as builder:
                builder.make_drive(part)
        except (processutils.ProcessExecutionError, OSError) as error:
            raise exception.ToolRefused(
                'The config drive of server %s cannot be made.'
                % metadata.uuid, str(error),
                'Install genisoimage, or set [DEFAULT] mkisofs_cmd.')
        os.chmod(part, 0o600)
