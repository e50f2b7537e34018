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

"""Everything that can go wrong, grouped by what the caller does next.

::

    VmrunError
      UserError                the request is at fault on every host
        InvalidInput
          InvalidText            characters that a .vmx cannot hold
          InvalidProperty        an image or flavor property
            UnknownGuestOS
        ImageRefused             a broken, hostile or oversized image
        DiskTooSmall             the flavor's disk cannot hold the image
      HostError                the operator has to change this host
        InvalidConfiguration     options that do not fit the host
        NotSupported             the product or its licence cannot do it
        WrongProduct             the product is not installed
        NoDisplay                there is no display for a window
        ToolNotFound             a program cannot be started
        FileSystemFailed         files cannot be written
        StorageFolderMissing     a folder with disks is not there
      DiskFull                 make room, or try another host
      NoStorageFolder          no folder for a disk; try another host
      VmStateError             change the state of the VM, or wait
        NotPoweredOn
        NotStopped
        AlreadyPoweredOn
        VmPaused
        VmUnlisted               the VM runs, but vmrun does not list it
        StateUnknown
        ToolsNotRunning
        AgentNotRunning          the QEMU guest agent does not answer
        GuestBusy                the guest has not answered an earlier call
        ServerInUse              another process works on the server
        FileInUse                another process has a file open
        DiskChanged              somebody wrote to a disk during a copy
        HasSnapshots             snapshots were made in VMware
        SnapshotExists
      NotFound                 there is nothing to work on
        VmNotFound
        SnapshotNotFound
      DamagedFile              restore or rewrite a file
        InvalidVmx
        ConfigUnreadable         VMware cannot read the .vmx
        InvalidVmdk
        VmIncomplete             files of a server are missing
        RecordUnreadable         the owner of a folder is unknown
        BaseDamaged              a base disk has changed
        VolumeDamaged            a volume's files are not as Cinder made them
      ToolTimeout              the outcome is unknown: look before a retry
      ToolRefused              a program failed for another reason
        Canceled                 a power operation failed; see vmware.log
        AgentRefused             the QEMU guest agent answered with an error
      UploadFailed             Glance did not store the whole image

Raise a class that has no group below it in this picture, or InvalidInput,
InvalidProperty or ToolRefused. Catch those, or a group. What a program printed
is in ``output`` and ``exit_code`` of any of them, since the same thing can be
found out with and without running a program.

Nothing here knows Nova; see nova_vmrun/ops/nova/errors.py.
"""


class VmrunError(Exception):
    """Base of every error of nova-vmrun.

    :param brief: one sentence, naming the server, file or option at fault
    :param details: the command, its output, or the conflicting values
    :param resolution: what the reader should do
    :param output: everything a program printed; empty if none was run
    :param exit_code: of that program; VMware's also fail with 0. None: no
        program was run.
    """

    def __init__(self, brief: str, details: str = '', resolution: str = '',
                 output: str = '', exit_code: int | None = None) -> None:
        super().__init__(brief)
        self.brief = brief
        self.details = details
        self.resolution = resolution
        self.output = output
        self.exit_code = exit_code

    def __str__(self) -> str:
        parts = (self.brief, self.details, self.resolution)
        return ' '.join(part.strip() for part in parts if part)


class UserError(VmrunError):
    """The request cannot be met on any host; the user has to change it."""


class InvalidInput(UserError):
    """A value from a user cannot be used."""


class InvalidText(InvalidInput):
    """A text contains characters that must not get into a .vmx."""


class InvalidProperty(InvalidInput):
    """The value of an image or flavor property is not allowed.

    :param name: the property
    :param value: its value
    """

    def __init__(self, name: str, value: object, details: str = '',
                 resolution: str = '') -> None:
        super().__init__(
            'Property %s has the value %r, which cannot be used.'
            % (name, value), details, resolution)
        self.name = name
        self.value = value


class UnknownGuestOS(InvalidProperty):
    """VMware does not know this guest operating system id."""


class ImageRefused(UserError):
    """An image is broken, unsafe or too large.

    :param image_id: the image's id in Glance
    :param reason: why, without any path on the host
    """

    def __init__(self, image_id: str, reason: str,
                 resolution: str = '') -> None:
        super().__init__('Image %s cannot be used.' % image_id, reason,
                         resolution)
        self.image_id = image_id
        self.reason = reason


class DiskTooSmall(UserError):
    """The flavor's root disk is smaller than the image.

    :param flavor_size: bytes
    :param image_size: bytes, the image's virtual size
    """

    def __init__(self, flavor_size: int, image_size: int) -> None:
        super().__init__(
            'The root disk of the flavor (%d bytes) is smaller than the '
            'image (%d bytes).' % (flavor_size, image_size),
            resolution='Choose a flavor with a larger disk.')
        self.flavor_size = flavor_size
        self.image_size = image_size


class HostError(VmrunError):
    """The operator has to change something on this host first."""


class InvalidConfiguration(HostError):
    """An option or the state of the host prevents the driver from working."""


class NotSupported(HostError):
    """The installed product or its licence cannot do this."""


class WrongProduct(HostError):
    """The product that vmrun is to use is not installed."""


class NoDisplay(HostError):
    """A window was requested, but no display server is running."""


class ToolNotFound(HostError):
    """A program could not be started, so nothing has happened."""


class FileSystemFailed(HostError):
    """The file system is full, read-only, broken or not ours to write."""


class StorageFolderMissing(HostError):
    """A storage folder is not there: its drive is unplugged, or hangs.

    The disks in it are neither lost nor made again.
    """


class DiskFull(VmrunError):
    """There is not enough space on a file system."""


class NoStorageFolder(VmrunError):
    """No storage folder of this host can take the disks of a server."""


class VmStateError(VmrunError):
    """The VM is in a state that does not allow this."""


class NotPoweredOn(VmStateError):
    """The VM is off or suspended, but has to run."""


class NotStopped(VmStateError):
    """The VM is on or suspended, or a VMware window has it open."""


class AlreadyPoweredOn(VmStateError):
    """The VM has to be off; vmrun says the same about a stale lock."""


class VmPaused(VmStateError):
    """The VM is paused."""


class VmUnlisted(VmStateError):
    """A process uses the files of a VM that vmrun does not list.

    The VM may be starting or stopping, or belong to another user or session.
    """


class StateUnknown(VmStateError):
    """It is not known whether the VM is running."""


class ToolsNotRunning(VmStateError):
    """VMware Tools are not running in the guest."""


class AgentNotRunning(VmStateError):
    """The QEMU guest agent does not answer, so nothing has happened."""


class GuestBusy(VmStateError):
    """The guest has not answered an earlier call; vmrun was not run again."""


class ServerInUse(VmStateError):
    """Another process works on the server, or moves its disks."""


class FileInUse(VmStateError):
    """Another process, often VMware's window, has a file of the VM open."""


class DiskChanged(VmStateError):
    """A disk was written to during a copy, so the copy is useless."""


class HasSnapshots(VmStateError):
    """Snapshots that a user made in VMware would be lost."""


class SnapshotExists(VmStateError):
    """The VM already has a snapshot of that name."""


class NotFound(VmrunError):
    """There is nothing to work on, which is what a deletion wants."""


class VmNotFound(NotFound):
    """The server has no VM on this host, or there is no .vmx at the path."""


class SnapshotNotFound(NotFound):
    """The VM has no snapshot of that name."""


class DamagedFile(VmrunError):
    """A file has to be restored or rewritten first."""


class InvalidVmx(DamagedFile):
    """A text is not a well-formed .vmx; VMware would refuse all of it."""


class ConfigUnreadable(DamagedFile):
    """VMware cannot read the .vmx, or is just rewriting it."""


class InvalidVmdk(DamagedFile):
    """A file is not a VMDK, or its data is in other files.

    Inspection turns it into ImageRefused if the file is an image.
    """


class VmIncomplete(DamagedFile):
    """Files of a server are missing, or its .vmx does not name its disk."""


class RecordUnreadable(DamagedFile):
    """The record in a server's folder does not say who owns the folder.

    Such a folder is not deleted, and not assumed to be another node's.
    """


class BaseDamaged(DamagedFile):
    """A base disk in the image cache has changed while servers depend on it.

    No new disk is linked to it, and it is not removed: it may be restored.
    """


class VolumeDamaged(DamagedFile):
    """The files of a volume are not the ones that Cinder made.

    Using them could lose data, or show a guest data of somebody else.
    """


class ToolTimeout(VmrunError):
    """A program was killed at its time limit, so the outcome is unknown.

    Look at the VM before repeating anything.
    """


class ToolRefused(VmrunError):
    """A program failed, for a reason that no other class names."""


class Canceled(ToolRefused):
    """A power operation failed; vmware.log beside the .vmx says why."""


class AgentRefused(ToolRefused):
    """The QEMU guest agent answered a command with an error."""


class UploadFailed(VmrunError):
    """Glance did not store an image, or not all of it."""
