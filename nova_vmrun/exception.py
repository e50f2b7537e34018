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

"""What can go wrong, as one tree.

::

    VmrunError
      InvalidConfiguration         the operator's options contradict the host
      VmUnlisted                   a VM is alive and vmrun does not list it
      ToolError
        ToolNotFound               the program could not be started
        ToolTimeout                it hung and was ended: outcome unknown
        ToolRefused                it ran and said no
          NotPoweredOn             the VM is off (or suspended)
          AlreadyPoweredOn         the VM must be off, and is not
          VmPaused
          VmNotFound               no .vmx at that path
          ConfigUnreadable         malformed, or being rewritten by VMware
          FileInUse                open in the GUI or in another process
          ToolsNotRunning          VMware Tools are needed in the guest
          GuestBusy                the guest has not answered an earlier call
          Canceled                 power-on failed or a dialog blocked it
          NoDisplay                a window was asked for and there is none
          WrongProduct             -T names a product that is not installed
          NotSupported             this product cannot do it
          SnapshotNotFound
          SnapshotExists
          DiskFull
      InvalidInput
        InvalidVmx                 a text that is no .vmx
        InvalidText                a text with characters a .vmx cannot hold
        InvalidProperty            an image or flavor property out of its table
        UnknownGuestOS
      InvalidVmdk                  a file that is no VMDK, or not a whole one
      ImageRefused                 an image that is broken, hostile or too big
      DiskTooSmall                 the flavor's disk cannot hold the image
      RecordUnreadable             nobody can tell whose a folder is
      BaseDamaged                  a disk below those of servers was changed

Nothing here knows Nova: driver.py alone turns these into nova.exception.
"""


class VmrunError(Exception):
    """Base of every error of ours.

    :param brief: one sentence, naming the server, file or option at fault
    :param details: what a program printed, or the values that collided
    :param resolution: what the reader should do
    """

    def __init__(self, brief: str, details: str = '',
                 resolution: str = '') -> None:
        super().__init__(brief)
        self.brief = brief
        self.details = details
        self.resolution = resolution

    def __str__(self) -> str:
        parts = (self.brief, self.details, self.resolution)
        return ' '.join(part.strip() for part in parts if part)


class InvalidConfiguration(VmrunError):
    """An option or the host's state keeps the driver from working."""


class VmUnlisted(VmrunError):
    """A process uses the files of a VM that vmrun does not list.

    It may be about to start or to end, or of another user or session.
    """


class ToolError(VmrunError):
    """A program of VMware's or QEMU's did not do what it was run for."""


class ToolNotFound(ToolError):
    """The program could not be started at all; nothing happened."""


class ToolTimeout(ToolError):
    """The program was ended at its time limit: the outcome is unknown.

    Look at the VM before anything is repeated.
    """


class ToolRefused(ToolError):
    """The program ran and reported an error.

    :param output: what it printed, as one text
    :param exit_code: its exit status; 0 happens, with an Error: line
    """

    def __init__(self, brief: str, details: str = '', resolution: str = '',
                 output: str = '', exit_code: int | None = None) -> None:
        super().__init__(brief, details, resolution)
        self.output = output
        self.exit_code = exit_code


class NotPoweredOn(ToolRefused):
    """The verb needs a running VM and this one is off or suspended."""


class AlreadyPoweredOn(ToolRefused):
    """The verb needs a VM that is off; a stale lock looks the same."""


class VmPaused(ToolRefused):
    """The verb is refused while the VM is paused."""


class VmNotFound(ToolRefused):
    """There is no .vmx file at the path."""


class ConfigUnreadable(ToolRefused):
    """The .vmx is malformed, or VMware is just rewriting it."""


class FileInUse(ToolRefused):
    """Another process, often the GUI, has a file of the VM open."""


class ToolsNotRunning(ToolRefused):
    """VMware Tools must run in the guest for this verb."""


class GuestBusy(ToolRefused):
    """The guest is being asked for the same thing; vmrun was not run."""


class Canceled(ToolRefused):
    """A power operation failed; vmware.log beside the .vmx says why."""


class NoDisplay(ToolRefused):
    """A window was asked for where no display server runs."""


class WrongProduct(ToolRefused):
    """The product that -T names is not installed."""


class NotSupported(ToolRefused):
    """This product or licence cannot do it."""


class SnapshotNotFound(ToolRefused):
    """No snapshot of the VM has that name."""


class SnapshotExists(ToolRefused):
    """A snapshot of that name is there already."""


class DiskFull(ToolRefused):
    """The host's file system is full."""


class InvalidInput(VmrunError):
    """Something a user gave cannot be used; another host would not help."""


class InvalidVmx(InvalidInput):
    """A text is not a well-formed .vmx; VMware would refuse it whole."""


class InvalidVmdk(VmrunError):
    """A file is no VMDK, or one whose content lies in other files.

    Of an image it becomes an ImageRefused; else a disk of ours is damaged.
    """


class InvalidText(InvalidInput):
    """A text holds characters that must not reach a .vmx."""


class InvalidProperty(InvalidInput):
    """An image or flavor property has a value outside its table.

    :param name: the property
    :param value: what it was set to
    """

    def __init__(self, name: str, value: object, details: str = '',
                 resolution: str = '') -> None:
        super().__init__(
            'Property %s has the value %r, which cannot be used.'
            % (name, value), details, resolution)
        self.name = name
        self.value = value


class UnknownGuestOS(InvalidProperty):
    """A guest operating system id that VMware does not know."""


class ImageRefused(VmrunError):
    """An image must not or cannot be used.

    :param image_id: the image's id in Glance
    :param reason: why, without any path of the host
    """

    def __init__(self, image_id: str, reason: str,
                 resolution: str = '') -> None:
        super().__init__('Image %s cannot be used.' % image_id, reason,
                         resolution)
        self.image_id = image_id
        self.reason = reason


class DiskTooSmall(VmrunError):
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


class RecordUnreadable(VmrunError):
    """The record in a server's folder is there and does not say whose it is.

    Such a folder is neither removed nor taken for another compute node's.
    """


class BaseDamaged(VmrunError):
    """A base disk is not what it was, and servers' disks are linked to it.

    Nothing is linked to it any more, and it is left as it is: a person may
    restore it.
    """
