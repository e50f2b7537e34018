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

"""Properties that VMware cannot obey and that guests would rely on.

A server that asks for one is refused rather than built without it. The
reasons are short: with the property's name, they must fit into the fault that
Nova stores.
"""

from nova_vmrun.catalog import kinds
from nova_vmrun.catalog import row

_NO = (False,)
_NO_NUMA = 'VMs here have one NUMA node, not tied to a host NUMA node.'
_NO_PINNING = 'VMware cannot pin virtual CPUs to host CPUs.'
_NO_PCI = 'VMware cannot pass a host PCI device through to a guest.'
_NO_MEMORY_ENCRYPTION = "VMware cannot encrypt a guest's memory."
_NO_DISK_ENCRYPTION = 'Disks on this host cannot be encrypted.'
_NO_TPM = ('A virtual TPM needs an encrypted VM, which can only be created in '
           'the VMware user interface.')
_WITHOUT_TPM = ('Remove the property, or take another flavor. Windows 11 runs '
                'without a TPM, and only its installer asks for one: see '
                'doc/source/windows.rst.')
_NO_BITS = "VMware chooses the size of a guest's physical addresses itself."
_NO_QUEUES = 'VMware has no setting for the queues of an adapter.'
_CPU_POLICIES = kinds.same('dedicated', 'mixed', 'shared')
_THREAD_POLICIES = kinds.same('isolate', 'prefer', 'require')
_EMULATOR_POLICIES = kinds.same('isolate', 'share')
_AFFINITIES = kinds.same('legacy', 'preferred', 'required', 'socket')
_PAGES = kinds.same('any', 'large', 'small')
_WATCHDOGS = kinds.same('disabled', 'none', 'pause', 'poweroff', 'reset')

ROWS: tuple[row.Refused, ...] = (
    row.Refused(
        image=('hw_numa_nodes',), flavor=('hw:numa_nodes',), about=_NO_NUMA),
    row.Refused(
        image=('hw_numa_cpus.#',), flavor=('hw:numa_cpus.#',),
        about=_NO_NUMA),
    row.Refused(
        image=('hw_numa_mem.#',), flavor=('hw:numa_mem.#',), about=_NO_NUMA),
    row.Refused(
        image=('hw_mem_page_size',), flavor=('hw:mem_page_size',),
        kind=_PAGES, harmless=('any', 'small'),
        about='VMware chooses the memory page size itself.'),
    row.Refused(
        image=('hw_locked_memory',), flavor=('hw:locked_memory',),
        kind=kinds.BOOLEAN, harmless=_NO,
        about='VMware may swap guest memory to disk.'),
    row.Refused(
        flavor=('hw:pmem',), scheduler='CUSTOM_PMEM_NAMESPACE_*',
        about='VMware has no persistent memory for guests.'),
    row.Refused(
        image=('hw_mem_encryption',), flavor=('hw:mem_encryption',),
        kind=kinds.BOOLEAN, harmless=_NO, scheduler='MEM_ENCRYPTION_CONTEXT',
        about=_NO_MEMORY_ENCRYPTION),
    row.Refused(
        image=('hw_cpu_policy',), flavor=('hw:cpu_policy',),
        kind=_CPU_POLICIES, harmless=('shared',), about=_NO_PINNING),
    row.Refused(
        flavor=('hw:cpu_dedicated_mask',), about=_NO_PINNING),
    row.Refused(
        image=('hw_cpu_thread_policy',), flavor=('hw:cpu_thread_policy',),
        kind=_THREAD_POLICIES, harmless=('prefer',),
        about='VMware does not control which host threads run a guest.'),
    row.Refused(
        flavor=('hw:cpu_realtime',), kind=kinds.BOOLEAN, harmless=_NO,
        about='VMware cannot run virtual CPUs with realtime priority.'),
    row.Refused(
        flavor=('hw:emulator_threads_policy',), kind=_EMULATOR_POLICIES,
        harmless=('share',),
        about="VMware's own threads cannot be pinned to a separate CPU."),
    row.Refused(
        image=('hw_maxphysaddr_mode',), flavor=('hw:maxphysaddr_mode',),
        scheduler='COMPUTE_ADDRESS_SPACE_*', about=_NO_BITS),
    row.Refused(
        image=('hw_maxphysaddr_bits',), flavor=('hw:maxphysaddr_bits',),
        about=_NO_BITS),
    row.Refused(
        image=('hw_emulation_architecture',),
        about="VMware only runs guests of the host's own architecture."),
    row.Refused(
        flavor=('pci_passthrough:alias',), about=_NO_PCI),
    row.Refused(
        image=('hw_pci_numa_affinity_policy',),
        flavor=('hw:pci_numa_affinity_policy',), kind=_AFFINITIES,
        harmless=('legacy', 'preferred'),
        scheduler='COMPUTE_SOCKET_PCI_NUMA_AFFINITY', about=_NO_PCI),
    row.Refused(
        flavor=('accel:device_profile',), scheduler='COMPUTE_ACCELERATORS',
        about='This host has no accelerators for guests.'),
    row.Refused(
        image=('hw_vif_multiqueue_enabled',),
        flavor=('hw:vif_multiqueue_enabled',), kind=kinds.BOOLEAN,
        harmless=_NO, about=_NO_QUEUES),
    row.Refused(
        image=('hw_virtio_packed_ring',), flavor=('hw:virtio_packed_ring',),
        kind=kinds.BOOLEAN, harmless=_NO,
        scheduler='COMPUTE_NET_VIRTIO_PACKED', about=_NO_QUEUES),
    row.Refused(
        image=('hw_watchdog_action',), flavor=('hw:watchdog_action',),
        kind=_WATCHDOGS, harmless=('disabled',),
        about='VMware has no watchdog device.'),
    row.Refused(
        image=('hw_redirected_usb_ports',),
        flavor=('hw:redirected_usb_ports',), kind=kinds.Integer(0, 15),
        harmless=(0,),
        about="Users' USB devices cannot be redirected to guests here."),
    row.Refused(
        image=('hw_tpm_model',), flavor=('hw:tpm_model',),
        scheduler='COMPUTE_SECURITY_TPM_*', about=_NO_TPM,
        advice=_WITHOUT_TPM),
    row.Refused(
        image=('hw_tpm_version',), flavor=('hw:tpm_version',),
        scheduler='COMPUTE_SECURITY_TPM_*', about=_NO_TPM,
        advice=_WITHOUT_TPM),
    row.Refused(
        image=('hw_firmware_stateless',), kind=kinds.BOOLEAN, harmless=_NO,
        scheduler='COMPUTE_SECURITY_STATELESS_FIRMWARE',
        about="VMware's firmware always keeps its variables."),
    row.Refused(
        image=('hw_ephemeral_encryption',),
        flavor=('hw:ephemeral_encryption',), kind=kinds.BOOLEAN, harmless=_NO,
        scheduler='COMPUTE_EPHEMERAL_ENCRYPTION', about=_NO_DISK_ENCRYPTION),
    row.Refused(
        image=('hw_ephemeral_encryption_secret_uuid',),
        about=_NO_DISK_ENCRYPTION),
    row.Refused(
        image=('hw_vm_mode', 'vm_mode'),
        kind=kinds.same('hvm', 'xen', 'uml', 'exe'),
        harmless=('hvm',), scheduler='ImagePropertiesFilter',
        about='VMware only does full virtualization.'),
    row.Refused(
        image=('img_hv_type', 'hypervisor_type'),
        kind=kinds.same('vmware'), harmless=('vmware',),
        scheduler='ImagePropertiesFilter',
        about='The hypervisor of this host is VMware.'),
    row.Refused(
        image=('os_command_line',),
        about='VMware cannot pass a command line to a kernel.'),
)
