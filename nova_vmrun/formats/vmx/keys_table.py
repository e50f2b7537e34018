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

"""The keys of a .vmx, as data for nova_vmrun.formats.vmx.keys.

A row has a pattern, a type, writers and a meaning. Writers are letters: o for
the driver (per server), t for a template (the same for every server), v for
VMware. s marks a secret, and - stands for none of these. Keys that only rows
of nova_vmrun.catalog.options write are described there. Types and meanings
come from names in VMware's programs and from files that these programs wrote.
"""

ROWS: dict[str, str] = {}

ROWS['file'] = """
.encoding text tv Character encoding of this file
config.version int t Version of the file format, always 8
virtualHW.version int ov Generation of the virtual hardware
virtualHW.productCompatibility hosted|esx tv Kind of product
virtualHW.scheduledUpgrade.* text v Planned change of the hardware generation
extendedConfigFile path v File of the desktop's own notes on the VM
nvram path v File of the firmware's variables
fileSearchPath text v Where a linked clone finds its parent
workingDir path v Where snapshots and suspended memory go
vmxstats.filename path v File of counters
"""

ROWS['identity'] = """
displayName text o Name, as the desktop shows it
guestOS text o Guest operating system, as VMware names it
guestOS.detailed.data text v What Tools found out about the guest
annotation text o Notes
uuid.bios uuid ov UUID that the guest reads from its SMBIOS
uuid.location uuid ov Tells VMware whether the files were moved
uuid.action keep|create|change t What to do when the files were moved
vc.uuid uuid v UUID in vCenter
vm.genid int v Generation id, for guests that notice being copied
vm.genidX int v Other half of the generation id
vmx.* text v Internal to VMware
board-id text v Model of the board on Apple's machines
board-id.reflectHost bool t Show the host's own board id
hw.model text v Model of the machine
hw.model.reflectHost bool t Show the host's own model
serialNumber text v Serial number
serialNumber.reflectHost bool t Show the host's own serial number
smbios.reflectHost bool t Show the host's own SMBIOS
SMBIOS.use12CharSerialNumber bool t Form of the serial number
SMBIOS.assetTag text t Asset tag in the SMBIOS
smc.present bool t System management controller, for macOS
"""

ROWS['cpu'] = """
numvcpus int o Number of virtual CPUs
cpuid.coresPerSocket int o Cores of each virtual socket
cpuid.coresPerSocket.cookie int v Former value of coresPerSocket
cpuid.*  text t Mask of CPU features
featMask.* text t Mask of CPU features
memsize int o Memory, MiB
mem.hotadd bool t Allow memory to be added while running
vcpu.hotadd bool t Allow CPUs to be added while running
vvtd.enable bool t Virtual IOMMU
numa.autosize.cookie int v Number of CPUs that the memory layout is for
numa.autosize.vcpu.maxPerVirtualNode int v CPUs of a node of memory
numa.* text v Layout of memory
monitor.* text v Internal to VMware
monitor_control.* text t Switches of the virtual machine monitor
MemTrimRate int t How fast unused memory is given back to the host
MemAllowAutoScaleDown bool t Start with less memory than asked for
mainMem.backing swap|unnamed|named t Where memory is kept
mainMem.useNamedFile bool t Keep memory in a file beside the VM
prefvmx.useRecommendedLockedMemSize bool t Host setting of memory use
prefvmx.minVmMemPct int t Percentage of memory kept in the host's RAM
sched.* text t Shares and limits; mostly without effect on a desktop
ulm.disableMitigations bool t Run faster without side channel mitigations
"""

ROWS['firmware'] = """
firmware bios|efi o Firmware
uefi.secureBoot.enabled bool o Secure boot
uefi.allowAuthBypass bool t Allow the firmware's keys to be replaced
bios.bootOrder text o Kinds of device, in the order they are tried
bios.hddOrder text o Hard disks, in the order they are tried
bios.bootRetry.enabled bool t Try to boot again
bios.bootRetry.delay int t Pause before that, ms
bios.forceSetupOnce bool v Enter the firmware's setup at the next start
efi.bootOrder text v Order of boot entries
efi.legacyBoot.enabled bool t Boot in BIOS mode as well
efi.quickBoot.enabled bool t Skip the search for boot devices
rtc.startInUTC bool t Hardware clock in UTC
rtc.diffFromUTC int ot Hardware clock, seconds ahead of UTC
rtc.startTime int t Hardware clock, seconds since 1970
"""

ROWS['pci'] = """
pciBridge#.present bool t PCI bridge
pciBridge#.virtualDev pcieRootPort|pciBridge t Kind of bridge
pciBridge#.functions int t Functions of a PCI Express root port
pciBridge#.pciSlotNumber int v Place of the bridge
"""

ROWS['storage'] = """
scsi#.present bool o SCSI controller
scsi#.virtualDev lsilogic|lsisas1068|pvscsi|buslogic o Its model
scsi#.sharedBus none|virtual|physical v Whether VMs share its disks
scsi#.pciSlotNumber int v PCI slot
scsi#.sasWWID text v Its world wide name
sata#.present bool o SATA controller
sata#.virtualDev text v Its model
sata#.pciSlotNumber int v PCI slot
nvme#.present bool o NVMe controller
nvme#.virtualDev text v Its model
nvme#.pciSlotNumber int v PCI slot
scsi#:#.present bool o Device on SCSI
sata#:#.present bool o Device on SATA
nvme#:#.present bool o Device on NVMe
ide#:#.present bool o Device on IDE
scsi#:#.fileName path o File of the device
sata#:#.fileName path o File of the device
nvme#:#.fileName path o File of the device
ide#:#.fileName path o File of the device
scsi#:#.deviceType text o Type of device
sata#:#.deviceType text o Type of device
nvme#:#.deviceType text o Type of device
ide#:#.deviceType text o Type of device
scsi#:#.startConnected bool o Whether a medium is in the drive
sata#:#.startConnected bool o Whether a medium is in the drive
ide#:#.startConnected bool o Whether a medium is in the drive
scsi#:#.autodetect bool o Use any drive of the host
sata#:#.autodetect bool o Use any drive of the host
ide#:#.autodetect bool o Use any drive of the host
scsi#:#.mode text o Whether snapshots include it
sata#:#.mode text o Whether snapshots include it
nvme#:#.mode text o Whether snapshots include it
ide#:#.mode text o Whether snapshots include it
scsi#:#.* text v Internal to VMware
sata#:#.* text v Internal to VMware
nvme#:#.* text v Internal to VMware
ide#:#.* text v Internal to VMware
disk.EnableUUID bool t Show the disks' serial numbers to the guest
disk.locking bool t Lock files beside the disks
disk.* text v Internal to VMware
diskLib.* text t Tuning of the disk library
hard-disk.* text t Tuning of the disk library
floppy#.present bool o Floppy drive
floppy#.fileType file|device o Kind of medium
floppy#.fileName path o Its image
floppy#.startConnected bool o Whether a disk is in the drive
floppy#.* text v Internal to VMware
"""

ROWS['network'] = """
ethernet#.present bool o Network adapter
ethernet#.virtualDev vlance|vmxnet|e1000|e1000e|vmxnet3 o Its model
ethernet#.connectionType bridged|nat|hostonly|custom|pvn o Its network
ethernet#.vnet text o Its virtual network
ethernet#.pvnID text o Its LAN segment, if its network is pvn
ethernet#.addressType static|generated|vpx o Where its address comes from
ethernet#.address mac o Its MAC address
ethernet#.checkMACAddress bool o FALSE admits addresses outside VMware's range
ethernet#.startConnected bool o Cable plugged in
ethernet#.allowGuestConnectionControl bool o May the guest pull the cable
ethernet#.rxbw.limit int o Limit of what the guest receives, kbit/s
ethernet#.txbw.limit int o Limit of what the guest sends, kbit/s
ethernet#.generatedAddress mac v Address that VMware made up
ethernet#.generatedAddressOffset int v Its distance to the first
ethernet#.pciSlotNumber int v PCI slot
ethernet#.* text v Internal to VMware
"""

ROWS['serial'] = """
serial#.present bool o Serial port
serial#.fileType file|device|pipe|network|thinprint o What it is connected to
serial#.fileName path o The file, pipe or address
serial#.startConnected bool o Joined from the start
serial#.tryNoRxLoss bool o The other end is a program, not a VM
serial#.yieldOnMsrRead bool o Use less CPU while the guest polls
serial#.pipe.endPoint server|client o Who makes the pipe
serial#.network.endPoint server|client o Who listens
serial#.vspc text o Concentrator of serial ports
serial#.* text v Internal to VMware
parallel#.present bool t Parallel port
parallel#.* text v Internal to VMware
"""

ROWS['console'] = """
RemoteDisplay.vnc.enabled bool o VNC console
RemoteDisplay.vnc.ip text o Address it is bound to
RemoteDisplay.vnc.port int o TCP port
RemoteDisplay.vnc.keyMap text o Keyboard map
RemoteDisplay.vnc.password text s Password, in the clear
RemoteDisplay.vnc.key text vs Password, obfuscated
RemoteDisplay.vnc.* text v Internal to VMware
RemoteDisplay.maxConnections int t Consoles that may be open at once
keyboard.typematicMinDelay int o Time until a held key repeats, us
keyboard.vusb.enable bool t Keyboard on USB
svga.vramSize int ov Video memory, bytes
svga.* text v Internal to VMware
mks.enable3d bool t 3D graphics, which need a window
mks.* text v Internal to VMware
gui.* text tv Window on the desktop
"""

ROWS['devices'] = """
usb.* text v Internal to VMware
usb:# text v Internal to VMware
usb:#.* text v Internal to VMware
usb_xhci.* text v Internal to VMware
usb_xhci:#.* text v Internal to VMware
ehci.* text v Internal to VMware
ehci:#.* text v Internal to VMware
sound.* text v Internal to VMware
vmci#.present bool t Channel between guest and host
vmci#.unrestricted bool t Channel between guests
vmci#.id int v Address of the guest in that channel
vmci#.* text v Internal to VMware
"""

ROWS['guest'] = """
guestinfo.metadata text os Metadata for cloud-init
guestinfo.userdata text os User data
guestinfo.vendordata text os Vendor data
guestinfo.* text osv Variable that host and guest share
guestInfo.detailed.data text v What Tools found out about the guest
machine.id text os Text for the guest's own tools
"""

ROWS['tools'] = """
tools.syncTime bool t Tools set the guest's clock
tools.upgrade.policy manual|useGlobal|upgradeAtPowerCycle t Upgrade of Tools
tools.remindInstall bool v Ask for Tools to be installed
tools.setInfo.sizeLimit int t Bytes a guest may store with the host
tools.guestlib.enableHostInfo bool t Tell the guest about the host
tools.* text v Internal to VMware
toolsInstallManager.* text v Internal to VMware
toolScripts.* text tv Scripts of Tools at power operations
time.synchronize.* bool t Set the guest's clock at an event
"""

ROWS['isolation'] = """
isolation.tools.copy.disable bool o No copying out of the guest
isolation.tools.paste.disable bool o No pasting into the guest
isolation.tools.dnd.disable bool o No drag and drop
isolation.tools.setGUIOptions.enable bool o The guest may change these
isolation.tools.hgfs.disable bool t No shared folders
isolation.tools.diskShrink.disable bool t The guest may not shrink disks
isolation.tools.diskWiper.disable bool t The guest may not wipe disks
isolation.tools.vixMessage.disable bool t No operations inside the guest
isolation.device.connectable.disable bool t Guest may not plug devices
isolation.device.edit.disable bool t Guest may not change devices
isolation.* text t Isolation of guest and host
sharedFolder.maxNum int - Number of shared folders
sharedFolder#.* text - Folder of the host that the guest sees
hgfs.* bool - Shared folders
"""

ROWS['power'] = """
powerType.powerOn soft|hard|preset|default t What the power button does
powerType.powerOff soft|hard|preset|default t What the power button does
powerType.suspend soft|hard|preset|default t What the power button does
powerType.reset soft|hard|preset|default t What the power button does
msg.autoAnswer bool t Answer every question with its default
answer.msg.serial.file.open Append|Replace o Answer to a question
answer.* text - Answer to a question
logging bool t Write vmware.log
log.keepOld int t Logs that are kept
log.rotateSize int t Bytes after which a new log is begun
log.fileName path - Name of the log
vmx.log.rotateSize int t Bytes after which a new log is begun
snapshot.* text tv Handling of snapshots
suspend.disabled bool t Whether the VM can be suspended
policy.* text v Restrictions of the VM
"""

ROWS['state'] = """
checkpoint.vmState path v Saved memory: the VM is suspended
checkpoint.vmState.readOnly bool v That memory belongs to a snapshot
checkpoint.* text v Internal to VMware
vmotion.* text v Sizes of saved video memory
migrate.* text v Internal to VMware
cleanShutdown bool v The last run ended in order
softPowerOff bool v The guest shut itself down
replay.* text v Internal to VMware
inVMTeam bool v Internal to VMware
"""

ROWS['encryption'] = """
encryption.* text vs Key of an encrypted VM
encryptedVM.* text vs Encrypted VM
dataFileKey text vs Key of an encrypted VM
vmx.encryptionType text vs How much of the VM is encrypted
managedVM.* text v Managed VM
managedvm.autoAddVTPM text v Ask for a virtual TPM; vmrun gives none
vtpm.present bool v Virtual TPM
vtpm.* text vs Virtual TPM
"""
