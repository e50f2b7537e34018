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

"""The qemu-img program: one method per command.

Always name the format of a source and the driver of the file below it:
otherwise qemu-img trusts whatever header a tenant wrote into the first bytes.
Images are hostile, so limit qemu-img's memory, its time and what it may write.
"""

from collections.abc import Collection
from collections.abc import Sequence
import errno
import os
import resource
import signal
from typing import Any

from oslo_serialization import jsonutils
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.tools import messages
from nova_vmrun.tools import process

_MEMORY = 2 * units.Gi
# Drivers that open the parent named in the disk unless given another one.
_WITH_BACKING = ('qcow2', 'vmdk')


class QemuImg:
    """The qemu-img program.

    :param path: the program
    :param timeout: seconds for each call; it limits the CPU time, too
    """

    def __init__(self, runner: process.Runner, path: str,
                 timeout: float) -> None:
        self._runner = runner
        self._path = path
        self._timeout = timeout

    def convert_to_vmdk(self, source: str, source_format: str, target: str,
                        size: int,
                        span: tuple[int, int] | None = None,
                        available: int | None = None) -> None:
        """Convert a disk to a new monolithicSparse VMDK.

        :param source: path of the disk
        :param source_format: its format as found by inspection
        :param target: the .vmdk to create
        :param size: bytes of the disk as the guest sees it; no more is
            written
        :param span: offset and length in bytes of the disk in its file; None:
            it is the whole file
        :param available: bytes that the target may use on its file system;
            None: unlimited
        :raises DiskFull: no space is left
        :raises ToolRefused: it failed for another reason
        """
        node = _node(source, source_format, span)
        limit = size + table_size(size) + units.Mi
        if available is not None:
            limit = min(limit, available)
        brief = 'Cannot convert a %s image.' % source_format
        try:
            self._run('convert', 'json:' + jsonutils.dumps(node),
                      '-O', 'vmdk', '-o',
                      'subformat=monolithicSparse,adapter_type=lsilogic',
                      target, brief=brief, largest_file=limit)
        except exception.ToolRefused as error:
            if limit == available and _is_too_large(error):
                raise exception.DiskFull(
                    brief, 'qemu-img was stopped after writing the %d bytes '
                    'that are available.' % limit,
                    'Free some space on the file system of the instances.'
                ) from error
            raise

    def shrink_vmdk(self, source: str, size: int, target: str) -> None:
        """Write the first bytes of a VMDK's content to a new VMDK.

        :param source: the .vmdk
        :param size: bytes of the content to keep, a multiple of 512
        :param target: the .vmdk to create
        :raises DiskFull: no space is left
        :raises ToolRefused: it failed for another reason
        """
        options = {'driver': 'raw', 'size': size,
                   'file': {'driver': 'vmdk',
                            'file': {'driver': 'file', 'filename': source}}}
        self._run('convert', 'json:' + jsonutils.dumps(options),
                  '-O', 'vmdk', '-o',
                  'subformat=monolithicSparse,adapter_type=lsilogic', target,
                  brief='Cannot copy the disk %s.' % source)

    def convert_chain(self, chain: Sequence[str], adapter: str, target: str,
                      subformat: str = 'streamOptimized') -> None:
        """Flatten a disk and its parents into one new VMDK.

        :param chain: paths of VMDKs: the disk, its parent, and so on down to
            the base. A VM may have them open if it does not write.
        :param adapter: ide, buslogic or lsilogic
        :param target: the .vmdk to create
        :param subformat: streamOptimized for an upload, monolithicSparse for
            a disk that a VM writes to
        :raises DiskFull: no space is left
        :raises ToolRefused: it failed for another reason
        """
        node: dict[str, Any] | None = None
        for path in reversed(chain):
            # Override the parent that the file itself names.
            node = dict(_node(path, 'vmdk', None), backing=node)
        self._run('convert', '-U', 'json:' + jsonutils.dumps(node),
                  '-O', 'vmdk', '-o',
                  'subformat=%s,adapter_type=%s' % (subformat, adapter),
                  target, brief='Cannot copy the disk %s.' % chain[0])

    def create_child(self, parent: str, child: str) -> None:
        """Create an empty VMDK whose parent is another VMDK.

        :param parent: a .vmdk; this path is written to the child
        :param child: the .vmdk to create
        :raises DiskFull: no space is left
        :raises ToolRefused: it failed for another reason
        """
        self._run('create', '-f', 'vmdk', '-F', 'vmdk', '-b', parent,
                  '-o', 'adapter_type=lsilogic', child,
                  brief='Cannot create a child of the disk %s.' % parent)

    def have_same_content(self, disk: str, other: str) -> bool:
        """Return whether two VMDKs have the same content.

        One may be larger if the rest of it is zeros.

        :raises ToolRefused: one of them cannot be read
        """
        nodes = ['json:' + jsonutils.dumps(_node(path, 'vmdk', None))
                 for path in (disk, other)]
        result = self._run(
            'compare', '-q', *nodes, expected_exit_codes=(0, 1),
            brief='Cannot compare the disks %s and %s.' % (disk, other))
        return result.exit_code == 0

    def _run(self, *words: str, brief: str, largest_file: int | None = None,
             expected_exit_codes: Collection[int] = (0,)) -> process.Result:
        limits = {resource.RLIMIT_AS: _MEMORY,
                  resource.RLIMIT_CPU: int(self._timeout),
                  resource.RLIMIT_CORE: 0}
        if largest_file is not None:
            limits[resource.RLIMIT_FSIZE] = largest_file
        result = self._runner.run(self._path, *words, timeout=self._timeout,
                                  limits=limits)
        if result.exit_code not in expected_exit_codes:
            raise messages.refusal(result, brief)
        return result


def table_size(capacity: int) -> int:
    """Return the most bytes that the tables of a sparse VMDK can take.

    :param capacity: bytes as the guest sees them
    """
    # Two tables with four bytes for each 64 KiB are half of this.
    return capacity // 4096


def _is_too_large(error: exception.ToolRefused) -> bool:
    """Return whether a program was stopped by RLIMIT_FSIZE."""
    return (error.exit_code == -signal.SIGXFSZ or
            os.strerror(errno.EFBIG) in error.output)


def _node(source: str, source_format: str,
          span: tuple[int, int] | None) -> dict[str, Any]:
    """Describe a disk to QEMU and name the driver of each layer."""
    file: dict[str, Any] = {'driver': 'file', 'filename': source}
    if span is not None:
        offset, length = span
        file = {'driver': 'raw', 'offset': offset, 'size': length,
                'file': file}
    node: dict[str, Any] = {'driver': source_format, 'file': file}
    if source_format in _WITH_BACKING:
        # Ignore the parent that the disk names.
        node['backing'] = None
    if source_format == 'vpc':
        # QEMU would truncate disks made by other programs to a size that a
        # geometry can express.
        node['force_size_calc'] = 'current_size'
    return node
