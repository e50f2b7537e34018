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

"""qemu-img, a method per command.

The format of a source is always named, as with -f, and so is the driver of
the file below it: qemu-img would otherwise believe whatever header a tenant
wrote into the first bytes. It runs under limits of memory, time and what it
may write, since images are hostile.
"""

import errno
import os
import resource
import signal

from oslo_serialization import jsonutils
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.tools import messages

_MEMORY = 2 * units.Gi
# Drivers that look for a parent if they are not told of one.
_WITH_BACKING = ('qcow2', 'vmdk')


class QemuImg:
    """The qemu-img program.

    :param runner: a nova_vmrun.tools.process.Runner
    :param path: the program
    :param timeout: seconds for each call; the CPU time is bound by it too
    """

    def __init__(self, runner, path, timeout):
        self._runner = runner
        self._path = path
        self._timeout = timeout

    def convert_to_vmdk(self, source, source_format, target, size,
                        span=None, room=None):
        """Writes a disk's content into a new monolithicSparse VMDK.

        :param source: path of the disk
        :param source_format: its format as inspection found it
        :param target: the .vmdk to make
        :param size: bytes that the disk has for a guest; no more is written
        :param span: (offset, length) in bytes of the disk in its file; None:
            it is all of it
        :param room: bytes that the target may have on its file system; None:
            there is enough
        :raises ToolRefused: DiskFull among others
        """
        node = _node(source, source_format, span)
        most = size + table_size(size) + units.Mi
        brief = 'A %s image cannot be converted.' % source_format
        try:
            self._run('convert', 'json:' + jsonutils.dumps(node),
                      '-O', 'vmdk', '-o',
                      'subformat=monolithicSparse,adapter_type=lsilogic',
                      target, brief=brief,
                      largest_file=most if room is None else min(most, room))
        except exception.ToolRefused as error:
            if room is not None and room < most and _is_too_large(error):
                raise exception.DiskFull(
                    brief, 'It was ended at %d bytes, for which there is '
                    'room.' % room, 'Free some space on the file system of '
                    'the instances.') from error
            raise

    def shrink_vmdk(self, source, size, target):
        """Writes the first bytes of a VMDK's content into a new one.

        :param source: the .vmdk
        :param size: bytes of its content to keep, whole sectors
        :param target: the .vmdk to make
        :raises ToolRefused: DiskFull among others
        """
        options = {'driver': 'raw', 'size': size,
                   'file': {'driver': 'vmdk',
                            'file': {'driver': 'file', 'filename': source}}}
        self._run('convert', 'json:' + jsonutils.dumps(options),
                  '-O', 'vmdk', '-o',
                  'subformat=monolithicSparse,adapter_type=lsilogic', target,
                  brief='The disk %s cannot be copied.' % source)

    def convert_chain(self, chain, adapter, target,
                      subformat='streamOptimized'):
        """Writes a disk's content into a new VMDK that needs no other file.

        :param chain: paths of VMDKs: the disk, its parent, and so on to the
            base. A VM may have them open as long as it does not write.
        :param adapter: ide, buslogic or lsilogic
        :param target: the .vmdk to make
        :param subformat: streamOptimized to be uploaded, monolithicSparse to
            be written to
        :raises ToolRefused: DiskFull among others
        """
        node = None
        for path in reversed(chain):
            # What the file itself says of its parent is not asked.
            node = dict(_node(path, 'vmdk', None), backing=node)
        self._run('convert', '-U', 'json:' + jsonutils.dumps(node),
                  '-O', 'vmdk', '-o',
                  'subformat=%s,adapter_type=%s' % (subformat, adapter),
                  target, brief='The disk %s cannot be copied.' % chain[0])

    def create_child(self, parent, child):
        """Makes an empty VMDK that refers to another one.

        :param parent: the .vmdk below, by the path that is written into it
        :param child: the .vmdk to make
        :raises ToolRefused: DiskFull among others
        """
        self._run('create', '-f', 'vmdk', '-F', 'vmdk', '-b', parent,
                  '-o', 'adapter_type=lsilogic', child,
                  brief='No child of the disk %s can be made.' % parent)

    def have_same_content(self, disk, other):
        """Tells whether two VMDKs have the same content.

        One may be larger, if it has zeros there.

        :param disk: a .vmdk
        :param other: likewise
        :raises ToolRefused: one of them cannot be read
        """
        nodes = ['json:' + jsonutils.dumps(_node(path, 'vmdk', None))
                 for path in (disk, other)]
        return self._run('compare', '-q', *nodes, brief='The disks %s and %s '
                         'cannot be compared.' % (disk, other),
                         answers=(0, 1)).exit_code == 0

    def _run(self, *words, brief, largest_file=None, answers=(0,)):
        limits = {resource.RLIMIT_AS: _MEMORY,
                  resource.RLIMIT_CPU: int(self._timeout),
                  resource.RLIMIT_CORE: 0}
        if largest_file is not None:
            limits[resource.RLIMIT_FSIZE] = largest_file
        result = self._runner.run(self._path, *words, timeout=self._timeout,
                                  limits=limits)
        if result.exit_code not in answers:
            raise messages.refusal(result, brief)
        return result


def table_size(capacity):
    """Returns how many bytes the tables of a sparse VMDK take, at most.

    :param capacity: bytes that the guest sees
    """
    # Two tables with four bytes for each 64 KiB are half of this.
    return capacity // 4096


def _is_too_large(error):
    """Tells whether a program was ended by RLIMIT_FSIZE."""
    return (error.exit_code == -signal.SIGXFSZ or
            os.strerror(errno.EFBIG) in error.output)


def _node(source, source_format, span):
    """Describes a disk to QEMU, each layer by its name, none to be guessed."""
    file = {'driver': 'file', 'filename': source}
    if span is not None:
        offset, length = span
        file = {'driver': 'raw', 'offset': offset, 'size': length,
                'file': file}
    node = {'driver': source_format, 'file': file}
    if source_format in _WITH_BACKING:
        # Whatever the disk says of a parent is passed over.
        node['backing'] = None
    if source_format == 'vpc':
        # QEMU would cut disks of other makers to what a geometry can name.
        node['force_size_calc'] = 'current_size'
    return node
