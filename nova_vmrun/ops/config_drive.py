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

"""The config drive: an ISO image with Nova's metadata for a guest.

Nobody else has the files and the password that a user passed at the boot, so
a drive is never made again: a later one is the earlier one with some files
replaced.
"""

from collections import abc
import contextlib
import os

from nova.api.metadata import base as instance_metadata
from nova.network import model
from nova.objects import instance as nova_instance
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import iso
from nova_vmrun.host import files
from nova_vmrun.machine import vendor_data
from nova_vmrun.ops import guest_networks

LOG = logging.getLogger(__name__)

# By which guests find it.
_LABEL = 'config-2'
_PUBLISHER = 'nova-vmrun'


def describe(instance: nova_instance.Instance,
             injected_files: list[tuple[str, str]],
             admin_password: str | None, network_info: model.NetworkInfo,
             installs_agent: bool = False
             ) -> instance_metadata.InstanceMetadata:
    """Return the metadata of a server; this may wait for Neutron.

    :param injected_files: paths and contents
    :param admin_password: for the guest's administrator
    :param installs_agent: whether vendor data has the guest install the QEMU
        guest agent
    """
    kind = (_MetadataWithAgent if installs_agent
            else instance_metadata.InstanceMetadata)
    extra = {'admin_pass': admin_password} if admin_password else {}
    static = guest_networks.static(network_info)
    return kind(
        instance, content=injected_files, extra_md=extra, network_info=static,
        network_metadata=guest_networks.metadata(static))


class _MetadataWithAgent(instance_metadata.InstanceMetadata):
    """Nova's metadata, with our part in the vendor data."""

    def metadata_for_config_drive(
            self) -> abc.Iterator[tuple[str, str | bytes]]:
        for path, content in super().metadata_for_config_drive():
            if os.path.basename(path) == instance_metadata.VD_JSON_NAME:
                content = self._with_agent(content)
            yield path, content

    def _with_agent(self, content: bytes) -> bytes:
        try:
            return vendor_data.add(content)
        except ValueError as error:
            LOG.warning('The guest is not told to install a guest agent: '
                        "[api] vendordata_jsonfile_path cannot be extended. "
                        '%s', error, instance=self.instance)
            return content


def make(path: str, metadata: instance_metadata.InstanceMetadata) -> None:
    """Write a config drive, which only the owner of the file can read.

    No program runs: Nova's own builder would start [DEFAULT] mkisofs_cmd.

    :param path: the .iso to create
    :raises FileSystemFailed: it cannot be written
    """
    content = {name: data.encode() if isinstance(data, str) else data
               for name, data in metadata.metadata_for_config_drive()}
    with _replacing(path, metadata.uuid) as part:
        iso.write(part, content, _LABEL, publisher=_PUBLISHER)


def read(path: str, uuid: str) -> dict[str, bytes]:
    """Return the files on a config drive by their paths.

    :param uuid: of its server, for messages
    :raises VmIncomplete: it is missing, damaged, or another kind of image
    """
    try:
        return iso.read(path)
    except (ValueError, OSError) as error:
        raise exception.VmIncomplete(
            'The config drive of server %s cannot be read.' % uuid,
            'In %s: %s' % (path, error),
            'Restore the file from a backup. Only a rebuild of the server '
            'makes a new one.') from error


def rewrite(path: str, uuid: str, content: abc.Mapping[str, bytes]) -> None:
    """Replace a config drive; a crash leaves the old or the new one.

    The new one is compared with its content, since nobody else has the
    injected files and the password.

    :param uuid: of its server, which is off
    :param content: of the files, by their paths
    :raises FileSystemFailed: it cannot be written
    """
    with _replacing(path, uuid) as part:
        iso.write(part, content, _LABEL, publisher=_PUBLISHER)
        if iso.read(part) != content:
            raise ValueError('It does not hold what was written to it.')


@contextlib.contextmanager
def _replacing(path: str, uuid: str) -> abc.Iterator[str]:
    """Yield where to write a config drive, which then replaces path."""
    try:
        with files.replacing(path) as part:
            yield part
            os.chmod(part, 0o600)
    except (ValueError, OSError) as error:
        raise exception.FileSystemFailed(
            'Cannot create the config drive of server %s.' % uuid,
            str(error),
            'See whether %s is full or read-only.' % os.path.dirname(path)
        ) from error
