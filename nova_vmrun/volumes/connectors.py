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

"""Connectors make the content of a volume available as a disk of VMware.

Each kind of back end has one. Whatever a connector keeps for a server is in
the folder that Layout.volume names, outside the server's folder. No connector
deletes, truncates or writes to a file that a connection_info names: only the
guest does.
"""

from collections import abc
import contextlib
import dataclasses
import os
from typing import Protocol

from oslo_concurrency import lockutils
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import volume_files
from nova_vmrun.host import locks
from nova_vmrun.host import responsive
from nova_vmrun.server import vm_process
from nova_vmrun.volumes import connection

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Shown:
    """A volume as VMware sees it.

    :ivar descriptor: absolute path of the .vmdk that the .vmx names
    :ivar size: bytes
    """

    descriptor: str
    size: int


class Connector(Protocol):
    """Shows the volumes of one kind of back end."""

    def check(self, volume: connection.Volume) -> None:
        """Raise an error if a volume cannot be connected.

        Start nothing and change nothing.

        :raises VmrunError: this host cannot use the volume
        """

    def connect(self, server_uuid: str, volume: connection.Volume,
                adapter: str) -> Shown:
        """Connect a volume before a start, or when it is attached.

        Safe to repeat. The VM is off.

        :param adapter: what vmdk.adapter_type returns for the volume's bus
        :raises VmrunError: the volume cannot be used now
        """

    def disconnect(self, server_uuid: str, volume_id: str) -> None:
        """Undo what connect did, and nothing else.

        Safe to repeat, and for a volume that was never connected. The VM is
        off.

        :raises VmrunError: something of it is still there
        """

    def shared_descriptor(self, volume: connection.Volume) -> str | None:
        """Return the descriptor of a volume that VMs on all hosts lock.

        :returns: its path; None if each host has a descriptor of its own
        :raises VmrunError: the volume cannot be used
        """


# Takes the host's name in Nova and its address.
HostProperties = abc.Callable[[str, str], abc.Mapping[str, object]]


class Connectors:
    """Chooses the connector of each volume.

    :param by_type: connectors by driver_volume_type
    :param others: connectors that connect no volumes as nova.conf is now, but
        may have connected some before it was changed
    :param host_properties: returns what the back ends need to know about this
        host in addition, from its name in Nova and its address
    """

    def __init__(self, by_type: abc.Mapping[str, Connector],
                 others: abc.Iterable[Connector] = (),
                 host_properties: HostProperties | None = None) -> None:
        self._by_type = by_type
        self._all = tuple(dict.fromkeys((*by_type.values(), *others)))
        self._host_properties = host_properties

    def host_properties(self, host: str, address: str
                        ) -> abc.Mapping[str, object]:
        """Return what back ends need to know about this host in addition.

        :param host: its name in Nova
        :param address: by which back ends reach it
        :raises VmrunError: it cannot be found out
        """
        if self._host_properties is None:
            return {}
        return self._host_properties(host, address)

    def check(self, volume: connection.Volume) -> None:
        """See Connector.check.

        :raises InvalidInput: nothing here connects volumes of its type
        """
        self._of(volume).check(volume)

    def shared_descriptor(self, volume: connection.Volume) -> str | None:
        """See Connector.shared_descriptor.

        :raises InvalidInput: nothing here connects volumes of its type
        """
        return self._of(volume).shared_descriptor(volume)

    def connect(self, server_uuid: str, volume: connection.Volume,
                adapter: str) -> Shown:
        """See Connector.connect; no other VM may be using the volume.

        :raises FileInUse: another VM uses it
        :raises HasSnapshots: its newest data is in a snapshot
        """
        chosen = self._of(volume)
        for connector in self._all:
            if connector is not chosen:
                connector.disconnect(server_uuid, volume.id)
        shown = chosen.connect(server_uuid, volume, adapter)
        refuse_snapshots(volume.id, shown.descriptor)
        refuse_users(volume.id, shown.descriptor)
        return shown

    def disconnect(self, server_uuid: str, volume_id: str) -> None:
        """See Connector.disconnect; the volume's type need not be known."""
        for connector in self._all:
            connector.disconnect(server_uuid, volume_id)

    def _of(self, volume: connection.Volume) -> Connector:
        try:
            return self._by_type[volume.type]
        except KeyError:
            raise exception.InvalidInput(
                'Volume %s cannot be attached.' % volume.id,
                'Its type is %s, and servers on this host can only have '
                'volumes of the types: %s.'
                % (volume.type, ', '.join(sorted(self._by_type)) or 'none'),
                'Use a volume of another back end.') from None


def lock(volume_id: str) -> contextlib.AbstractContextManager[object]:
    """Connect or disconnect a volume in no other thread."""
    return lockutils.lock('vmrun-volume-%s' % volume_id)


def refuse_locked(server_uuid: str, volume_id: str, descriptor: str) -> None:
    """Raise an error if a VM has a volume open whose folder is ours.

    :param descriptor: of the volume
    :raises FileInUse: the VM has not ended
    """
    if vm_process.is_locked(os.path.dirname(descriptor)):
        raise exception.FileInUse(
            'Volume %s is in use.' % volume_id,
            'A VM has locked %s.' % descriptor,
            'Stop server %s.' % server_uuid)


def remove_stale_locks(folder: str, descriptor: str) -> None:
    """Remove the locks beside a volume that an ended VM has left.

    VMware ignores them on this host. They keep VMs on other hosts from using
    the volume. A process on another host may have the same id; therefore,
    remove only locks of a process that has also locked the VM's own files.

    :param folder: of the VM
    :param descriptor: of the volume
    """
    try:
        responsive.require(os.path.dirname(descriptor))
        found = [(member, owner) for member, owner in locks.members(
            volume_files.lock_of(descriptor)) if not owner.is_alive]
        if not found:
            return
        own = vm_process.lock_owners(folder)
        for member, owner in found:
            if owner in own:
                LOG.info('Removing the lock %s of process %d, which has ended',
                         member, owner.pid)
                locks.remove(member)
    except (exception.FileSystemFailed, OSError) as error:
        LOG.warning('Locks beside %s could not be removed: %s', descriptor,
                    error)


def remove_if_empty(folder: str) -> None:
    """Remove the folder of a volume, and that of its server, if empty."""
    for each in (folder, os.path.dirname(folder)):
        # The server may have other volumes.
        with contextlib.suppress(OSError):
            os.rmdir(each)


def refuse_users(volume_id: str, descriptor: str) -> None:
    """Raise an error if a VM on this host has locked a volume.

    :param descriptor: of the volume
    :raises FileInUse: it is locked
    """
    responsive.require(descriptor)
    if vm_process.is_open(descriptor):
        raise exception.FileInUse(
            'Volume %s is in use.' % volume_id,
            'Another VM on this host has locked %s.' % descriptor,
            'Stop the server that uses the volume.')


def refuse_snapshots(volume_id: str, descriptor: str) -> None:
    """Raise an error if VMware has made a snapshot beside a volume.

    :param descriptor: of the volume
    :raises HasSnapshots: the volume lacks what was written since
    :raises FileSystemFailed: the server that has the volume does not answer
    """
    folder, name = os.path.split(descriptor)
    responsive.require(folder)
    try:
        found = volume_files.children(os.path.splitext(name)[0],
                                      os.listdir(folder))
    except FileNotFoundError:
        return
    if found:
        raise snapshots_exist(volume_id, os.path.join(folder, found[0]))


def snapshots_exist(volume_id: str, path: str) -> exception.HasSnapshots:
    """Return the error for a volume of which a snapshot exists.

    :param path: of the snapshot
    """
    return exception.HasSnapshots(
        'Volume %s has a snapshot that was made in VMware.' % volume_id,
        'The newest data of the volume is not in it but in %s.' % path,
        'Delete the snapshot in VMware, which merges it into the volume.')
