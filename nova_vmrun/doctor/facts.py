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

"""Facts about a host, as data: gather.py reads them, the checks judge them.

Each group can be missing, because what it is read from may hang or fail.
"""

from collections.abc import Mapping
import dataclasses
import ipaddress

from nova_vmrun.formats import vmnets
from nova_vmrun.host import product


@dataclasses.dataclass(frozen=True)
class NoAnswer:
    """A group of facts that could not be read.

    :ivar reason: a sentence
    """

    reason: str


@dataclasses.dataclass(frozen=True)
class Product:
    """The VMware product.

    :ivar platform: a value of sys.platform
    :ivar vmrun: its path; None: it was not found
    :ivar found: None if vmrun does not work or was not found
    :ivar refusal: why it does not work, and what to do
    :ivar has_licence_file: whether a licence key was entered
    """

    platform: str
    vmrun: str | None = None
    found: product.Product | None = None
    refusal: tuple[str, str] = ('', '')
    has_licence_file: bool = False


@dataclasses.dataclass(frozen=True)
class Modules:
    """VMware's kernel modules on Linux.

    :ivar is_needed: whether VMware is installed here, with modules
    :ivar kernel: release of the running kernel
    :ivar missing_devices: paths that a VM needs
    :ivar not_built: modules that do not exist for this kernel
    :ivar has_headers: whether the headers of this kernel are installed
    :ivar has_secure_boot: whether the kernel refuses unsigned modules
    """

    is_needed: bool
    kernel: str
    missing_devices: tuple[str, ...] = ()
    not_built: tuple[str, ...] = ()
    has_headers: bool = True
    has_secure_boot: bool = False


@dataclasses.dataclass(frozen=True)
class Libraries:
    """Shared libraries of the system.

    :ivar is_needed: whether VMware is installed here
    :ivar missing: X libraries that vmware-vmx is linked with
    :ivar has_aio: whether there is libaio.so.1
    """

    is_needed: bool
    missing: tuple[str, ...] = ()
    has_aio: bool = True


@dataclasses.dataclass(frozen=True)
class Processor:
    """What VMware needs of the processor.

    :ivar architecture: such as x86_64
    :ivar flags: as in /proc/cpuinfo; empty if the system does not list them
    :ivar kvm_guests: how many users the kernel module of KVM has
    :ivar kvm_holds: whether KVM occupies the processor even without guests
    :ivar kvm_module: its name, if it is loaded
    :ivar is_wsl: whether this is Windows' own Linux, which runs in Hyper-V
    """

    architecture: str
    flags: frozenset[str] = frozenset()
    kvm_guests: int = 0
    kvm_holds: bool = False
    kvm_module: str = ''
    is_wsl: bool = False


@dataclasses.dataclass(frozen=True)
class User:
    """The user who runs this, and the display.

    :ivar name: of the user
    :ivar is_root: whether it is root
    :ivar instances_owner: who owns the folder of the servers, if somebody else
        does
    :ivar instances: that folder; None: not configured
    :ivar unwritable: VMware's own folder, or the home, if it is not writable
    :ivar has_display: whether a window can be opened
    :ivar show_gui: [vmrun] show_gui
    :ivar vmx_without_setuid: path of vmware-vmx, if it does not run as root
    """

    name: str
    is_root: bool = False
    instances: str | None = None
    instances_owner: str | None = None
    unwritable: str | None = None
    has_display: bool = False
    show_gui: bool = False
    vmx_without_setuid: str | None = None


@dataclasses.dataclass(frozen=True)
class Storage:
    """The file system that servers are on.

    :ivar folder: of the servers
    :ivar type: such as ext4; empty if unknown
    :ivar free: bytes
    :ivar total: bytes
    :ivar is_read_only: whether it is mounted so
    :ivar uses_linked_clones: [vmrun] use_linked_clone
    """

    folder: str
    type: str
    free: int
    total: int
    is_read_only: bool = False
    uses_linked_clones: bool = True


@dataclasses.dataclass(frozen=True)
class StorageFolder:
    """One of [vmrun] storage_folders.

    :ivar is_known: whether nova-compute has used it
    :ivar is_there: whether it exists and, if it is known, has its id
    :ivar hangs: whether its file system does not answer
    :ivar is_writable: whether this user may write to it
    :ivar type: of its file system, such as ext4; empty if unknown
    :ivar free: bytes
    :ivar total: bytes
    """

    name: str
    path: str
    is_known: bool = True
    is_there: bool = True
    hangs: bool = False
    is_writable: bool = True
    type: str = ''
    free: int = 0
    total: int = 0


@dataclasses.dataclass(frozen=True)
class StorageFolders:
    """All of [vmrun] storage_folders.

    :ivar overlap: which of them are the same, or one in another
    """

    folders: tuple[StorageFolder, ...] = ()
    overlap: str = ''


@dataclasses.dataclass(frozen=True)
class Networks:
    """VMware's virtual networks.

    :ivar known: all of them, by name
    :ivar wanted: the option that names a network, by that network
    :ivar missing_devices: device files of wanted networks that do not exist
    :ivar subnets: IPv4 subnets of the host's other adapters, by adapter
    :ivar is_known: False if there is no vmrun to ask
    """

    known: Mapping[str, vmnets.Vmnet]
    wanted: Mapping[str, str]
    missing_devices: tuple[str, ...] = ()
    subnets: Mapping[str, ipaddress.IPv4Network] = dataclasses.field(
        default_factory=dict)
    is_known: bool = True


@dataclasses.dataclass(frozen=True)
class Programs:
    """Other programs and files.

    :ivar platform: a value of sys.platform
    :ivar qemu_img: first line of its version; None: it does not work
    :ivar qemu_img_failure: why
    :ivar novnc: its folder; None: it is not installed
    """

    platform: str
    qemu_img: str | None
    qemu_img_failure: str = ''
    novnc: str | None = None


@dataclasses.dataclass(frozen=True)
class Ports:
    """TCP ports, and whether this host can reach itself.

    :ivar loopback_failure: why a connection to 127.0.0.1 failed, or empty
    :ivar taken: who needs a port that somebody else has, by port
    :ivar vnc_range: first and last port for screens
    :ivar vnc_free: how many of those are free
    """

    loopback_failure: str = ''
    taken: Mapping[int, str] = dataclasses.field(default_factory=dict)
    vnc_range: tuple[int, int] = (5900, 6099)
    vnc_free: int = 200


@dataclasses.dataclass(frozen=True)
class Clock:
    """The host's clock.

    :ivar seconds_behind: how far it is behind the newest file of nova-vmrun
    :ivar is_synchronized: None if the system does not say
    """

    seconds_behind: float = 0
    is_synchronized: bool | None = None


@dataclasses.dataclass(frozen=True)
class Host:
    """Everything about a host that decides whether a server boots on it."""

    product: Product | NoAnswer
    modules: Modules | NoAnswer
    libraries: Libraries | NoAnswer
    processor: Processor | NoAnswer
    user: User | NoAnswer
    storage: Storage | NoAnswer
    networks: Networks | NoAnswer
    programs: Programs | NoAnswer
    ports: Ports | NoAnswer
    clock: Clock | NoAnswer
    storage_folders: StorageFolders | NoAnswer = StorageFolders()

    @property
    def is_fake(self) -> bool:
        """Whether the fake vmrun stands in for VMware."""
        return (isinstance(self.product, Product) and
                self.product.found is not None and self.product.found.is_fake)
