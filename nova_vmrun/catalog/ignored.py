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

"""Properties that change nothing here, and why that does no harm."""

from nova_vmrun.catalog import row

_XEN = 'Only applies to XenServer, which Nova no longer supports.'
_UNPROVEN = ('VMware reads shares and limits, but nobody has shown that its '
             'desktop products apply them. A warning is logged.')
_LIMITED = ('Only the average can be limited. A warning is logged.')
_QEMU_INPUT = ("Every VM has VMware's keyboard and mouse on PS/2, which work "
               'in all guests, and a tablet if ``hw_usb_model`` gives it USB.')

ROWS: tuple[row.Ignored, ...] = (
    # Shares and limits.
    row.Ignored(
        flavor=tuple('quota:' + name for name in (
            'cpu_limit', 'cpu_period', 'cpu_quota', 'cpu_reservation',
            'cpu_shares', 'cpu_shares_level', 'cpu_shares_share')),
        about=_UNPROVEN, warns=True),
    row.Ignored(
        flavor=tuple('quota:' + name for name in (
            'memory_limit', 'memory_reservation', 'memory_shares_level',
            'memory_shares_share')),
        about=_UNPROVEN, warns=True),
    row.Ignored(
        flavor=tuple('quota:' + name for name in (
            'disk_io_limit', 'disk_io_reservation', 'disk_io_shares_level',
            'disk_io_shares_share', 'disk_read_bytes_sec',
            'disk_read_iops_sec', 'disk_total_bytes_sec',
            'disk_total_iops_sec', 'disk_write_bytes_sec',
            'disk_write_iops_sec')),
        about=_UNPROVEN, warns=True),
    row.Ignored(
        flavor=tuple('quota:' + name for name in (
            'vif_inbound_burst', 'vif_inbound_peak', 'vif_outbound_burst',
            'vif_outbound_peak')),
        about=_LIMITED, warns=True),
    row.Ignored(
        flavor=tuple('quota:' + name for name in (
            'vif_reservation', 'vif_shares_level', 'vif_shares_share')),
        about=_UNPROVEN, warns=True),
    # Details of properties that are refused themselves.
    row.Ignored(
        image=('hw_cpu_realtime_mask',), flavor=('hw:cpu_realtime_mask',),
        about='Only relevant with ``hw:cpu_realtime``, which is refused.'),
    row.Ignored(
        image=('hw_mem_encryption_model',),
        flavor=('hw:mem_encryption_model',),
        about='Only relevant with ``hw:mem_encryption``, which is refused.'),
    row.Ignored(
        image=('hw_ephemeral_encryption_format',),
        flavor=('hw:ephemeral_encryption_format',),
        about='Only relevant with ``hw:ephemeral_encryption``, which is '
              'refused.'),
    row.Ignored(
        flavor=('hw:tpm_secret_security',),
        about='Only relevant with a TPM, which is refused.'),
    # Other hypervisors' devices that a guest can do without.
    row.Ignored(
        image=('hw_rng_model',),
        flavor=('hw_rng:allowed', 'hw_rng:rate_bytes', 'hw_rng:rate_period'),
        about='VMware has no such device; guests get random numbers from '
              'the CPU.'),
    row.Ignored(
        image=('hw_video_model',),
        about="Every VM has VMware's graphics adapter, which works as a VGA "
              'adapter in guests without a driver for it.'),
    row.Ignored(image=('hw_input_bus',), about=_QEMU_INPUT),
    row.Ignored(image=('hw_pointer_model',), about=_QEMU_INPUT),
    row.Ignored(
        image=('hw_machine_type',),
        about="It names a QEMU chipset. VMs here have VMware's."),
    row.Ignored(
        image=('hw_floppy_bus',),
        about='A floppy drive has only one bus.'),
    # Properties that Nova no longer reads.
    row.Ignored(image=('hw_auto_disk_config', 'auto_disk_config'), about=_XEN),
    row.Ignored(image=('hw_device_id', 'xenapi_device_id'), about=_XEN),
    row.Ignored(image=('hw_ipxe_boot', 'ipxe_boot'), about=_XEN),
    row.Ignored(image=('img_bittorrent', 'bittorrent'), about=_XEN),
    row.Ignored(image=('img_cache_in_nova', 'cache_in_nova'), about=_XEN),
    row.Ignored(
        image=('img_compression_level', 'xenapi_image_compression_level'),
        about=_XEN),
    row.Ignored(image=('img_use_agent', 'xenapi_use_agent'), about=_XEN),
    row.Ignored(
        image=('os_skip_agent_inject_files_at_boot',
               'xenapi_skip_agent_inject_files_at_boot'), about=_XEN),
    row.Ignored(
        image=('os_skip_agent_inject_ssh', 'xenapi_skip_agent_inject_ssh'),
        about=_XEN),
    row.Ignored(
        image=('img_version', 'vmware_image_version'),
        about='The driver reads the version from the image itself.'),
    row.Ignored(
        image=('img_owner_id', 'owner_id'),
        about='It says who uploaded the image.'),
)
